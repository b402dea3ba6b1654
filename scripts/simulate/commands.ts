/**
 * What happens in a simulation, as a list of plain commands made from a seed: trades, people, time, work, and what goes wrong.
 *
 * Keeps: each command means something by itself. It names what it is about by a number that is taken round whatever there is when its
 * turn comes, so a list from which any have been left out can still be played.
 */
import { type Dice, diceOf, oneOf } from './dice.ts'
import { type Trouble, troubles } from './line.ts'
import { type Cut, moments } from './worker-in-hand.ts'

type Firm = number
type Pick = number
export type Fault = { knob: string; times?: number; value?: unknown; match?: { method?: string; path?: string } }
export type PersonDeed =
  | 'void'
  | 'delete'
  | 'edit_amount'
  | 'edit_day'
  | 'rename_contact'
  | 'archive_contact'
  | 'rename_account'
  | 'lock_period'
  | 'unlock_period'
  | 'bill_by_hand'
  | 'money_by_hand'
  | 'pay_from_bank'
export type Command =
  | {
      do: 'trade'
      seller: Firm
      buyer: Firm
      by: 'seller' | 'buyer'
      nets: number[]
      treatment: Pick
      creditBasisPoints: number | null
      reserve: boolean
      answer: 'accept' | 'accept_twice' | 'decline' | 'withdraw' | 'later'
    }
  | { do: 'answer'; trade: Pick; how: 'accept' | 'decline' | 'withdraw' }
  | { do: 'reverse'; trade: Pick; how: 'both_sides' | 'convener' }
  | { do: 'deliver'; worker: Pick; books: number; cut?: Cut }
  | { do: 'reconcile'; firm: Firm; worker: Pick; cut?: Cut }
  | { do: 'sweep'; firm: Firm; whole: boolean; worker: Pick; cut?: Cut }
  | { do: 'task'; which: 'refresh_idle' | 'lapse' | 'mail' | 'check_mappings'; worker: Pick; cut?: Cut }
  | { do: 'wait'; ms: number }
  | { do: 'let_go' }
  | { do: 'fault'; vendor: Trouble['vendor']; fault: Fault }
  | { do: 'trouble'; trouble: Trouble }
  | { do: 'person'; firm: Firm; deed: PersonDeed; pick: Pick; minor: number }
  | { do: 'pause' | 'resume' | 'revoke' | 'disconnect' | 'sign_in'; firm: Firm }
  | { do: 'pause_network' | 'resume_network' }
  | { do: 'drop' | 'take_back' | 'retry' | 'retry_all'; firm: Firm; pick: Pick }

const fewest = 12
const more = 20
/** From this seed on every other command is a fault, met by something that has just been promised. */
const stormyFrom = 1_000
const vendors = ['xero', 'quickbooks'] as const
const minuteMs = 60_000
const waits = [
  1_000,
  5_000,
  35_000,
  2 * minuteMs,
  3 * minuteMs,
  10 * minuteMs,
  31 * minuteMs,
  65 * minuteMs,
  26 * 60 * minuteMs,
]
const writes = { method: 'POST|PUT' }

export function commandsOf(seed: number): Command[] {
  const dice = diceOf(seed)
  // Some towns are left alone by their people, so that a difference cannot hide behind what they did.
  const peopled = dice(3) > 0
  const count = fewest + dice(more)
  const commands: Command[] = [tradeOf(dice), tradeOf(dice)]
  while (commands.length < count) commands.push(...(seed < stormyFrom ? someOf(dice, peopled) : stormOf(dice, peopled)))
  return commands
}

/** Often what makes sense only together: a fault, and work that meets it. */
function someOf(dice: Dice, peopled: boolean): Command[] {
  const throwOf = dice(100)
  if (throwOf < 24) return Array.from({ length: 1 + dice(3) }, () => tradeOf(dice))
  if (throwOf < 42) return [workOf(dice)]
  if (throwOf < 52) return [{ do: 'wait', ms: oneOf(dice, waits) }]
  if (throwOf < 64) return [faultOf(dice), workOf(dice)]
  if (throwOf < 74)
    return [troubleOf(dice), ...(dice(2) === 0 ? [{ do: 'wait', ms: 31 * minuteMs } as const] : []), workOf(dice)]
  if (throwOf < 80)
    return [{ do: 'reverse', trade: dice(20), how: oneOf(dice, ['both_sides', 'both_sides', 'convener']) }]
  if (throwOf < 83)
    return [{ do: 'answer', trade: dice(20), how: oneOf(dice, ['accept', 'accept', 'decline', 'withdraw']) }]
  if (throwOf < 86) return [checkOf(dice)]
  if (throwOf < 88)
    return [
      {
        do: 'task',
        which: oneOf(dice, ['refresh_idle', 'lapse', 'mail', 'check_mappings']),
        worker: dice(2),
        ...cutOf(dice, 3),
      },
    ]
  // Held up for longer than a lease lasts, while another works.
  if (throwOf < 92)
    return [
      {
        do: 'deliver',
        worker: 0,
        books: 4,
        cut: { moment: oneOf(dice, ['before_call', 'after_call']), skip: dice(5), dies: false },
      },
      { do: 'wait', ms: 3 * minuteMs },
      { do: 'deliver', worker: 1, books: 4 },
      { do: 'let_go' },
    ]
  if (!peopled) return [workOf(dice)]
  if (throwOf < 95) return [personOf(dice)]
  if (throwOf < 97)
    return [{ do: oneOf(dice, ['drop', 'take_back', 'retry', 'retry_all']), firm: dice(4), pick: dice(30) }]
  if (throwOf < 98) return [{ do: oneOf(dice, ['pause_network', 'resume_network']) }]
  return [{ do: oneOf(dice, ['pause', 'resume', 'revoke', 'disconnect', 'sign_in']), firm: dice(4) }]
}

