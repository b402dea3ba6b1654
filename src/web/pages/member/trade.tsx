/**
 * A trade, as either side and the convener see it: what was agreed, where it stands, what can be done, what was said.
 *
 * Never: shows one side what stands in the other side's book.
 */
import type { Tx } from '../../../kit/db.ts'
import { idText } from '../../../kit/ids.ts'
import type { Member } from '../../../networks/member.ts'
import type { Network } from '../../../networks/network.ts'
import { may } from '../../../networks/roles.ts'
import { type TradeWord, wordsOf } from '../../../trades/dispute.ts'
import type { Side, Trade } from '../../../trades/trade.ts'
import type { AtTrade } from '../../api/place.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Badge, OnDay, When } from '../../parts.tsx'
import { tradeWords } from '../state-words.ts'
import { Refused } from '../typed-form.tsx'
import { type Here, namesOf, tradeHere, worker } from '../whereabouts.ts'
import { OwnDocuments } from './own-documents.tsx'
import { ownSides } from './own-side.ts'
import { tradeDeeds } from './trade-deeds.ts'
import { TradeForms, WordForms } from './trade-forms.tsx'
import { TradeTold } from './trade-told.tsx'

const bothSides: readonly Side[] = ['seller', 'buyer']

export function tradePages(serve: ReturnType<typeof pages>): void {
  serve.get('/trades/:trd', show)
  for (const [path, deed] of Object.entries(tradeDeeds)) serve.post(`/trades/:trd/${path}`, deed, show)
}

async function read(tx: Tx, here: Here<AtTrade>) {
  const { networkId, trade, actor } = here
  const words = await wordsOf(tx, networkId, trade.id)
  // Guarded side by side: each organisation's deliveries only for who may see its book, or acts for it.
  const sides = await Promise.all(
    bothSides
      .filter((side) => may(actor, 'see_book', placeOf(here, side)) || may(actor, 'answer_trade', placeOf(here, side)))
      .map(async (side) => {
        const { organisationId } = here[side]
        const own = await ownSides(tx, { networkId, organisationId, tradeIds: [trade.id] })
        return { side, own, seesBook: may(actor, 'see_book', placeOf(here, side)) }
      }),
  )
  const who = [trade.proposedByActor, trade.decidedBy, trade.reversedBy, ...words.map((one) => one.saidBy)]
  return { words, sides, nameOf: await namesOf(tx, who) }
}

async function show(visit: Visit): Promise<string> {
  const here = await tradeHere(visit, 'see_trade')
  const { trade, network, seller, buyer, actor, mayDo } = here
  const facts = await worker(visit, (tx) => read(tx, here))
  const base = `/trades/${idText('trade', trade.id)}`
  const own = bothSides.filter((side) => actor.actsFor.some((one) => one.organisationId === here[side].organisationId))
  const state = tradeWords[trade.state]
  return page({
    deps: visit.deps,
    title: `Trade ${trade.reference}`,
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      ...own.map((side) => ({
        href: `/members/${idText('member', here[side].id)}`,
        text: here[side].organisation.name,
      })),
      ...(mayDo('see_ledger') ? [{ href: `/networks/${network.slug}/trades`, text: `Trades of ${network.name}` }] : []),
    ],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        <p>
          <Badge tone={state.tone}>{state.text}</Badge> {trade.disputed && <Badge tone="bad">in dispute</Badge>}
        </p>
        <p>
          <strong>{seller.organisation.name}</strong> sells to <strong>{buyer.organisation.name}</strong> in{' '}
          {network.name}.
        </p>
        <TradeForms visit={visit} here={here} base={base} />
        <section aria-labelledby="agreed">
          <h2 id="agreed">What was {trade.state === 'proposed' ? 'proposed' : 'agreed'}</h2>
          <TradeTold agreed={trade} network={network} />
          {trade.buyerReference && <p>The buyer’s reference: {trade.buyerReference}</p>}
        </section>
        <Story trade={trade} network={network} seller={seller} buyer={buyer} nameOf={facts.nameOf} />
        {(trade.invoiceNumber || trade.linkedInvoice) && (
          <p>
            <a href={`${base}/invoice`}>Open the invoice {trade.invoiceNumber ?? trade.linkedInvoice?.number}</a>
          </p>
        )}
        {facts.sides.map(({ side, own: mine, seesBook }) => (
          <OwnDocuments
            key={side}
            name={here[side].organisation.name}
            memberPath={`/members/${idText('member', here[side].id)}`}
            side={mine.of(trade.id)}
            wordsOf={mine.heldWords}
            network={network}
            seesBook={seesBook}
            isLedgerOnly={trade.ledgerOnly}
          />
        ))}
        <Said words={facts.words} nameOf={facts.nameOf} network={network} />
        <WordForms visit={visit} here={here} base={base} />
      </>
    ),
  })
}

