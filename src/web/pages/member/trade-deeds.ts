/** What can be done with a trade, by whoever stands on one of its sides or convenes its network. */
import { z } from 'zod'
import { idText } from '../../../kit/ids.ts'
import { Refusal } from '../../../kit/refusal.ts'
import { mustBeAllowed } from '../../../networks/roles.ts'
import { openDispute, resolveDispute, sayWord } from '../../../trades/dispute.ts'
import { decline, withdraw } from '../../../trades/propose.ts'
import { recordTrade } from '../../../trades/record-trade.ts'
import { askReversal, reverseTrade } from '../../../trades/reverse-trade.ts'
import { otherSide, type Side } from '../../../trades/trade.ts'
import { type AtTrade, sideOf } from '../../api/place.ts'
import { words } from '../../api/shapes.ts'
import type { Shown, Visit } from '../../page.ts'
import { traceOf } from '../../trace.ts'
import { maybeWords, reasonShape } from '../typed-form.tsx'
import { type Here, tradeHere, worker } from '../whereabouts.ts'

type TradeHere = Here<AtTrade>

async function accept(visit: Visit) {
  const here = await tradeHere(visit, 'answer_trade')
  const given = visit.form(z.object({ confirm: z.literal('yes').optional() }))
  const accepted = await recordTrade(visit.deps, {
    networkId: here.networkId,
    tradeId: here.trade.id,
    actor: here.actor.id,
    side: mustStand(here, 'answer_trade', otherSide(here.trade.proposedBy)),
    confirmTreatment: given.confirm === 'yes',
    trace: traceOf(visit.answer),
  })
  const near = accepted.warnings.some((one) => [here.seller, here.buyer].some((m) => m.accountId === one.accountId))
  return back(
    here,
    `Accepted${accepted.invoiceNumber ? `; the invoice is ${accepted.invoiceNumber}` : ''}.${near ? ' A balance is near its limit now.' : ''}`,
  )
}

async function declineIt(visit: Visit) {
  const here = await tradeHere(visit, 'answer_trade')
  const given = visit.form(z.object({ reason: maybeWords(400) }))
  const side = mustStand(here, 'answer_trade', otherSide(here.trade.proposedBy))
  await decline(visit.deps, { ...placeOf(here), side, reason: given.reason ?? null })
  return back(here, 'Declined. Nothing is owed.')
}

async function withdrawIt(visit: Visit) {
  const here = await tradeHere(visit, 'propose_trade')
  const side = mustStand(here, 'propose_trade', here.trade.proposedBy)
  await withdraw(visit.deps, { ...placeOf(here), side, reason: null })
  return back(here, 'Withdrawn. Nothing is owed.')
}

/** A side asks, or says yes to the other's asking; a convener decides. */
async function reverse(visit: Visit) {
  const here = await tradeHere(visit, 'reverse_trade')
  const given = visit.form(z.object({ reason: reasonShape, as: z.enum(['side', 'convener']) }))
  const ask = { ...placeOf(here), reason: given.reason, trace: traceOf(visit.answer) }
  if (given.as === 'convener') {
    mustBeAllowed(here.actor, 'trade_as_convener', { networkId: here.networkId })
    await reverseTrade(visit.deps, { ...ask, side: 'convener' })
    return back(here, 'Reversed. Both movements stay in the ledger.')
  }
  const asked = here.trade.reversalAskedBy
  const side = mustStand(here, 'answer_trade', asked ? otherSide(asked) : 'seller')
  const trade = await askReversal(visit.deps, { ...ask, side })
  return back(
    here,
    trade.state === 'reversed'
      ? 'Reversed. Both movements stay in the ledger.'
      : 'Asked. The trade is reversed when the other side says yes.',
  )
}

async function say(visit: Visit) {
  const here = await tradeHere(visit, 'see_trade')
  const given = visit.form(z.object({ words: words(2000), what: z.enum(['dispute', 'word', 'resolved']) }))
  const isConvener = here.mayDo('resolve_dispute')
  const side = sideOf(here.actor, 'dispute_trade', here, undefined, 'seller')
  if (given.what === 'resolved' || side === null)
    mustBeAllowed(here.actor, 'resolve_dispute', { networkId: here.networkId })
  if (given.what === 'dispute') mustStand(here, 'dispute_trade', 'seller')
  const said = {
    ...placeOf(here),
    organisationId: side && !isConvener ? here[side].organisationId : null,
    words: given.words,
  }
  const deed = { dispute: openDispute, word: sayWord, resolved: resolveDispute }[given.what]
  await worker(visit, (tx) => deed(tx, visit.deps.clock, said))
  return back(here, { dispute: 'The trade is in dispute.', word: 'Said.', resolved: 'Resolved.' }[given.what])
}

export const tradeDeeds: Record<string, (visit: Visit) => Promise<Shown>> = {
  acceptance: accept,
  refusal: declineIt,
  withdrawal: withdrawIt,
  reversal: reverse,
  words: say,
}

/** The side on which this person stands; whose turn it is comes first when it stands on both. */
function mustStand(here: TradeHere, deed: 'answer_trade' | 'propose_trade' | 'dispute_trade', first: Side): Side {
  const side = sideOf(here.actor, deed, here, undefined, first)
  if (side === null) throw new Refusal('not_allowed', { deed: deed.replace('_', ' '), role: 'none here' })
  return side
}

function placeOf(here: TradeHere) {
  return { networkId: here.networkId, tradeId: here.trade.id, actor: here.actor.id }
}

function back(here: TradeHere, said: string): Shown {
  return { goTo: `/trades/${idText('trade', here.trade.id)}`, said }
}