function stormOf(dice: Dice, peopled: boolean): Command[] {
  if (dice(2) === 0) return someOf(dice, peopled)
  const promised = Array.from({ length: 1 + dice(2) }, () => ({ ...tradeOf(dice), answer: 'accept' as const }))
  const works: Command = { do: 'deliver', worker: dice(2), books: 4, ...cutOf(dice, 3) }
  const after: Command[] = dice(2) === 0 ? [{ do: 'wait', ms: oneOf(dice, waits.slice(0, 5)) }, workOf(dice)] : []
  if (dice(3) === 0) return [...promised, troubleOf(dice), works, ...after]
  const struck = faultOf(dice)
  // What writes is a PUT at one of them and a POST at the other.
  if (struck.do === 'fault' && struck.fault.match?.method && struck.vendor === 'quickbooks')
    struck.fault = { ...struck.fault, match: { ...struck.fault.match, method: 'POST' } }
  const second = dice(3) === 0 ? [faultOf(dice)] : []
  return [...promised, struck, ...second, works, ...after]
}

function tradeOf(dice: Dice): Extract<Command, { do: 'trade' }> {
  const seller = dice(4)
  const by = dice(4) === 0 ? 'buyer' : 'seller'
  return {
    do: 'trade',
    seller,
    buyer: (seller + 1 + dice(3)) % 4,
    by,
    nets: Array.from({ length: 1 + dice(3) }, () => 1 + dice(25_000)),
    treatment: dice(4),
    creditBasisPoints: dice(3) === 0 ? 1 + dice(10_000) : null,
    reserve: by === 'buyer' && dice(2) === 0,
    answer: oneOf(dice, [
      'accept',
      'accept',
      'accept',
      'accept',
      'accept_twice',
      'accept_twice',
      'decline',
      'withdraw',
      'later',
    ]),
  }
}

function workOf(dice: Dice): Command {
  return { do: 'deliver', worker: dice(2), books: 1 + dice(6), ...cutOf(dice, 4) }
}

function checkOf(dice: Dice): Command {
  const firm = dice(4)
  if (dice(2) === 0) return { do: 'reconcile', firm, worker: dice(2), ...cutOf(dice, 4) }
  return { do: 'sweep', firm, whole: dice(2) === 0, worker: dice(2), ...cutOf(dice, 4) }
}

/** One in so many is cut off. */
function cutOf(dice: Dice, oneIn: number): { cut?: Cut } {
  return dice(oneIn) === 0 ? { cut: { moment: oneOf(dice, moments), skip: dice(8), dies: true } } : {}
}

function faultOf(dice: Dice): Command {
  const calls = { path: '^/(api\\.xro|v3)/' }
  const fault = oneOf<Fault>(dice, [
    { knob: 'loseReply', match: calls },
    { knob: 'loseReply', times: 2, match: { ...calls, ...anyWrite(dice) } },
    { knob: 'error500AfterCommit', match: { ...calls, ...anyWrite(dice) } },
    { knob: 'error500BeforeCommit', times: 1 + dice(3), match: calls },
    { knob: 'html503', times: 1 + dice(4), match: calls },
    { knob: 'html503', value: { after: true }, match: { ...calls, ...anyWrite(dice) } },
    { knob: 'okWithErrorBody', match: { ...calls, ...anyWrite(dice) } },
    { knob: 'resetMidAnswer', match: calls },
    { knob: 'truncateAnswer', match: calls },
    { knob: 'throttle', value: dice(2) === 0 ? {} : { retryAfter: 1 + dice(50) }, match: calls },
    { knob: 'rejectOne', match: { ...calls, ...anyWrite(dice) } },
    { knob: 'replayCachedError', match: { ...calls, ...anyWrite(dice) } },
    { knob: 'forgetKeys', match: calls },
    { knob: 'readLag', value: 1_000 * (1 + dice(29)), match: calls },
    { knob: 'expireAccess', match: calls },
    { knob: 'shiftPages', match: calls },
    { knob: 'poisonAnswer', match: calls },
  ])
  return { do: 'fault', vendor: oneOf(dice, vendors), fault }
}

/** Xero takes new documents by PUT, QuickBooks all by POST. */
function anyWrite(dice: Dice): { method: string } {
  return { method: writes.method.split('|')[dice(2)] ?? 'POST' }
}

function troubleOf(dice: Dice): Command {
  const kind = oneOf(dice, troubles)
  return { do: 'trouble', trouble: { kind, vendor: oneOf(dice, vendors), ofToken: dice(3) === 0, skip: dice(4) } }
}

function personOf(dice: Dice): Command {
  const deed = oneOf<PersonDeed>(dice, [
    'void',
    'delete',
    'edit_amount',
    'edit_day',
    'rename_contact',
    'archive_contact',
    'rename_account',
    'lock_period',
    'unlock_period',
    'bill_by_hand',
    'money_by_hand',
    'pay_from_bank',
  ])
  return { do: 'person', firm: dice(4), deed, pick: dice(30), minor: 1 + dice(30_000) }
}