function placeOf(here: Here<AtTrade>, side: Side) {
  return { organisationId: here[side].organisationId }
}

function Story({
  trade,
  network,
  seller,
  buyer,
  nameOf,
}: {
  trade: Trade
  network: Network
  seller: Member
  buyer: Member
  nameOf: (actor: string | null) => string
}) {
  const party = (side: Side) => (side === 'seller' ? seller : buyer).organisation.name
  const zone = network.timeZone
  return (
    <section aria-labelledby="story">
      <h2 id="story">What happened</h2>
      <dl class="facts">
        <dt>Proposed</dt>
        <dd>
          by {party(trade.proposedBy)} ({nameOf(trade.proposedByActor)}), <When at={trade.recordedAt} zone={zone} />
        </dd>
        {trade.state === 'proposed' && (
          <>
            <dt>Lapses</dt>
            <dd>
              <When at={trade.lapsesAt} zone={zone} />
            </dd>
          </>
        )}
        {trade.decidedAt && trade.state !== 'proposed' && (
          <>
            <dt>
              {trade.state === 'reversed'
                ? 'Accepted'
                : `${tradeWords[trade.state].text.replace(/^./, (first) => first.toUpperCase())}`}
            </dt>
            <dd>
              {trade.consentId ? 'by a standing consent' : `by ${nameOf(trade.decidedBy)}`},{' '}
              <When at={trade.decidedAt} zone={zone} />
              {trade.decidedReason && `: ${trade.decidedReason}`}
            </dd>
          </>
        )}
        {trade.bookedOn && (
          <>
            <dt>In the ledger</dt>
            <dd>
              <OnDay day={trade.bookedOn} />
            </dd>
          </>
        )}
        {trade.reversalAskedBy && trade.reversalAskedAt && (
          <>
            <dt>Reversal asked</dt>
            <dd>
              by {party(trade.reversalAskedBy)}, <When at={trade.reversalAskedAt} zone={zone} />: {trade.reversalReason}
            </dd>
          </>
        )}
        {trade.reversedAt && (
          <>
            <dt>Reversed</dt>
            <dd>
              by {nameOf(trade.reversedBy)}, <When at={trade.reversedAt} zone={zone} />
              {trade.reversalReason && `: ${trade.reversalReason}`}
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}

const wordKinds: Record<TradeWord['what'], string> = { dispute: 'disputes', word: 'says', resolved: 'resolves' }

function Said({
  words,
  nameOf,
  network,
}: {
  words: TradeWord[]
  nameOf: (actor: string | null) => string
  network: Network
}) {
  if (words.length === 0) return null
  return (
    <section aria-labelledby="said">
      <h2 id="said">What was said</h2>
      {words.map((one) => (
        <div class="card" key={one.id}>
          <p class="small">
            {nameOf(one.saidBy)} {wordKinds[one.what]}, <When at={one.saidAt} zone={network.timeZone} />
          </p>
          <p>{one.words}</p>
        </div>
      ))}
    </section>
  )
}
