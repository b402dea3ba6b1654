/**
 * Several calls that make one list of verdicts.
 *
 * Keeps: a call that fails as a whole is thrown only if nothing else was answered; else it is the verdict of its own asks.
 */
import { type Ask, BookError, type Verdict } from '../port.ts'
import { refuse } from './errors.ts'
import { xeroLimits } from './limits.ts'

export type Slot<T> = { at: number; ask: Ask<T> }
export type Part<T> = [slots: Slot<T>[], run: (slots: Slot<T>[]) => Promise<Verdict[]>]

export const slotsOf = <T>(asks: Ask<T>[]): Slot<T>[] => asks.map((ask, at) => ({ at, ask }))
/** After these, a further call of the same list would fare no better and only cost allowance. */
const stopsAll = new Set(['throttled', 'unauthorized'])

export async function inTurn<T>(asks: Ask<T>[], parts: Part<T>[]): Promise<Verdict[]> {
  const verdicts: (Verdict | undefined)[] = asks.map(() => undefined)
  let failed: BookError | null = null
  let answered = 0
  for (const [slots, run] of parts) {
    for (let at = 0; at < slots.length; at += xeroLimits.inOneCall) {
      const some = slots.slice(at, at + xeroLimits.inOneCall)
      try {
        if (failed && stopsAll.has(failed.kind)) throw failed
        const given = await run(some)
        some.forEach((slot, place) => {
          verdicts[slot.at] = given[place]
        })
        answered += some.length
      } catch (error) {
        if (!(error instanceof BookError)) throw error
        failed = error
        for (const slot of some) verdicts[slot.at] = { ok: false, error }
      }
    }
  }
  if (failed && answered === 0) throw failed
  return verdicts.map(
    (verdict) => verdict ?? { ok: false, error: refuse('invalid', 'refused', 'This connector knows no such thing.') },
  )
}
