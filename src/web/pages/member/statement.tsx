/** A member's statement of a period, with opening and closing balance, to read, to page through and to keep as CSV. */

import { type Day, isDay } from '../../../kit/clock.ts'
import { csvLine } from '../../../kit/csv.ts'
import type { Tx } from '../../../kit/db.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { formatAmount } from '../../../kit/money.ts'
import { type BalancePoint, balanceChart } from '../../../ledger/balance-chart.ts'
import { type Statement, type StatementEntry, statement } from '../../../ledger/statement.ts'
import { fittingSize, type StepSize, stepsOf, usualFrom } from '../../../ledger/steps.ts'
import { mustRunForwards, todayOf } from '../../api/chart-period.ts'
import type { AtMember } from '../../api/place.ts'
import { Chart } from '../../chart.tsx'
import { Malformed } from '../../errors.ts'
import type { pages, Shown, Visit } from '../../page.ts'
import { Amount, dayWords, Field, OnDay, Table } from '../../parts.tsx'
import { ExportLinks } from '../exports.tsx'
import { type Here, memberHere, see } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'
import { memberNames } from './trade-table.tsx'

const entriesAPage = 50
const entriesARead = 1000
/** A file longer than this is asked for period by period. */
const mostEntries = 100_000

export function statementPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/statement', show)
  serve.get('/members/:mem/statement.csv', asCsv)
}

type Period = { from: Day | null; to: Day | null }

function periodOf(visit: Visit): Period {
  const day = (name: 'from' | 'to'): Day | null => {
    const text = visit.query[name]?.trim()
    if (!text) return null
    if (isDay(text)) return text
    throw new Malformed('malformed', `"${text.slice(0, 20)}" is no day of the calendar.`, 'Write it as 2026-03-31.')
  }
  const period = { from: day('from'), to: day('to') }
  mustRunForwards({ from: period.from ?? undefined, to: period.to ?? undefined })
  return period
}

type Told = { words: string; with: string; reference: string; tradeId: Uuid | null }

/** What each entry was for, in words: whose trade, which fee. */
async function toldOf(tx: Tx, networkId: Uuid, entries: StatementEntry[]): Promise<(entry: StatementEntry) => Told> {
  const tradeIds = entries.filter((one) => one.causeKind === 'trade').map((one) => one.causeId)
  const trades = await tx.trade.findMany({
    where: { networkId, id: { in: tradeIds } },
    select: { id: true, reference: true, invoiceNumber: true, description: true },
  })
  const tradeById = new Map(trades.map((one) => [one.id, one]))
  const accounts = await tx.account.findMany({
    where: { networkId, id: { in: entries.map((one) => one.otherAccountId) } },
    select: { id: true, kind: true, memberId: true },
  })
  const names = await memberNames(
    tx,
    networkId,
    accounts.flatMap((one) => one.memberId ?? []),
  )
  const accountById = new Map(accounts.map((one) => [one.id, one]))
  return (entry) => {
    const trade = tradeById.get(entry.causeId)
    const account = accountById.get(entry.otherAccountId)
    return {
      words: trade ? `${kindWords(entry)}: ${trade.description}` : kindWords(entry),
      with: (account?.memberId && names.get(account.memberId)) ?? (account?.kind ?? '').replaceAll('_', ' '),
      reference: trade?.invoiceNumber ?? trade?.reference ?? '',
      tradeId: trade?.id ?? null,
    }
  }
}

