/** The trades that wait for a yes: each document as it will stand in the book, and one button. */
import { z } from 'zod'
import { type Connection, openConnectionOf } from '../../../books/connection.ts'
import type { Tx } from '../../../kit/db.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { Refusal } from '../../../kit/refusal.ts'
import { recordDeed } from '../../../networks/record-deed.ts'
import { approveTrade } from '../../../outbox/move-delivery.ts'
import { type PreviewTrade, previewOf } from '../../../outbox/preview.ts'
import type { AtMember } from '../../api/place.ts'
import { idIn } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { pathOf } from '../member/member-frame.tsx'
import { type Here, memberHere, see, worker } from '../whereabouts.ts'
import { bookPage } from './book-frame.tsx'
import { PreviewCard } from './preview-card.tsx'

export function approvalPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/approvals', show)
  serve.post('/members/:mem/approvals', approve, show)
  serve.post('/members/:mem/approvals/all', approveAll, show)
}

type Waiting = { connection: Connection | null; isMapped: boolean; trades: PreviewTrade[] }

async function waitingHere(tx: Tx, visit: Visit, here: Here<AtMember>): Promise<Waiting> {
  const { networkId, member } = here
  const connection = await openConnectionOf(tx, member.organisationId)
  const key = { connectionId: connection?.id ?? '', networkId }
  const mapping = connection ? await tx.mapping.findUnique({ where: { connectionId_networkId: key } }) : null
  if (!connection || !mapping?.confirmedAt) return { connection, isMapped: false, trades: [] }
  const trades = await previewOf(tx, {
    networkId,
    organisationId: member.organisationId,
    connectionId: connection.id,
    refundsInTwoSteps: visit.deps.connectors[connection.kind]?.refundsInTwoSteps ?? false,
    publicUrl: visit.deps.config.publicUrl,
  })
  return { connection, isMapped: true, trades }
}

async function approve(visit: Visit) {
  const here = await memberHere(visit, 'approve_delivery')
  const { trade } = visit.form(z.object({ trade: idIn('trade') }))
  await worker(visit, async (tx) => {
    const { trades } = await waitingHere(tx, visit, here)
    if (!trades.some((one) => one.tradeId === trade)) throw new Refusal('not_found', { thing: 'waiting trade' })
    await sayYes(tx, visit, here, [trade])
  })
  return { goTo: `${pathOf(here)}/approvals`, said: 'It goes to the book now.' }
}

/** All that were shown: a trade that came meanwhile was not looked at and waits. */
async function approveAll(visit: Visit) {
  const here = await memberHere(visit, 'approve_delivery')
  const { trades: shown } = visit.form(
    z.object({
      trades: z
        .string()
        .transform((text) => text.split(' '))
        .pipe(z.array(idIn('trade')).min(1).max(50)),
    }),
  )
  const count = await worker(visit, async (tx) => {
    const { trades } = await waitingHere(tx, visit, here)
    const waiting = new Set(trades.map((one) => one.tradeId))
    const still = shown.filter((id) => waiting.has(id))
    await sayYes(tx, visit, here, still)
    return still.length
  })
  return {
    goTo: `${pathOf(here)}/approvals`,
    said: `${count === 1 ? 'One trade goes' : `${count} trades go`} to the book now.`,
  }
}

async function sayYes(tx: Tx, visit: Visit, here: Here<AtMember>, tradeIds: Uuid[]): Promise<void> {
  const { networkId, member, actor } = here
  const { organisationId } = member
  for (const tradeId of tradeIds) {
    await approveTrade(tx, { networkId, tradeId, organisationId, actor: actor.id, at: visit.deps.clock.now() })
    await recordDeed(tx, visit.deps.clock, {
      networkId,
      organisationId,
      actor: actor.id,
      what: 'delivery_approved',
      facts: { tradeId },
    })
  }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_book')
  const { connection, isMapped, trades } = await see(visit, (tx) => waitingHere(tx, visit, here))
  const base = pathOf(here)
  const action = `${base}/approvals`
  const left = connection?.askFirst == null ? null : Math.max(0, connection.askFirst - connection.yesGiven)
  return bookPage(visit, here, {
    title: 'Waiting for your yes',
    children: (
      <>
        {!connection && (
          <p class="next">
            No book is connected yet. <a href={`${base}/connection`}>Connect one</a>.
          </p>
        )}
        {connection && !isMapped && (
          <p class="next">
            Before anything can be shown, <a href={`${base}/connection/mapping`}>map your book</a>.
          </p>
        )}
        {isMapped && trades.length === 0 && (
          <p>
            Nothing waits for your yes.{' '}
            {left === 0 && 'Trades go to the book by themselves; you can change that on the connection page.'}
          </p>
        )}
        {trades.length > 0 && (
          <p>
            Each document below is shown exactly as it will stand in {connection?.bookName}.{' '}
            {left === null ? 'Every trade waits for a yes.' : `After ${left} more, trades go by themselves.`}
          </p>
        )}
        {trades.map((trade) => (
          <PreviewCard key={trade.tradeId} trade={trade} unit={here.network} base={base}>
            {here.mayDo('approve_delivery') && (
              <form method="post" action={action}>
                <input type="hidden" name="trade" value={idText('trade', trade.tradeId)} />
                <button type="submit">Yes, write these</button>
              </form>
            )}
          </PreviewCard>
        ))}
        {trades.length > 1 && here.mayDo('approve_delivery') && (
          <form method="post" action={`${action}/all`}>
            <input type="hidden" name="trades" value={trades.map((one) => idText('trade', one.tradeId)).join(' ')} />
            <button type="submit" class="second">
              Yes to all {trades.length}
            </button>
          </form>
        )}
      </>
    ),
  })
}
