/**
 * Speeds side by side, and what is said of them: within a round the contenders follow each other at once, each ratio is made
 * within its round, and the middle of the rounds is told with the lowest and the highest.
 */

export type Ratio = { middle: number; low: number; high: number }
/** One turn of one contender. */
export type Turn = { perSecond: number; p99Ms: number; done: number }

/** So many callers, each asking again as soon as it is answered, for so long. Every answer's time is kept for the p99. */
export async function turnOf(callers: number, forMs: number, once: (caller: number) => Promise<void>): Promise<Turn> {
  const began = performance.now()
  const times: number[] = []
  const caller = async (place: number) => {
    for (;;) {
      const asked = performance.now()
      if (asked - began >= forMs) return
      await once(place)
      times.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, place) => caller(place)))
  return { perSecond: perSecond(times.length, performance.now() - began), p99Ms: p99(times), done: times.length }
}

export function perSecond(done: number, inMs: number): number {
  return (done * 1000) / inMs
}

/** The time that all but one in a hundred answers kept to: the nearest rank, so always one that was measured. */
export function p99(times: number[]): number {
  const sorted = [...times].sort((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN
}

/** Round by round, so that what slows a whole round slows both sides of its ratio. */
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
  const first = all.length === 0 ? 0 : round % all.length
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
