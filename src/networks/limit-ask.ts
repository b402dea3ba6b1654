/** A member asks for a higher credit limit; a convener grants it (within the terms) or says why not. Answered once. */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { showAmount } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { setLimits } from './limits.ts'
import { queueMailToOrganisation } from './mail.ts'
import { memberOf } from './member.ts'
import { networkOf } from './network.ts'
import { recordDeed } from './record-deed.ts'
import { currentTerms } from './terms.ts'

export type LimitAsk = {
  networkId: Uuid
  id: Uuid
  memberId: Uuid
  toMinor: bigint
  why: string
  state: 'open' | 'granted' | 'refused'
  askedBy: string
  askedAt: Date
  answeredBy: string | null
  answeredAt: Date | null
  answerWords: string | null
}

export async function askForLimit(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; memberId: Uuid; toMinor: bigint; why: string; actor: string },
): Promise<LimitAsk> {
  const member = await memberOf(tx, ask.networkId, ask.memberId)
  if (member.standing !== 'admitted')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'given limits' })
  if (ask.why.trim() === '') throw new Refusal('reason_missing', {})
  if (member.organisation.restricted || member.account.neverBelowZero) throw new Refusal('restricted_has_no_credit', {})
  const { maxCreditLimitMinor } = await currentTerms(tx, ask.networkId)
  if (ask.toMinor < 0n || ask.toMinor > maxCreditLimitMinor)
    throw new Refusal('limit_above_terms', { mostMinor: String(maxCreditLimitMinor) })
  const at = clock.now()
  const { networkId, memberId, toMinor, actor } = ask
  const row = await tx.limitAsk.create({
    data: {
      networkId,
      id: newId(at),
      memberId,
      toMinor,
      why: ask.why.trim().slice(0, 500),
      askedBy: actor,
      askedAt: at,
    },
  })
  return limitAskFrom(row)
}

/** Runs as the worker: the member is told by mail. */
export async function answerLimitAsk(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; askId: Uuid; grant: boolean; words: string; actor: string },
): Promise<LimitAsk> {
  await tx.$queryRaw`select id from limit_ask where network_id = ${ask.networkId}::uuid and id = ${ask.askId}::uuid for update`
  const key = { networkId_id: { networkId: ask.networkId, id: ask.askId } }
  const held = await tx.limitAsk.findUnique({ where: key })
  if (!held) throw new Refusal('not_found', { thing: 'request for a limit' })
  if (held.state !== 'open') throw new Refusal('limit_ask_closed', {})
  if (ask.words.trim() === '') throw new Refusal('reason_missing', {})
  const { networkId, actor } = ask
  const { memberId, toMinor } = held
  if (ask.grant)
    await setLimits(tx, clock, { networkId, memberId, creditLimitMinor: toMinor, reason: ask.words, actor })
  const row = await tx.limitAsk.update({
    where: key,
    data: {
      state: ask.grant ? 'granted' : 'refused',
      answeredBy: actor,
      answeredAt: clock.now(),
      answerWords: ask.words.trim(),
    },
  })
  const network = await networkOf(tx, networkId)
  const member = await memberOf(tx, networkId, memberId)
  const asked = showAmount(toMinor, network.currency, network.scale)
  await queueMailToOrganisation(tx, clock, member.organisationId, ['owner'], {
    kind: 'limit_answered',
    subject: `${network.name}: your request for a credit limit of ${asked}`,
    paragraphs: [
      ask.grant
        ? `Your credit limit in ${network.name} is ${asked} now.`
        : `Your credit limit in ${network.name} stays as it is.`,
      `The convener says: ${ask.words.trim()}`,
    ],
  })
  const facts = { granted: ask.grant, toMinor: String(toMinor) }
  const place = { networkId, organisationId: member.organisationId }
  await recordDeed(tx, clock, { ...place, actor, what: 'limit_ask_answered', facts })
  return limitAskFrom(row)
}

/** Open ones first, then those answered last; `after` is the last one seen. */
export async function limitAsksOf(
  tx: Tx,
  networkId: Uuid,
  asked: { memberId?: Uuid; after?: { answeredAt: Date | null; id: Uuid } | null; limit: number },
): Promise<LimitAsk[]> {
  const { after } = asked
  const rows = await tx.limitAsk.findMany({
    where: {
      networkId,
      ...(asked.memberId ? { memberId: asked.memberId } : {}),
      ...(after ? { OR: behind(after) } : {}),
    },
    orderBy: [{ answeredAt: { sort: 'desc', nulls: 'first' } }, { id: 'desc' }],
    take: asked.limit,
  })
  return rows.map(limitAskFrom)
}

function behind({ answeredAt, id }: { answeredAt: Date | null; id: Uuid }) {
  if (answeredAt === null) return [{ answeredAt: null, id: { lt: id } }, { answeredAt: { not: null } }]
  return [{ answeredAt: { lt: answeredAt } }, { answeredAt, id: { lt: id } }]
}

type Row = NonNullable<Awaited<ReturnType<Tx['limitAsk']['findUnique']>>>

function limitAskFrom(row: Row): LimitAsk {
  return { ...row, state: row.state as LimitAsk['state'] }
}
