/**
 * Ten thousand trades of the past through importTrades(), beside as many rows as plain inserts of as many in a commit: the
 * floor below which no import on this database can go.
 */
import { addDays, machineClock } from '../../src/kit/clock.ts'
import { idOfCause } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { importTrades } from '../../src/trades/import-trades.ts'
import type { Ground } from './ground.ts'
import { perSecond, steadyDice } from './measure.ts'

export const rowsOfAnImport = 10_000
const rowsInACommit = 250
const columns = 7
const rowsOfADay = 50
const daysOfARound = rowsOfAnImport / rowsOfADay

/** Rows a second. A round's days follow those of the round before, as the ledger wants it. */
export async function importSpeed(ground: Ground, round: number, say: (line: string) => void): Promise<number> {
  const text = pastOf(ground.memberNames, round)
  const began = performance.now()
  const made = await importTrades(
    { db: ground.db, clock: machineClock },
    {
      networkId: ground.importNetworkId,
      fileName: `past-${round}.csv`,
      text,
      dryRun: false,
      actor: 'quits',
      progress: (done, of) => {
        if (done % 2_500 === 0) say(`  imported ${done} of ${of}`)
      },
    },
  )
  invariant(made.done === rowsOfAnImport, `a row was refused: ${made.refusals[0]?.why}`)
  return perSecond(rowsOfAnImport, performance.now() - began)
}

function pastOf(names: string[], round: number): string {
  const dice = steadyDice(round + 7)
  const lines = Array.from({ length: rowsOfAnImport }, (_, place) => {
    const day = addDays('2010-01-01', round * daysOfARound + Math.floor(place / rowsOfADay))
    const seller = dice(names.length)
    const buyer = (seller + 1 + dice(names.length - 1)) % names.length
    return `${day},${names[seller]},${names[buyer]},${1 + dice(9)}.${10 + dice(90)},Sale ${place + 1},R-${place + 1}`
  })
  return `day,seller,buyer,amount,description,reference\n${lines.join('\n')}\n`
}

/** Rows a second of the same number of rows in a table with one index and no rule. */
export async function floorSpeed(ground: Ground, round: number): Promise<number> {
  const { pool } = ground.db
  await pool.query(`create table if not exists bench_row (network_id uuid, id uuid primary key, traded_on date, seller_id uuid,
    buyer_id uuid, amount_minor bigint, description text)`)
  const places = Array.from({ length: rowsInACommit }, (_, row) => {
    const fields = Array.from({ length: columns }, (_, column) => `$${row * columns + column + 1}`)
    return `(${fields.join(', ')})`
  })
  const statement = { name: 'bench_row', text: `insert into bench_row values ${places.join(', ')}` }
  const began = performance.now()
  for (let from = 0; from < rowsOfAnImport; from += rowsInACommit) {
    const values = Array.from({ length: rowsInACommit }, (_, row) => {
      const id = idOfCause('bench row', String(round), String(from + row))
      return [ground.importNetworkId, id, '2010-01-01', id, id, from + row + 1, `Sale ${from + row + 1}`]
    })
    await pool.query({ ...statement, values: values.flat() })
  }
  return perSecond(rowsOfAnImport, performance.now() - began)
}
