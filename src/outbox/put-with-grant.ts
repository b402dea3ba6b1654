/**
 * Puts through a grant, and takes one thing's "you may not" for what it is: the book lets us in no more.
 *
 * Keeps: what the book took stays taken; only what it did not let in is put once more with a new grant, and where it still
 * says no, a person must sign in, just as when a whole call is refused.
 */
import type { BookConnector, Grant, Verdict } from '../../connectors/port.ts'
import { type GrantDeps, withGrant } from '../books/grants.ts'
import type { Uuid } from '../kit/ids.ts'
import { bookError } from './attempt.ts'

type Put<T> = (grant: Grant, connector: BookConnector, asks: T[]) => Promise<Verdict[]>

/** A verdict for each, in their order. Throws only where the first call failed as a whole. */
export async function putWithGrant<T>(
  deps: GrantDeps,
  connectionId: Uuid,
  asks: T[],
  put: Put<T>,
): Promise<(Verdict | undefined)[]> {
  const verdicts: (Verdict | undefined)[] = asks.map(() => undefined)
  let left = asks.map((_ask, place) => place)
  let isAnswered = false
  try {
    await withGrant(deps, connectionId, async (grant, connector) => {
      const these = left.flatMap((place) => asks.slice(place, place + 1))
      const told = await put(grant, connector, these)
      isAnswered = true
      left.forEach((place, index) => {
        verdicts[place] = told[index]
      })
      left = left.filter((place) => isShutOut(verdicts[place]))
      const first = verdicts[left[0] ?? -1]
      if (first && !first.ok) throw first.error
    })
  } catch (error) {
    if (!isAnswered) throw error
    const known = bookError(error)
    for (const place of left) verdicts[place] = { ok: false, error: known }
  }
  return verdicts
}

function isShutOut(verdict: Verdict | undefined): boolean {
  return verdict?.ok === false && verdict.error.kind === 'unauthorized'
}
