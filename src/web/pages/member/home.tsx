/** A member's first page: its balance and what is left, the one next thing to do, what waits, and its latest trades. */
import { z } from 'zod'
import type { Tx } from '../../../kit/db.ts'
import { headroom } from '../../../ledger/rules.ts'
import { startLeaving } from '../../../networks/admit.ts'
import type { Member } from '../../../networks/member.ts'
import type { Network } from '../../../networks/network.ts'
import { tradeFrom, tradesOf } from '../../../trades/trade.ts'
import type { AtMember } from '../../api/place.ts'
import type { pages, Visit } from '../../page.ts'
import { Amount, Badge, Field } from '../../parts.tsx'
import { standingWords } from '../state-words.ts'
import { Form, formAt, reasonShape } from '../typed-form.tsx'
import { type Here, memberHere, see, worker } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'
import { type NextAction, nextAction } from './next-action.ts'
import { ownSides } from './own-side.ts'
import { counterpartNames, TradeTable } from './trade-table.tsx'
import { waitsForAnswer, waitsForReversal } from './waiting-trades.ts'

const latest = 10

export function memberHomePages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem', show)
  serve.post('/members/:mem/leaving', leave, show)
}

async function leave(visit: Visit) {
  const here = await memberHere(visit, 'start_leaving')
  const given = visit.form(z.object({ reason: reasonShape }))
  await worker(visit, (tx) =>
    startLeaving(tx, visit.deps.clock, {
      networkId: here.networkId,
      memberId: here.member.id,
      reason: given.reason,
      actor: here.actor.id,
    }),
  )
  return { goTo: pathOf(here), said: 'You are leaving: from now on your balance moves only towards zero.' }
}

async function read(tx: Tx, here: Here<AtMember>) {
  const { networkId, member, mayDo } = here
  const { organisationId } = member
  const place = { networkId, organisationId }
  const proposals = await tx.trade.findMany({ where: waitsForAnswer(here), orderBy: { lapsesAt: 'asc' }, take: 20 })
  const waiting = proposals.map(tradeFrom)
  const trades = await tradesOf(tx, { networkId, memberId: member.id, limit: latest })
  const shown = [...waiting, ...trades]
  const sides = await ownSides(tx, { ...place, tradeIds: trades.map((one) => one.id) })
  const { connection, isMapped, goesByItself } = sides.book
  return {
    waiting,
    trades,
    sides,
    names: await counterpartNames(tx, networkId, shown),
    next: nextAction({
      base: pathOf(here),
      standing: member.standing,
      seesBook: mayDo('connect_book'),
      answers: mayDo('answer_trade'),
      connection,
      isMapped,
      parked: await tx.delivery.count({ where: { ...place, state: 'parked' } }),
      proposals: await tx.trade.count({ where: waitsForAnswer(here) }),
      reversals: await tx.trade.count({ where: waitsForReversal(here) }),
      previews: connection === 'live' && isMapped && !goesByItself ? await previewsOf(tx, place) : 0,
      discrepancies: await tx.discrepancy.count({ where: { ...place, state: 'open', kind: { not: 'on_its_way' } } }),
    }),
  }
}

/** Trades with something to send that nobody has said yes to. */
async function previewsOf(tx: Tx, place: { networkId: string; organisationId: string }): Promise<number> {
  const rows = await tx.$queryRaw<{ trades: bigint }[]>`
    select count(distinct d.trade_id) as trades from delivery d
    where d.network_id = ${place.networkId}::uuid and d.organisation_id = ${place.organisationId}::uuid and d.state = 'waiting'
      and d.trade_id is not null and not exists (
        select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id)`
  return Number(rows[0]?.trades ?? 0n)
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const { member, network, mayDo } = here
  const facts = await see(visit, (tx) => read(tx, here))
  const isOwn = mayDo('propose_trade') || mayDo('see_book')
  const base = pathOf(here)
  const standing = standingWords[member.standing]
  const leaving = formAt(visit, `${base}/leaving`)
  return memberPage(visit, here, {
    title: member.organisation.name,
    isHome: true,
    children: (
      <>
        <p>
          {network.name} <Badge tone={standing.tone}>{standing.text}</Badge>{' '}
          {member.standingReason && <span>{member.standingReason}</span>}
        </p>
        {isOwn && <Next next={facts.next} />}
        <SoftLimit member={member} network={network} />
        <Balance member={member} network={network} />
        {mayDo('propose_trade') && ['admitted', 'suspended', 'leaving'].includes(member.standing) && (
          <p>
            <a class="button" href={`${base}/trades/new`}>
              Propose a trade
            </a>
          </p>
        )}
        {facts.waiting.length > 0 && (
          <section aria-labelledby="waiting">
            <h2 id="waiting">Proposals that wait for your answer</h2>
            <TradeTable
              trades={facts.waiting}
              memberId={member.id}
              names={facts.names}
              network={network}
              caption="Those that lapse first come first"
            />
          </section>
        )}
        <section aria-labelledby="latest">
          <h2 id="latest">Latest trades</h2>
          {facts.trades.length === 0 ? (
            <p>There are none yet.</p>
          ) : (
            <TradeTable
              trades={facts.trades}
              memberId={member.id}
              names={facts.names}
              network={network}
              caption="Your side of each; the other side’s book is its own"
              {...(isOwn ? { sides: facts.sides } : {})}
            />
          )}
          <p>
            <a href={`${base}/trades`}>All trades</a>
          </p>
        </section>
        {mayDo('start_leaving') && isOwn && ['admitted', 'suspended'].includes(member.standing) && (
          <details open={leaving.refused}>
            <summary>Leave the network</summary>
            <p>From then on your balance moves only towards zero. At zero the convener releases you.</p>
            <Form form={leaving} button="Leave" tone="danger">
              <Field {...leaving.of('reason')} label="Reason" required maxLength={400} />
            </Form>
          </details>
        )}
      </>
    ),
  })
}

