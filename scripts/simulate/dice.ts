/** Chance that one number decides: the same seed throws the same again. */
export type Dice = (sides: number) => number

/** Mulberry32: small, and even enough to pick who, when and how much. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * sides)
  }
}

export function oneOf<T>(dice: Dice, all: readonly T[]): T {
  const found = all[dice(all.length)]
  if (found === undefined) throw new Error('nothing to choose from')
  return found
}
