/**
 * The network between service and vendors: every call takes simulated time, may be lost on the way there or back, may find its
 * caller dead, or hold it up until it is let go on.
 *
 * Keeps: one call of a worker at a time, in the order asked; what goes wrong is decided by the plan, never by this machine.
 */
import { type Call, type CallAnswer, CallFailed, call, type Line } from '../../connectors/http.ts'
import type { Dice } from './dice.ts'
import type { OwnTime } from './own-time.ts'

export const troubles = ['not_reached', 'lost_there', 'lost_back', 'late_there', 'late_back'] as const
export type TroubleKind = (typeof troubles)[number]
/** Met by one call of this vendor, after `skip` others of its kind. */
export type Trouble = { kind: TroubleKind; vendor: 'xero' | 'quickbooks'; ofToken: boolean; skip: number }

export type Way = {
  time: OwnTime
  /** How long each call takes. */
  dice: Dice
  troubles: Trouble[]
  vendorOf(url: string): 'xero' | 'quickbooks'
  /** Around each call: may never come back. */
  around(moment: 'before_call' | 'after_call', isToken: boolean): Promise<void>
  told(line: string): void
  /** What was sent to be let in. */
  secret(text: string): void
  tokenLost(vendor: 'xero' | 'quickbooks'): void
  /** Real calls are given up after that many real milliseconds; undefined: when the connector says. */
  longestCallMs?(): number | undefined
}

const quickestMs = 110
const spreadMs = 600
const patienceMs = 30_000

export function lineOn(way: Way): Line {
  let last: Promise<unknown> = Promise.resolve()
  return (ask) => {
    const mine = last.then(() => goes(way, ask))
    last = mine.catch(() => undefined)
    return mine
  }
}

async function goes(way: Way, ask: Call): Promise<CallAnswer> {
  const url = new URL(ask.url)
  const vendor = way.vendorOf(ask.url)
  const isToken = /\/(token|bearer)$/.test(url.pathname)
  for (const secret of secretsIn(ask)) way.secret(secret)
  const name = `${ask.method} ${url.pathname}${url.search.slice(0, 60)}`
  await way.around('before_call', isToken)
  await way.time.advance(quickestMs + way.dice(spreadMs))
  const trouble = metBy(way, vendor, isToken)
  if (trouble) {
    way.told(`${name} ${trouble}`)
    if (isToken) way.tokenLost(vendor)
    if (trouble === 'lost_back' || trouble === 'late_back') await call({ ...ask, onSeen: undefined }).catch(() => null)
    if (trouble.startsWith('late')) await way.time.advance(Math.min(ask.timeLimitMs ?? patienceMs, patienceMs))
    await way.around('after_call', isToken)
    ask.onSeen?.({ status: null, headers: {}, tookMs: 0 })
    if (trouble === 'not_reached') throw new CallFailed('no', 'not_reached')
    throw new CallFailed('maybe', trouble.startsWith('late') ? 'timed_out' : 'cut_off')
  }
  try {
    const answer = await call({ ...ask, timeLimitMs: way.longestCallMs?.() ?? ask.timeLimitMs })
    way.told(`${name} ${answer.status}`)
    return answer
  } catch (error) {
    way.told(`${name} ${error instanceof CallFailed ? error.reason : 'failed'}`)
    if (isToken) way.tokenLost(vendor)
    throw error
  } finally {
    await way.around('after_call', isToken)
  }
}

function metBy(way: Way, vendor: Trouble['vendor'], isToken: boolean): TroubleKind | null {
  const at = way.troubles.findIndex((one) => one.vendor === vendor && one.ofToken === isToken)
  const found = way.troubles[at]
  if (!found) return null
  if (found.skip > 0) {
    found.skip -= 1
    return null
  }
  way.troubles.splice(at, 1)
  return found.kind
}

function secretsIn(ask: Call): string[] {
  const credentials = /^(?:bearer|basic) +(\S+)$/i.exec(
    ask.headers.authorization ?? ask.headers.Authorization ?? '',
  )?.[1]
  const refresh = /refresh_token"?[=:]"?([^"&]+)/.exec(ask.body ?? '')?.[1]
  return [credentials, refresh].filter((one) => one !== undefined)
}
