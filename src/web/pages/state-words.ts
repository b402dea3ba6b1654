/** The words and colours of states, the same on every page. */
import type { ConnectionState } from '../../books/connection.ts'
import type { Standing } from '../../networks/member.ts'
import type { TradeState } from '../../trades/trade.ts'
import type { Tone } from '../parts.tsx'

type Told = { text: string; tone: Tone }

export const standingWords: Record<Standing, Told> = {
  invited: { text: 'invited', tone: 'wait' },
  applied: { text: 'applied', tone: 'wait' },
  admitted: { text: 'admitted', tone: 'good' },
  suspended: { text: 'suspended: may sell, not buy', tone: 'bad' },
  leaving: { text: 'leaving', tone: 'warn' },
  left: { text: 'left', tone: 'calm' },
}

export const tradeWords: Record<TradeState, Told> = {
  proposed: { text: 'proposed', tone: 'wait' },
  accepted: { text: 'accepted', tone: 'good' },
  declined: { text: 'declined', tone: 'calm' },
  withdrawn: { text: 'withdrawn', tone: 'calm' },
  lapsed: { text: 'lapsed', tone: 'calm' },
  reversed: { text: 'reversed', tone: 'warn' },
}

export const connectionWords: Record<ConnectionState, Told> = {
  choosing: { text: 'choosing its organisation', tone: 'wait' },
  mapping: { text: 'mapping', tone: 'wait' },
  live: { text: 'live', tone: 'good' },
  paused: { text: 'paused', tone: 'warn' },
  needs_sign_in: { text: 'needs sign-in', tone: 'bad' },
  ended: { text: 'ended', tone: 'calm' },
}

export const treatmentWords: Record<string, string> = {
  standard: 'Standard rate, 20 %',
  reduced: 'Reduced rate, 5 %',
  zero: 'Zero rate, 0 %',
  exempt: 'Exempt',
  outside: 'Outside VAT',
  reverse_charge: 'Domestic reverse charge',
}

/** How long ago, or how long still: '3 days', '5 hours', '12 minutes'. */
export function spanWords(fromMs: number, toMs: number): string {
  const minutes = Math.max(0, Math.floor((toMs - fromMs) / 60_000))
  const [count, unit] =
    minutes < 60
      ? [minutes, 'minute']
      : minutes < 48 * 60
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
