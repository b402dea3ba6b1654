/**
 * The terms of a network, in versions: appended, never changed, so that a trade keeps those it was made under.
 *
 * Keeps: no version stands that does not fit together (checked here, and by the database).
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { largestAmountMinor } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from './record-deed.ts'

export type Fee = {
  side: 'seller' | 'buyer'
  /** Of the part in credits, rounded half up; plus the fixed part. */
  basisPoints: number
  /** Whole minor units. */
  fixedMinor: string
  mode: 'credits' | 'money'
  words: string
}

export type TermsBody = {
  defaultCreditLimitMinor: bigint
  defaultExposureLimitMinor: bigint
  maxCreditLimitMinor: bigint
  maxExposureLimitMinor: bigint
  softLimitBasisPoints: number
  largestCreditShareBasisPoints: number
  vatIn: 'money' | 'credits'
  proposalLifeDays: number
  fees: Fee[]
  feesBackOnReversal: boolean
  settlementMode: 'running' | 'periods'
  settlementDay: number | null
  words: string
}
export type Terms = TermsBody & { networkId: Uuid; version: number; madeBy: string; fromAt: Date }

/** Most fees a network may charge on one trade. */
const mostFees = 4

export async function currentTerms(tx: Tx, networkId: Uuid): Promise<Terms> {
  const row = await tx.networkTerms.findFirst({ where: { networkId }, orderBy: { version: 'desc' } })
  if (!row) throw new Refusal('not_found', { thing: 'network' })
  return termsFrom(row)
}

export async function termsOf(tx: Tx, networkId: Uuid, version: number): Promise<Terms> {
  const row = await tx.networkTerms.findUnique({ where: { networkId_version: { networkId, version } } })
  if (!row) throw new Refusal('not_found', { thing: 'version of the terms' })
  return termsFrom(row)
}

/** All versions, newest first; `after` is the last one seen. */
export async function termsHistory(
  tx: Tx,
  networkId: Uuid,
  page: { after: number | null; limit: number } = { after: null, limit: 100 },
): Promise<Terms[]> {
  const rows = await tx.networkTerms.findMany({
    where: { networkId, ...(page.after ? { version: { lt: page.after } } : {}) },
    orderBy: { version: 'desc' },
    take: page.limit,
  })
  return rows.map(termsFrom)
}

/** The next version, from the current one and what changes. Warning lines move with the percentage; limits stay. */
export async function newTerms(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; change: Partial<TermsBody>; actor: string },
): Promise<Terms> {
  // Two conveners at once: the second waits here and builds on what the first wrote.
  await tx.$queryRaw`select id from network where id = ${ask.networkId}::uuid for update`
  const current = await currentTerms(tx, ask.networkId)
  const body = soundTerms({ ...current, ...ask.change })
  const terms = await writeTerms(tx, clock, ask.networkId, current.version + 1, body, ask.actor)
  if (terms.softLimitBasisPoints !== current.softLimitBasisPoints) {
    const part = terms.softLimitBasisPoints
    await tx.$executeRaw`
      update account set soft_floor_minor = nullif(floor_minor * ${part}::bigint / 10000, 0),
                         soft_ceiling_minor = ceiling_minor * ${part}::bigint / 10000
      where network_id = ${ask.networkId}::uuid and kind = 'member'`
  }
  const facts = { version: terms.version, changed: Object.keys(ask.change).join(', ') }
  await recordDeed(tx, clock, { networkId: ask.networkId, actor: ask.actor, what: 'terms_changed', facts })
  return terms
}

export async function writeTerms(
  tx: Tx,
  clock: Clock,
  networkId: Uuid,
  version: number,
  body: TermsBody,
  actor: string,
): Promise<Terms> {
  const row = await tx.networkTerms.create({
    data: { ...body, networkId, version, madeBy: actor, fromAt: clock.now() },
  })
  return termsFrom(row)
}

/** Only what fits together, and only the fields of terms. */
export function soundTerms(given: TermsBody): TermsBody {
  const body: TermsBody = {
    defaultCreditLimitMinor: given.defaultCreditLimitMinor,
    defaultExposureLimitMinor: given.defaultExposureLimitMinor,
    maxCreditLimitMinor: given.maxCreditLimitMinor,
    maxExposureLimitMinor: given.maxExposureLimitMinor,
    softLimitBasisPoints: given.softLimitBasisPoints,
    largestCreditShareBasisPoints: given.largestCreditShareBasisPoints,
    vatIn: given.vatIn,
    proposalLifeDays: given.proposalLifeDays,
    fees: given.fees.map(({ side, basisPoints, fixedMinor, mode, words }) => ({
      side,
      basisPoints,
      fixedMinor,
      mode,
      words,
    })),
    feesBackOnReversal: given.feesBackOnReversal,
    settlementMode: given.settlementMode,
    settlementDay: given.settlementDay,
    words: given.words,
  }
  const why = whyNotSound(body)
  if (why) throw new Refusal('terms_not_sound', { why })
  return body
}

function whyNotSound(body: TermsBody): string | null {
  const limits = [
    body.defaultCreditLimitMinor,
    body.defaultExposureLimitMinor,
    body.maxCreditLimitMinor,
    body.maxExposureLimitMinor,
  ]
  if (limits.some((limit) => limit < 0n)) return 'a limit cannot be below zero'
  if (limits.some((limit) => limit > largestAmountMinor)) return 'a limit is larger than the ledger takes'
  if (body.defaultCreditLimitMinor > body.maxCreditLimitMinor) return 'the usual credit limit is above the highest one'
  if (body.defaultExposureLimitMinor > body.maxExposureLimitMinor)
    return 'the usual exposure limit is above the highest one'
  if (!isWithin(body.softLimitBasisPoints, 1, 10_000))
    return 'the warning line must lie between 0.01 % and 100 % of a limit'
  if (!isWithin(body.largestCreditShareBasisPoints, 1, 10_000))
    return 'the largest share in credits must lie between 0.01 % and 100 %'
  if (!isWithin(body.proposalLifeDays, 1, 365)) return 'a proposal lives 1 to 365 days'
  if (body.settlementMode === 'periods' && !isWithin(body.settlementDay ?? 0, 1, 28))
    return 'clearing periods need a settlement day from 1 to 28'
  if (body.settlementMode === 'running' && body.settlementDay !== null) return 'a running network has no settlement day'
  if (body.words.length > 20_000) return 'the words of the terms are longer than 20,000 characters'
  if (body.fees.length > mostFees) return `there are more than ${mostFees} fees on a trade`
  for (const fee of body.fees) {
    if (!isWithin(fee.basisPoints, 0, 10_000)) return 'a fee lies between 0 % and 100 %'
    if (!/^\d{1,9}$/.test(fee.fixedMinor)) return 'the fixed part of a fee is whole minor units from 0 to 999999999'
    if (fee.basisPoints === 0 && BigInt(fee.fixedMinor) === 0n) return 'a fee of nothing is no fee'
    if (fee.words.trim() === '' || fee.words.length > 200) return 'a fee needs words of at most 200 characters'
  }
  return null
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

type Row = NonNullable<Awaited<ReturnType<Tx['networkTerms']['findUnique']>>>

function termsFrom(row: Row): Terms {
  return {
    ...row,
    vatIn: row.vatIn as Terms['vatIn'],
    settlementMode: row.settlementMode as Terms['settlementMode'],
    fees: row.fees as Fee[],
  }
}
