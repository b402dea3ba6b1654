/**
 * The judge: what writers were told, held against what stands. It asks the database itself and none of the code that posts.
 *
 * Keeps: acknowledged is there with just that content under just that number; refused is not there; nothing is there that
 * nobody asked for; once every ask is answered, nothing is there that nobody was told of.
 */
import { asWorker, type Db, inTransaction, type Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { audit } from '../../src/ledger/audit.ts'
import { actor, answerKey, feeOf, partId, postingOf, route } from './asks.ts'
import type { Ask, Story } from './journal.ts'
import type { Scene } from './scene.ts'

export type Told = { name: string; story: () => Story }
type Row = { id: Uuid; number: number; kind: string; debit: Uuid; credit: Uuid; amount: string; cause: Uuid }
type TradeRow = { id: Uuid; state: string; invoice: string | null; deliveries: number }
type Standing = {
  transfers: Map<Uuid, Row>
  byCause: Map<Uuid, Row[]>
  trades: Map<Uuid, TradeRow>
  answers: Map<string, number>
}

const mostFindings = 20
const auditLimitMs = 600_000

/** What is wrong; empty when all is right. `settled`: every writer has ended, so that nothing is unanswered. */
export async function judge(db: Db, scene: Scene, writers: readonly Told[], settled: boolean): Promise<string[]> {
  const stories = writers.map(({ name, story }) => ({ name, story: story() }))
  const { standing, untrue } = await inTransaction(
    db,
    asWorker,
    async (tx) => {
      const found = await audit(tx, scene.networkId)
      const untrue = found.truths.filter((truth) => !truth.holds)
      return { standing: await readStanding(tx, scene.networkId), untrue }
    },
    auditLimitMs,
    'one_moment',
  )
  const findings = untrue.map((truth) => `audit: ${truth.name}: ${truth.offenders.join(', ')}`)
  for (const { name, story } of stories) {
    findings.push(...story.nonsense.map((what) => `${name}: ${what}`))
    for (const ask of story.asks.values()) {
      const wrong = wrongWith(scene, name, ask, story, standing, settled)
      if (wrong) findings.push(`${name}, ask ${ask.n} (${ask.what} ${ask.from} → ${ask.to}, ${ask.amount}): ${wrong}`)
    }
  }
  findings.push(...unaskedFor(scene, writers, standing))
  return findings.slice(0, mostFindings)
}

function wrongWith(
  scene: Scene,
  name: string,
  ask: Ask,
  story: Story,
  standing: Standing,
  settled: boolean,
): string | null {
  const yes = story.yes.get(ask.n)
  const refused = story.no.get(ask.n)
  if (!yes && refused === undefined && settled) return 'nobody ever answered'
  const stands =
    ask.what === 'trade' ? tradeStands(scene, name, ask, standing) : transfersStand(scene, name, ask, standing)
  if (refused !== undefined) return stands.any ? `refused (${refused}), and yet it stands` : null
  if (!yes) return stands.any ? stands.wrong : null
  if (!stands.any) return 'acknowledged, and lost'
  if (stands.wrong) return stands.wrong
  if (ask.what === 'trade')
    return yes.invoiceNumber === stands.said
      ? null
      : `acknowledged as invoice ${yes.invoiceNumber}, and it is ${stands.said}`
  return JSON.stringify(yes.numbers) === stands.said
    ? null
    : `acknowledged as ${JSON.stringify(yes.numbers)}, and it is ${stands.said}`
}

type Stands = { any: boolean; wrong: string | null; said: string | null }

function transfersStand(scene: Scene, name: string, ask: Ask, { transfers }: Standing): Stands {
  const asked = postingOf(scene, name, ask).transfers
  const found = asked.map((part) => transfers.get(part.id))
  let wrong: string | null = null
  for (const [place, part] of asked.entries()) {
    const row = found[place]
    if (!row) {
      if (!part.optional) wrong = `part ${place + 1} of ${asked.length} is missing`
      continue
    }
    const isSame =
      row.debit === part.debit &&
      row.credit === part.credit &&
      row.amount === String(part.amountMinor) &&
      row.kind === part.kind
    if (!isSame) wrong = `it stands otherwise: ${JSON.stringify(row)}`
  }
  return { any: found.some(Boolean), wrong, said: JSON.stringify(found.map((row) => row?.number ?? null)) }
}

/** A trade with its fee, its deliveries and the answer that was kept: all or none. */
function tradeStands(scene: Scene, name: string, ask: Ask, { trades, byCause, answers }: Standing): Stands {
  const id = partId(scene, name, ask.n, 'trade')
  const trade = trades.get(id)
  const rows = byCause.get(id) ?? []
  const answer = answers.get(answerKey(scene, name, ask.n))
  if (!trade) return { any: rows.length > 0 || answer === 201, wrong: 'parts of a trade without the trade', said: null }
  const amounts = rows
    .map((row) => `${row.kind} ${row.amount}`)
    .sort()
    .join(', ')
  const wanted = [`fee ${feeOf(ask.amount)}`, `trade ${ask.amount}`].join(', ')
  let wrong: string | null = null
  if (trade.state !== 'accepted') wrong = `the trade is ${trade.state}`
  else if (amounts !== wanted) wrong = `its transfers are ${amounts || 'none'} instead of ${wanted}`
  else if (trade.deliveries === 0) wrong = 'nothing was promised to the books'
  else if (answer !== 201) wrong = `the answer kept is ${answer ?? 'none'}`
  return { any: true, wrong, said: trade.invoice }
}

/** The journals are read anew: what was asked while the database was being read is no stranger. */
function unaskedFor(scene: Scene, writers: readonly Told[], { transfers, trades }: Standing): string[] {
  const known = new Set<Uuid>()
  for (const { name, story } of writers)
    for (const ask of story().asks.values())
      if (ask.what === 'trade') known.add(partId(scene, name, ask.n, 'trade'))
      else for (const part of postingOf(scene, name, ask).transfers) known.add(part.id)
  const strangers = [...transfers.values()]
    .filter((row) => !known.has(row.id) && !known.has(row.cause))
    .map((row) => row.id)
  return [...strangers, ...[...trades.keys()].filter((id) => !known.has(id))].map((id) => `nobody asked for ${id}`)
}

async function readStanding(tx: Tx, networkId: Uuid): Promise<Standing> {
  const rows = await tx.$queryRaw<Row[]>`
    select id, number::float8 as number, kind, debit_account_id as debit, credit_account_id as credit, amount_minor::text as amount, cause_id as cause
      from transfer where network_id = ${networkId}::uuid`
  const trades = await tx.$queryRaw<TradeRow[]>`
    select t.id, t.state, t.invoice_number as invoice, coalesce(d.count, 0)::integer as deliveries from trade t
      left join (select trade_id, count(*) from delivery where network_id = ${networkId}::uuid group by trade_id) d on d.trade_id = t.id
     where t.network_id = ${networkId}::uuid`
  const answers = await tx.$queryRaw<{ key: string; status: number }[]>`
    select key, status from answer where actor = ${actor} and route = ${route}`
  const byCause = new Map<Uuid, Row[]>()
  for (const row of rows) byCause.set(row.cause, [...(byCause.get(row.cause) ?? []), row])
  return {
    transfers: new Map(rows.map((row) => [row.id, row])),
    byCause,
    trades: new Map(trades.map((row) => [row.id, row])),
    answers: new Map(answers.map((row) => [row.key, row.status])),
  }
}
