/**
 * How our things are named in one book, for one network: its mutual-credit account, accounts, item and VAT codes.
 *
 * Keeps: only what fits the book is confirmed; two people who change it at once do not overwrite each other; each network
 * has a mutual-credit account of its own.
 *
 * @path connect 5/6 names our things in the book; the connection goes live
 */
import { z } from 'zod'
import { BookError, type BookProfile } from '../../connectors/port.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { makeLaneDue, queueMailToOrganisation } from '../networks/mail.ts'
import { type Network, networkOf } from '../networks/network.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { checkMapping, type MappingFault } from './check-mapping.ts'
import { connectionFrom, connectionOf, lockConnection } from './connection.ts'
import { creditAccountNames } from './credit-account-name.ts'
import type { GrantDeps } from './grants.ts'
import { readProfile } from './profile.ts'
import { proposeMapping } from './propose-mapping.ts'
import { type ChosenNames, chosenNames, renamedSince } from './renamed.ts'

export { checkMapping } from './check-mapping.ts'
export { makeCreditAccount } from './credit-account.ts'
export { proposeMapping } from './propose-mapping.ts'

const id = z.string().min(1).max(200)
const codes = z.strictObject({
  standard: id.nullable(),
  reduced: id.nullable(),
  zero: id.nullable(),
  exempt: id.nullable(),
  outside: id.nullable(),
  reverse_charge: id.nullable(),
})
export const mappingShape = z.strictObject({
  creditAccountId: id,
  creditAccountKind: z.enum(['bank', 'current_liability']),
  /** How entries stand on the bank screen: made as reconciled, or left open for our statement file. */
  bankScreen: z.enum(['reconciled', 'left_open']),
  salesAccountId: id,
  /** A sale in QuickBooks needs one. */
  salesItemId: id.nullable(),
  costAccountId: id,
  vatCodes: z.strictObject({ sales: codes, purchases: codes }),
  // Asked when they are needed.
  feeAccountId: id.nullish(),
  lossAccountId: id.nullish(),
  netWagesAccountId: id.nullish(),
  staffBenefitAccountId: id.nullish(),
  settlementBankAccountId: id.nullish(),
  otherIncomeAccountId: id.nullish(),
  feeTaxCodeId: id.nullish(),
})
export type Mapping = z.infer<typeof mappingShape>
/** What is proposed may lack what a person must choose. */
export type MappingDraft = Partial<Mapping>

export type MappingKept = {
  connectionId: Uuid
  networkId: Uuid
  version: number
  draft: MappingDraft
  /** Null until a person has confirmed it. */
  mapping: Mapping | null
  confirmedBy: string | null
  confirmedAt: Date | null
  checkedAt: Date | null
  /** What no longer fits the book, and what was renamed there since a person confirmed it. */
  problem: MappingFault[] | null
  /** What the book called the choices when a person confirmed them. */
  names: ChosenNames | null
}

export async function mappingOf(tx: Tx, connectionId: Uuid, networkId: Uuid): Promise<MappingKept> {
  const row = await tx.mapping.findUnique({ where: { connectionId_networkId: { connectionId, networkId } } })
  if (!row) throw new Refusal('not_found', { thing: 'mapping' })
  return mappingFrom(row)
}

export async function mappingsOf(tx: Tx, connectionId: Uuid): Promise<MappingKept[]> {
  return (await tx.mapping.findMany({ where: { connectionId }, orderBy: { networkId: 'asc' } })).map(mappingFrom)
}

/** A proposal for a network that has none yet. Runs as the worker. */
export async function ensureMapping(
  tx: Tx,
  ask: { connectionId: Uuid; network: Network; profile: BookProfile },
): Promise<void> {
  const { connectionId, network, profile } = ask
  const body = proposeMapping(profile, creditAccountNames(network.name))
  await tx.$executeRaw`
    insert into mapping (connection_id, network_id, body)
    values (${connectionId}::uuid, ${network.id}::uuid, ${JSON.stringify(body)}::jsonb)
    on conflict (connection_id, network_id) do nothing`
}

/** Another network of the same organisation is served by the same book, with an account of its own. */
export async function addNetwork(tx: Tx, ask: { connectionId: Uuid; networkId: Uuid }): Promise<MappingKept> {
  const connection = await lockConnection(tx, ask.connectionId)
  const network = await networkOf(tx, ask.networkId)
  const { currency, name } = connection.profile
  if (currency !== network.currency)
    throw new Refusal('currency_differs', { book: name, currency, wanted: network.currency })
  await ensureMapping(tx, { connectionId: connection.id, network, profile: connection.profile })
  return mappingOf(tx, connection.id, network.id)
}

/** A person's yes to a mapping. The first one makes the connection live. */
export async function saveMapping(
  deps: Pick<GrantDeps, 'db' | 'clock'>,
  ask: { connectionId: Uuid; networkId: Uuid; mapping: unknown; ifVersion: number; actor: string },
): Promise<MappingKept> {
  const parsed = mappingShape.safeParse(ask.mapping)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Refusal('mapping_not_sound', { why: `${issue?.path.join('.') || 'the mapping'}: ${issue?.message}` })
  }
  const mapping = parsed.data
  return inTransaction(deps.db, asWorker, async (tx) => {
    const connection = await lockConnection(tx, ask.connectionId)
    if (connection.state === 'ended' || connection.state === 'choosing')
      throw new Refusal('connection_does_not_allow', { state: connection.state, wanted: 'mapped' })
    const held = await mappingOf(tx, connection.id, ask.networkId)
    if (held.version !== ask.ifVersion) throw new Refusal('mapping_changed', {})
    const faults = [...checkMapping(connection.profile, mapping), ...(await sharedAccount(tx, held, mapping))]
    if (faults[0])
      throw new Refusal('mapping_not_sound', { why: faults.map((one) => one.why).join('; '), field: faults[0].field })
    const names = chosenNames(connection.profile, mapping)
    await writeMapping(tx, held, mapping, { by: ask.actor, at: deps.clock.now(), names })
    if (connection.state === 'mapping')
      await tx.connection.update({ where: { id: connection.id }, data: { state: 'live' } })
    await makeLaneDue(tx, connection.organisationId, 'book')
    const { organisationId } = connection
    const facts = { version: held.version + 1, account: mapping.creditAccountId }
    await recordDeed(tx, deps.clock, {
      networkId: ask.networkId,
      organisationId,
      actor: ask.actor,
      what: 'mapping_confirmed',
      facts,
    })
    return mappingOf(tx, connection.id, ask.networkId)
  })
}