function Next({ next }: { next: NextAction }) {
  return (
    <section class="next" aria-labelledby="next">
      <h2 id="next">Next</h2>
      <p>{next.says}</p>
      {next.go && (
        <p>
          <a class="button" href={next.go.href}>
            {next.go.text}
          </a>
        </p>
      )}
    </section>
  )
}

/** Told while it lasts; the mail goes once for each deepening. */
function SoftLimit({ member, network }: { member: Member; network: Network }) {
  const { balanceMinor, softCreditLimitMinor, softExposureLimitMinor, creditLimitMinor, exposureLimitMinor, frozen } =
    member.account
  const isLow = softCreditLimitMinor !== null && balanceMinor <= -softCreditLimitMinor
  const isHigh =
    softExposureLimitMinor !== null && softExposureLimitMinor > 0n && balanceMinor >= softExposureLimitMinor
  return (
    <>
      {frozen && (
        <p class="warn" role="status">
          You may sell but not buy at the moment.
          {member.organisation.restricted && balanceMinor < 0n && ' By your legal form you must first be back at zero.'}
        </p>
      )}
      {isLow && (
        <p class="warn" role="status">
          You are near your credit limit of <Amount minor={creditLimitMinor ?? 0n} unit={network} /> below zero. Selling
          brings you back.
        </p>
      )}
      {isHigh && (
        <p class="warn" role="status">
          You are near your exposure limit of <Amount minor={exposureLimitMinor ?? 0n} unit={network} />. Spending makes
          room for more sales.
        </p>
      )}
    </>
  )
}

function Balance({ member, network }: { member: Member; network: Network }) {
  const { account } = member
  const { toBuyMinor, toSellMinor } = headroom({
    ...account,
    floorMinor: account.creditLimitMinor === null ? null : -account.creditLimitMinor,
    ceilingMinor: account.exposureLimitMinor,
  })
  return (
    <section aria-labelledby="balance">
      <h2 id="balance">Balance</h2>
      <p class="figure">
        <Amount minor={account.balanceMinor} unit={network} />
      </p>
      <dl class="facts">
        <dt>You can still buy for</dt>
        <dd>{toBuyMinor === null ? 'no limit' : <Amount minor={toBuyMinor} unit={network} />}</dd>
        <dt>You can still sell for</dt>
        <dd>{toSellMinor === null ? 'no limit' : <Amount minor={toSellMinor} unit={network} />}</dd>
        <dt>Credit limit</dt>
        <dd>
          {account.neverBelowZero ? (
            'none: by its legal form this business stays in credit'
          ) : account.creditLimitMinor === null ? (
            'no limit'
          ) : (
            <Amount minor={account.creditLimitMinor} unit={network} />
          )}
        </dd>
        <dt>Exposure limit</dt>
        <dd>
          {account.exposureLimitMinor === null ? (
            'no limit'
          ) : (
            <Amount minor={account.exposureLimitMinor} unit={network} />
          )}
        </dd>
        {(account.heldOutMinor > 0n || account.heldInMinor > 0n) && (
          <>
            <dt>Reserved</dt>
            <dd>
              <Amount minor={account.heldOutMinor} unit={network} /> to pay,{' '}
              <Amount minor={account.heldInMinor} unit={network} /> to come
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}
