/**
 * Members of an existing network from a CSV file: all are shown first (dry run), then made in order of their lines.
 *
 * Columns: name, email, legal_form, and optionally partners, registration_number, statement, statement_on, vat_number,
 * vat_from, address, invoice_prefix, credit_limit, exposure_limit. Amounts in units with a decimal point.
 * Keeps: twice is once (a member of that name and e-mail is left as it is); the real run stops before the first line
 * that is refused, and goes on from there when the file is mended. Nobody is mailed.
 */
import type { Clock } from '../kit/clock.ts'
import { isDay } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import { amountIn, type CsvRow, readCsv } from '../kit/read-csv.ts'
import { admit } from './admit.ts'
import { type LegalForm, legalForms } from './evidence.ts'
import { type ImportAsk, type Imported, nothingYet, recordRun, whyRefused } from './import-run.ts'
import { createMember } from './invite.ts'
import { networkOf } from './network.ts'

export const memberColumns = {
  needed: ['name', 'email', 'legal_form'],
  optional: [
    'partners',
    'registration_number',
    'statement',
    'statement_on',
    'vat_number',
    'vat_from',
    'address',
    'invoice_prefix',
    'credit_limit',
    'exposure_limit',
  ],
} as const

type Deps = { db: Db; clock: Clock }

class DryRunOver extends Error {}

export async function importMembers(deps: Deps, ask: ImportAsk): Promise<Imported> {
  const { rows, refusal } = readCsv(ask.text, memberColumns)
  const result = nothingYet(ask.dryRun, rows.length)
  if (refusal) return { ...result, refusals: [refusal], stoppedAtLine: refusal.line }
  if (ask.dryRun) await tryAll(deps, ask, rows, result)
  else await makeEach(deps, ask, rows, result)
  if (!ask.dryRun) await recordRun(deps, ask, 'members', result)
  return result
}

/** Every line in a transaction of its own; stops before the first that is refused. */
async function makeEach(deps: Deps, ask: ImportAsk, rows: CsvRow[], result: Imported): Promise<void> {
  for (const row of rows) {
    const made = await inTransaction(deps.db, asWorker, (tx) => make(tx, deps.clock, ask, row)).catch(refused)
    count(result, row, made)
    if (typeof made === 'object') {
      result.stoppedAtLine = row.line
      return
    }
    ask.progress?.(result.done + result.known, rows.length)
  }
}

/** All lines in one transaction that is undone at the end, each behind a savepoint, so that every refusal shows. */
async function tryAll(deps: Deps, ask: ImportAsk, rows: CsvRow[], result: Imported): Promise<void> {
  const work = inTransaction(
    deps.db,
    asWorker,
    async (tx) => {
      // Done again where it was torn apart: then it is counted anew.
      const tried = nothingYet(result.dryRun, result.rows)
      for (const row of rows) {
        await tx.$executeRaw`savepoint line`
        const made = await make(tx, deps.clock, ask, row).catch(refused)
        if (typeof made === 'object') await tx.$executeRaw`rollback to savepoint line`
        count(tried, row, made)
        ask.progress?.(tried.done + tried.known + tried.refusals.length, rows.length)
      }
      Object.assign(result, tried)
      throw new DryRunOver()
    },
    300_000,
  )
  await work.catch((error: unknown) => {
    if (!(error instanceof DryRunOver)) throw error
  })
}

type Made = 'done' | 'known' | { why: string }

function count(result: Imported, { line }: CsvRow, made: Made): void {
  if (typeof made === 'object') result.refusals.push({ line, why: made.why })
  else result[made] += 1
}

function refused(error: unknown): Made {
  return { why: whyRefused(error) }
}

async function make(tx: Tx, clock: Clock, ask: ImportAsk, { fields, line }: CsvRow): Promise<Made> {
  const get = (name: string) => fields[name] ?? ''
  const network = await networkOf(tx, ask.networkId)
  if (get('name') === '' || get('name').length > 200)
    return { why: 'The name is missing or longer than 200 characters.' }
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(get('email'))) return { why: `"${get('email')}" is not an e-mail address.` }
  const legalForm = get('legal_form') as LegalForm
  if (!legalForms.includes(legalForm))
    return { why: `"${get('legal_form')}" is no legal form; known are ${legalForms.join(', ')}.` }
  if (get('partners') !== '' && !/^\d{1,4}$/.test(get('partners')))
    return { why: `"${get('partners')}" is not a number of partners.` }
  for (const name of ['statement_on', 'vat_from'])
    if (get(name) !== '' && !isDay(get(name))) return { why: `"${get(name)}" is not a day; write YYYY-MM-DD.` }
  const creditLimit = get('credit_limit') === '' ? null : amountIn(get('credit_limit'), network.scale)
  const exposureLimit = get('exposure_limit') === '' ? null : amountIn(get('exposure_limit'), network.scale)
  for (const limit of [creditLimit, exposureLimit]) {
    if (limit && 'why' in limit) return { why: limit.why }
    if (limit && limit.minor < 0n) return { why: 'A limit is written without sign.' }
  }
  const same = await tx.$queryRaw<{ email: string | null }[]>`
    select o.email from member m join organisation o on o.id = m.organisation_id where m.network_id = ${ask.networkId}::uuid and lower(o.name) = lower(${get('name')})`
  if (same.some((one) => one.email === get('email').toLowerCase())) return 'known'
  if (same.length > 0)
    return {
      why: `A member called "${get('name')}" stands in the network with another e-mail address; give them names that differ.`,
    }
  const member = await createMember(tx, clock, {
    networkId: ask.networkId,
    invoicePrefix: get('invoice_prefix') || null,
    organisation: {
      name: get('name'),
      email: get('email').toLowerCase(),
      address: get('address') || null,
      form: {
        legalForm,
        partners: get('partners') === '' ? null : Number(get('partners')),
        evidence: get('registration_number')
          ? { kind: 'registration_number', number: get('registration_number') }
          : { kind: 'statement', text: get('statement'), on: get('statement_on') },
      },
      vat: {
        registered: get('vat_number') !== '',
        number: get('vat_number') || null,
        fromOn: get('vat_from') || null,
        scheme: 'unknown',
      },
    },
  })
  await admit(tx, clock, {
    networkId: ask.networkId,
    memberId: member.id,
    actor: ask.actor,
    untold: true,
    reason: `imported from ${ask.fileName}, line ${line}`,
    ...(creditLimit && 'minor' in creditLimit ? { creditLimitMinor: creditLimit.minor } : {}),
    ...(exposureLimit && 'minor' in exposureLimit ? { exposureLimitMinor: exposureLimit.minor } : {}),
  })
  return 'done'
}
