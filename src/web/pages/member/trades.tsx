/** All trades of a member, newest first: by side and state, or only those that wait for its answer. */
import { type Trade, tradeFrom, tradeStates, tradesOf } from '../../../trades/trade.ts'
import { cursorOf, instantFrom, type Key, keyOf } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { Choose } from '../../parts.tsx'
import { tradeWords } from '../state-words.ts'
import { memberHere, see } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'
import { ownSides } from './own-side.ts'
import { counterpartNames, TradeTable } from './trade-table.tsx'
import { waitsForAnswer, waitsForReversal } from './waiting-trades.ts'

const tradesAPage = 30

export function memberTradesPage(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/trades', show)
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const { network, networkId, member, mayDo } = here
  const { query } = visit
  const key = keyOf(query.after)
  const state = tradeStates.find((one) => one === query.state)
  const side = query.side === 'seller' || query.side === 'buyer' ? query.side : undefined
  const waits =
    query.waiting === 'answer' ? waitsForAnswer(here) : query.waiting === 'reversal' ? waitsForReversal(here) : null
  const isOwn = mayDo('propose_trade') || mayDo('see_book')
  const facts = await see(visit, async (tx) => {
    const trades: Trade[] = waits
      ? (
          await tx.trade.findMany({
            where: { ...waits, ...(key ? { AND: [{ OR: before(key) }] } : {}) },
            orderBy: [{ recordedAt: 'desc' }, { id: 'desc' }],
            take: tradesAPage + 1,
          })
        ).map(tradeFrom)
      : await tradesOf(tx, {
          networkId,
          memberId: member.id,
          ...(state ? { state } : {}),
          ...(side ? { side } : {}),
          after: key ? { recordedAt: instantFrom(key.at), id: key.id } : null,
          limit: tradesAPage + 1,
        })
    const { organisationId } = member
    return {
      trades,
      names: await counterpartNames(tx, networkId, trades),
      sides: isOwn
        ? await ownSides(tx, { networkId, organisationId, tradeIds: trades.map((one) => one.id) })
        : undefined,
    }
  })
  const shown = facts.trades.slice(0, tradesAPage)
  const last = shown.at(-1)
  const base = pathOf(here)
  const filter = new URLSearchParams(
    Object.entries({ state, side, waiting: waits ? query.waiting : undefined }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  )
  if (last) filter.set('after', cursorOf({ at: last.recordedAt.toISOString(), id: last.id }))
  return memberPage(visit, here, {
    title: waits ? 'What waits for your answer' : 'Trades',
    children: (
      <>
        <form method="get" action={`${base}/trades`} class="row">
          <Choose
            name="side"
            label="Side"
            value={side}
            choices={[
              { value: 'seller', text: 'Sales' },
              { value: 'buyer', text: 'Purchases' },
            ]}
          />
          <Choose
            name="state"
            label="State"
            value={state}
            choices={tradeStates.map((one) => ({ value: one, text: tradeWords[one].text }))}
          />
          <button type="submit" class="second">
            Show
          </button>
        </form>
        {mayDo('propose_trade') && (
          <p>
            <a class="button" href={`${base}/trades/new`}>
              Propose a trade
            </a>
          </p>
        )}
        {shown.length === 0 ? (
          <p>There are none.</p>
        ) : (
          <TradeTable
            trades={shown}
            memberId={member.id}
            names={facts.names}
            network={network}
            caption="Newest first"
            {...(facts.sides ? { sides: facts.sides } : {})}
          />
        )}
        {facts.trades.length > tradesAPage && (
          <p>
            <a href={`${base}/trades?${filter}`}>Older ones</a>
          </p>
        )}
      </>
    ),
  })
}

function before(key: Key) {
  const recordedAt = instantFrom(key.at)
  return [{ recordedAt: { lt: recordedAt } }, { recordedAt, id: { lt: key.id } }]
}
