/**
 * `npm run demo -- --once`: the main job in a house of its own, in a temporary folder on free ports, and its outcome as a table
 * or as JSON. Leaves nothing behind.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import { startEmbeddedPostgres } from '../kit/embedded-postgres.ts'
import { freePort } from '../kit/system.ts'
import { type House, openHouse } from '../main.ts'
import { makeKey } from '../networks/api-key.ts'
import { doMainJob, type Outcome } from './main-job.ts'
import type { Say } from './progress.ts'
import { booksInConfig, ringAt, type StandInBooks, startBooks } from './stand-in-books.ts'

/** True when everything agrees. */
export async function runOnce(told: { json: boolean; say: Say; log: string }): Promise<boolean> {
  const { say } = told
  const home = await mkdtemp(join(tmpdir(), 'quits-once-'))
  let books: StandInBooks | null = null
  let house: House | null = null
  let homeFolder: string | null = null
  try {
    books = await startBooks(null)
    const port = await freePort()
    const config = {
      ...readConfig({ QUITS_HOME: home, PORT: String(port), LOG_LEVEL: told.log }),
      ...booksInConfig(books.url),
    }
    // Not durable: it is gone in a minute, and the house adopts the server that runs already.
    const database = await startEmbeddedPostgres({ home, durable: false, log: say })
    homeFolder = database.dataFolder
    try {
      house = await openHouse(config, { demo: true, say })
      say(`The service is at ${config.publicUrl}`)
      await ringAt(books, config.publicUrl)
      const operatorKey = await firstKey(house)
      const outcome = await doMainJob({ base: config.publicUrl, operatorKey, books, say })
      process.stdout.write(told.json ? `${JSON.stringify(outcome)}\n` : tableOf(outcome))
      return outcome.ok
    } finally {
      await house?.close()
      await database.stop()
    }
  } finally {
    await books?.close()
    if (homeFolder) await rm(homeFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
}

/** As `quits keys create --role operator` makes it on the machine itself. */
async function firstKey({ deps }: House): Promise<string> {
  const ask = { name: 'the first key', role: 'operator' as const, mayWrite: true, livesDays: 1, actor: 'quits' }
  const { secret } = await inTransaction(deps.db, asWorker, (tx) => makeKey(tx, deps.clock, ask))
  return secret
}

export function tableOf(outcome: Outcome): string {
  const trades = rows(
    ['trade', 'seller', "seller's book", 'buyer', "buyer's book", 'ledger', 'difference'],
    outcome.trades.map((one) => [
      one.trade,
      one.seller,
      one.sellersBook,
      one.buyer,
      one.buyersBook,
      `${one.ledgerSeller} / ${one.ledgerBuyer}`,
      one.difference,
    ]),
  )
  const books = rows(
    ['book', 'system', 'ledger', 'book says', 'drift', 'agree', 'disagree'],
    outcome.books.map((one) => [
      one.member,
      one.kind,
      one.ledger,
      one.bookSays,
      one.drift,
      String(one.matches),
      one.disagreements.map((what) => `${what.kind} ${what.reference ?? ''}`).join(', ') || '0',
    ]),
  )
  const wrong = [
    ...outcome.parked.map((one) => `${one.member}: ${one.reference} needs a person (${one.cause})`),
    ...(outcome.ledgerHolds ? [] : ['The audit of the ledger does not hold.']),
    ...[...outcome.violations.xero, ...outcome.violations.quickbooks].map(
      (one) => `A request broke the published schema: ${JSON.stringify(one).slice(0, 300)}`,
    ),
  ]
  const verdict = outcome.ok ? 'Ledger and books agree to the penny.' : 'Ledger and books do NOT agree.'
  return [trades, books, ...wrong, verdict, ''].join('\n')
}

function rows(head: string[], body: string[][]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...body.map((row) => (row[column] ?? '').length)))
  const written = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return `${[written(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(written)].join('\n')}\n`
}
