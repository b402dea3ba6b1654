/**
 * Plays seeds, in the source that this file is part of, until an oracle breaks: `find-bug.ts first last [also]…`, the others first.
 * Out: one JSON object, `{ seed, oracle, says, played }`, with `seed: null` when all of them hold.
 */
import { BookError } from '../../connectors/port.ts'
import { simulate } from './simulate-seed.ts'
import { buildTown, type Place, type Town } from './town.ts'

export type Find = { seed: number | null; oracle: string; says: string; played: number }

const [place = '', first = '1', last = '1', ...also] = process.argv.slice(2)

async function find(town: Town): Promise<Find> {
  const seeds = new Set(also.map(Number))
  for (let seed = Number(first); seed <= Number(last); seed += 1) seeds.add(seed)
  let played = 0
  for (const seed of seeds) {
    played += 1
    const [broken] = await brokenBy(town, seed)
    if (broken) return { seed, ...broken, played }
  }
  return { seed: null, oracle: '', says: '', played }
}

/** A book that lets nobody in at the end cannot be asked: something is left undone there. What breaks down otherwise proves no oracle. */
async function brokenBy(town: Town, seed: number): Promise<{ oracle: string; says: string }[]> {
  try {
    return (await simulate(town, seed)).broken
  } catch (error) {
    const says = error instanceof Error ? error.message : 'unknown'
    return [{ oracle: error instanceof BookError ? 'O6' : 'none', says: `it broke down: ${says}` }]
  }
}

const town = await buildTown(JSON.parse(place) as Place)
try {
  process.stdout.write(`${JSON.stringify(await find(town))}\n`)
} finally {
  await town.end()
}
process.exit(0)