/** A choice put into the draft, not confirmed by it; a confirmed mapping stays confirmed. */
export async function writeDraft(tx: Tx, held: MappingKept, change: MappingDraft): Promise<MappingKept> {
  const body = JSON.stringify({ ...held.draft, ...change })
  const changed = await tx.$executeRaw`
    update mapping set body = ${body}::jsonb, version = version + 1
    where connection_id = ${held.connectionId}::uuid and network_id = ${held.networkId}::uuid and version = ${held.version}`
  if (changed === 0) throw new Refusal('mapping_changed', {})
  return mappingOf(tx, held.connectionId, held.networkId)
}

/** Reads every live book's lists and marks mappings that no longer fit; tells its people once. A timed task. */
export async function checkMappings(deps: GrantDeps): Promise<number> {
  const connections = await inTransaction(deps.db, asWorker, async (tx) =>
    (await tx.connection.findMany({ where: { state: 'live' }, orderBy: { id: 'asc' } })).map(connectionFrom),
  )
  let checked = 0
  for (const { id } of connections) {
    try {
      await checkMappingsOf(deps, id)
      checked += 1
    } catch (error) {
      // A book that does not answer is looked at tomorrow; a Refusal says that it stopped being live meanwhile.
      if (!(error instanceof BookError) && !(error instanceof Refusal)) throw error
    }
  }
  return checked
}

/** The same for one book: also when it has just refused an account or a code. */
export async function checkMappingsOf(deps: GrantDeps, connectionId: Uuid): Promise<MappingFault[]> {
  const { profile: before } = await inTransaction(deps.db, asWorker, (tx) => connectionOf(tx, connectionId))
  const profile = await readProfile(deps, connectionId)
  return inTransaction(deps.db, asWorker, async (tx) => {
    const { organisationId, bookName } = await lockConnection(tx, connectionId)
    const found: MappingFault[] = []
    for (const held of await mappingsOf(tx, connectionId)) {
      if (!held.mapping) continue
      const faults = checkMapping(profile, held.mapping)
      found.push(...faults)
      // Told before names were kept: nobody knows the first one any more.
      const old = (held.problem ?? []).filter((one) => one.isNotice && !held.names?.[one.field])
      const oldFields = old.map((one) => one.field)
      const names = chosenNames(before, held.mapping, held.names ?? {}, oldFields)
      const told = [...faults, ...old, ...renamedSince(names, profile, held.mapping)]
      const problem = told.length > 0 ? JSON.stringify(told) : null
      await tx.$executeRaw`
        update mapping set checked_at = ${deps.clock.now()}, problem = ${problem}::jsonb, names = ${JSON.stringify(names)}::jsonb
        where connection_id = ${connectionId}::uuid and network_id = ${held.networkId}::uuid`
      if (faults.length === 0 || held.problem?.some((one) => !one.isNotice)) continue
      await queueMailToOrganisation(tx, deps.clock, organisationId, ['owner', 'bookkeeper'], {
        kind: 'mapping_problem',
        subject: `${bookName}: the mapping no longer fits`,
        paragraphs: [
          faults.map((one) => `- ${one.why}`).join('\n'),
          'Open the mapping of your connection and pick another.',
        ],
      })
    }
    return found
  })
}

async function writeMapping(
  tx: Tx,
  held: MappingKept,
  mapping: Mapping,
  confirmed: { by: string; at: Date; names: ChosenNames },
): Promise<void> {
  const changed = await tx.$executeRaw`
    update mapping set body = ${JSON.stringify(mapping)}::jsonb, version = version + 1, confirmed_by = ${confirmed.by},
           confirmed_at = ${confirmed.at}, checked_at = ${confirmed.at}, problem = null,
           names = ${JSON.stringify(confirmed.names)}::jsonb
    where connection_id = ${held.connectionId}::uuid and network_id = ${held.networkId}::uuid and version = ${held.version}`
  if (changed === 0) throw new Refusal('mapping_changed', {})
}

async function sharedAccount(tx: Tx, held: MappingKept, mapping: Mapping): Promise<MappingFault[]> {
  const others = (await mappingsOf(tx, held.connectionId)).filter((one) => one.networkId !== held.networkId)
  const isShared = others.some((one) => one.mapping?.creditAccountId === mapping.creditAccountId)
  return isShared ? [{ field: 'creditAccountId', why: 'this account stands for another network already' }] : []
}

type Row = NonNullable<Awaited<ReturnType<Tx['mapping']['findUnique']>>>

function mappingFrom(row: Row): MappingKept {
  const { body, problem, names, ...rest } = row
  return {
    ...rest,
    draft: body as MappingDraft,
    mapping: row.confirmedAt ? mappingShape.parse(body) : null,
    problem: problem as MappingFault[] | null,
    names: names as ChosenNames | null,
  }
}
