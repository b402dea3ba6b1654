/**
 * Speeds side by side, and what is said of them: within a round the contenders follow each other at once, each ratio is made
 * within its round, and the middle of the rounds is told with the lowest and the highest.
 */

export type Ratio = { middle: number; low: number; high: number }

/** So many callers, each asking again as soon as it is answered, for so long: done per second. */
export async function speed(callers: number, forMs: number, once: () => Promise<void>): Promise<number> {
  const began = performance.now()
  let done = 0
  const caller = async () => {
    while (performance.now() - began < forMs) {
      await once()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return perSecond(done, performance.now() - began)
}

export function perSecond(done: number, inMs: number): number {
  return (done * 1000) / inMs
}

export function ratio(ours: number[], theirs: number[]): Ratio {
  return spread(ours.map((speed, round) => speed / (theirs[round] ?? Number.NaN)))
}

export function spread(values: number[]): Ratio {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2
  return { middle, low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN }
}

/** The same line-up begins each round with another contender, so that none always follows the same one. */
export function turned<T>(all: readonly T[], round: number): T[] {
  const first = round % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

/** Numbers below `below` that are the same in each run of the program. */
export function steadyDice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
}