function kindWords(entry: StatementEntry): string {
  if (entry.kind === 'trade' || entry.kind === 'hold_post') return entry.amountMinor > 0n ? 'Sale' : 'Purchase'
  const text = entry.kind.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

async function asCsv(visit: Visit): Promise<Shown> {
  const here = await memberHere(visit, 'see_member')
  const { networkId, network, member } = here
  const period = periodOf(visit)
  const amount = (minor: bigint) => formatAmount(minor, network.scale)
  const lines = await see(visit, async (tx) => {
    const out: string[] = []
    let after: bigint | null = null
    for (let count = 0; count < mostEntries; count += entriesARead) {
      const part: Statement = await statement(tx, {
        networkId,
        accountId: member.accountId,
        ...period,
        after,
        limit: entriesARead,
      })
      const told = await toldOf(tx, networkId, part.entries)
      if (count === 0)
        out.push(csvLine([period.from ?? '', '', 'Opening balance', '', '', '', amount(part.openingMinor)]))
      for (const entry of part.entries) {
        const words = told(entry)
        out.push(
          csvLine([
            entry.bookedOn,
            String(entry.number),
            words.words,
            words.with,
            words.reference,
            amount(entry.amountMinor),
            amount(entry.afterMinor),
          ]),
        )
      }
      after = part.next
      if (after === null) {
        out.push(csvLine([period.to ?? '', '', 'Closing balance', '', '', '', amount(part.closingMinor)]))
        return out
      }
    }
    throw new Malformed('too_long', 'This statement is too long for one file.', 'Choose a shorter period.')
  })
  const head = csvLine(['booked_on', 'transfer', 'what', 'with', 'reference', `amount_${network.currency}`, 'balance'])
  return { csv: head + lines.join(''), fileName: `statement-${network.slug}-${idText('member', member.id)}.csv` }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const { networkId, network, member } = here
  const period = periodOf(visit)
  const after = /^\d{1,18}$/.test(visit.query.after ?? '') ? BigInt(visit.query.after ?? '0') : null
  const facts = await see(visit, async (tx) => {
    const part = await statement(tx, {
      networkId,
      accountId: member.accountId,
      ...period,
      after,
      limit: entriesAPage,
      newestFirst: true,
    })
    return {
      part,
      drawn: after === null ? await drawnOf(tx, here, period) : null,
      told: await toldOf(tx, networkId, part.entries),
      head: await tx.ledgerHead.findUniqueOrThrow({ where: { networkId } }),
    }
  })
  const base = pathOf(here)
  const query = new URLSearchParams(
    Object.entries(period).filter((pair): pair is [string, string] => pair[1] !== null),
  ).toString()
  return memberPage(visit, here, {
    title: 'Statement',
    children: (
      <>
        <form method="get" action={`${base}/statement`} class="row">
          <Field name="from" type="date" label="From" value={period.from ?? ''} />
          <Field name="to" type="date" label="To" value={period.to ?? ''} />
          <button type="submit" class="second">
            Show
          </button>
        </form>
        <dl class="facts">
          <dt>Opening balance</dt>
          <dd>
            <Amount minor={facts.part.openingMinor} unit={network} />
            {period.from && `, before ${dayWords(period.from)}`}
          </dd>
          <dt>Closing balance</dt>
          <dd>
            <strong>
              <Amount minor={facts.part.closingMinor} unit={network} />
            </strong>
            {period.to ? `, after ${dayWords(period.to)}` : ', now'}
          </dd>
        </dl>
        {facts.drawn && <BalanceChart here={here} drawn={facts.drawn} />}
        {facts.part.entries.length === 0 ? (
          <p>{after === null ? 'Nothing moved in this period.' : 'There is nothing more.'}</p>
        ) : (
          <Entries here={here} entries={facts.part.entries} told={facts.told} />
        )}
        {facts.part.next !== null && (
          <p>
            <a href={`${base}/statement?${query}${query ? '&' : ''}after=${facts.part.next}`}>Older entries</a>
          </p>
        )}
        <p>
          <a href={`${base}/statement.csv${query ? `?${query}` : ''}`}>Keep it as a file (CSV)</a>
        </p>
        <ExportLinks base={base} query={query} />
        <p class="small">
          The ledger stands at transfer {String(facts.head.number)}, hash{' '}
          <code>{Buffer.from(facts.head.hash).toString('hex')}</code>. Kept with this statement, it proves later that
          nothing before it was changed.
        </p>
      </>
    ),
  })
}

type Drawn = { by: StepSize; points: BalancePoint[] }

/** A period that is too long to be drawn is only listed. */
async function drawnOf(tx: Tx, here: Here<AtMember>, period: Period): Promise<Drawn | null> {
  const today = await todayOf(tx, here.network)
  const to = period.to !== null && period.to < today ? period.to : today
  const from = period.from ?? usualFrom(to, 'week')
  const by = fittingSize(from, to)
  const steps = stepsOf(from, to, by)
  if (!steps) return null
  const { networkId, member } = here
  return { by, points: await balanceChart(tx, { networkId, accountId: member.accountId, steps }) }
}

function BalanceChart({ here, drawn }: { here: Here<AtMember>; drawn: Drawn }) {
  const { creditLimitMinor, exposureLimitMinor } = here.member.account
  return (
    <Chart
      id="balance-chart"
      title={`Balance at the end of each ${drawn.by}`}
      points={drawn.points.map(({ from, to, balanceMinor }) => ({ from, to, minor: balanceMinor }))}
      unit={here.network}
      lines={[
        ...(exposureLimitMinor === null ? [] : [{ name: 'exposure limit', minor: exposureLimitMinor }]),
        ...(creditLimitMinor === null ? [] : [{ name: 'credit limit', minor: -creditLimitMinor }]),
      ]}
    />
  )
}

function Entries({
  here,
  entries,
  told,
}: {
  here: Here<AtMember>
  entries: StatementEntry[]
  told: (entry: StatementEntry) => Told
}) {
  return (
    <Table caption="Newest first">
      <thead>
        <tr>
          <th scope="col">Day</th>
          <th scope="col">What</th>
          <th scope="col">With</th>
          <th scope="col" class="amount">
            Amount
          </th>
          <th scope="col" class="amount">
            Balance
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => {
          const words = told(entry)
          return (
            <tr key={String(entry.version)}>
              <td>
                <OnDay day={entry.bookedOn} />
              </td>
              <td>
                {words.tradeId ? (
                  <a href={`/trades/${idText('trade', words.tradeId)}`}>
                    {words.words} ({words.reference})
                  </a>
                ) : (
                  words.words
                )}
              </td>
              <td>{words.with}</td>
              <td class="amount">
                <Amount minor={entry.amountMinor} unit={here.network} />
              </td>
              <td class="amount">
                <Amount minor={entry.afterMinor} unit={here.network} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </Table>
  )
}
