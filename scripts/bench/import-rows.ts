/**
 * Ten thousand trades of the past through importTrades(), beside as many rows as plain inserts of 250 in a commit: the floor
 * below which no import on this database can go. For information.
 */
import { addDays, machineClock } from '../../src/kit/clock.ts'
import { openDb } from '../../src/kit/db.ts'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { importTrades } from '../../src/trades/import-trades.ts'
import { perSecond, steadyDice } from './measure.ts'
import { openNetwork } from './site.ts'
import { admitMembers } from './trade-site.ts'

const rowsInACommit = 250
const columns = 7
const rowsOfADay = 50
const members = 20

export type ImportSpeeds = { imported: number; inserted: number; seconds: number }

/** Rows a second, into a new network of a database that nobody else uses meanwhile. */
export async function importSpeeds(url: string, rows: number, say: (line: string) => void): Promise<ImportSpeeds> {
  const db = openDb(url)
  try {
    const networkId = await openNetwork(db, 'past', 'uk-business')
    const names = await admitMembers(db, networkId, members)
    const text = pastOf(names, rows)
    const began = performance.now()
    const made = await importTrades(
      { db, clock: machineClock },
      {
        networkId,
        fileName: 'past.csv',
        text,
        dryRun: false,
        actor: 'quits',
        progress: (done, of) => {
          if (done % 2_500 === 0) say(`  imported ${done} of ${of}`)
        },
      },
    )
    const importMs = performance.now() - began
    invariant(made.done === rows, `a row was refused: ${made.refusals[0]?.why}`)
    const inserted = await insertSpeed(db.pool, networkId, rows)
    return { imported: perSecond(rows, importMs), inserted, seconds: importMs / 1000 }
  } finally {
    await db.close()
  }
}

function pastOf(names: readonly string[], rows: number): string {
  const dice = steadyDice(7)
  const lines = Array.from({ length: rows }, (_, place) => {
    const day = addDays('2010-01-01', Math.floor(place / rowsOfADay))
    const seller = dice(names.length)
    const buyer = (seller + 1 + dice(names.length - 1)) % names.length
    return `${day},${names[seller]},${names[buyer]},${1 + dice(9)}.${10 + dice(90)},Sale ${place + 1},R-${place + 1}`
  })
  return `day,seller,buyer,amount,description,reference\n${lines.join('\n')}\n`
}

/** The same number of rows in a table with one index and no rule. */
async function insertSpeed(
  pool: { query(asked: object): Promise<unknown> },
  networkId: Uuid,
  rows: number,
): Promise<number> {
  await pool.query({
    text: `create table bench_sale (network_id uuid, id uuid primary key, traded_on date, seller_id uuid, buyer_id uuid,
      amount_minor bigint, description text)`,
  })
  const places = Array.from({ length: rowsInACommit }, (_, row) => {
    const fields = Array.from({ length: columns }, (_, column) => `$${row * columns + column + 1}`)
    return `(${fields.join(', ')})`
  })
  const statement = { name: 'bench_sale', text: `insert into bench_sale values ${places.join(', ')}` }
  const began = performance.now()
  for (let from = 0; from < rows; from += rowsInACommit) {
    const values = Array.from({ length: rowsInACommit }, (_, row) => {
      const id = idOfCause('bench row', String(from + row))
      return [networkId, id, '2010-01-01', id, id, from + row + 1, `Sale ${from + row + 1}`]
    })
    await pool.query({ ...statement, values: values.flat() })
  }
  return perSecond(rows, performance.now() - began)
}
