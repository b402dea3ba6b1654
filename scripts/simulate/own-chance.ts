/**
 * Chance in the hands of a seed: ids, tokens and keys of the service and of the vendors come out the same in every run of it.
 *
 * Keeps: each size of random bytes has a stream of its own, so that what a database driver draws for its handshake shifts nothing;
 * what asks for other sizes gets the machine's own chance.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { newId } from '../../src/kit/ids.ts'
import { diceOf } from './dice.ts'

/** Sizes that the service and the stand-ins draw: seals, ids, and tokens. */
const seededSizes = [12, 16, 24, 32]

/** Until `giveBack` is called. */
export function takeChance(seed: number): { giveBack(): void } {
  const { randomBytes, randomUUID } = crypto
  const streams = new Map(seededSizes.map((size) => [size, diceOf(seed * 31 + size)]))
  const ofUuids = diceOf(seed * 31 + 7)
  const bytes = (dice: (sides: number) => number, size: number) =>
    Buffer.from(Array.from({ length: size }, () => dice(256)))
  crypto.randomBytes = ((size: number, done?: unknown) => {
    const dice = done === undefined ? streams.get(size) : undefined
    return dice ? bytes(dice, size) : (randomBytes as (...given: unknown[]) => unknown)(size, done)
  }) as typeof randomBytes
  crypto.randomUUID = (() => {
    const hex = bytes(ofUuids, 16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  }) as typeof randomUUID
  syncBuiltinESMExports()
  // Ids of one millisecond count on; what an earlier run counted is forgotten.
  newId(new Date(0))
  return {
    giveBack() {
      crypto.randomBytes = randomBytes
      crypto.randomUUID = randomUUID
      syncBuiltinESMExports()
    },
  }
}
