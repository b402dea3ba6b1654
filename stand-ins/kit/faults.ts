/**
 * The fault knobs: what a test or a person wants to go wrong, and for how many requests.
 *
 * Keeps: knobs of one name mean the same in every stand-in; an unknown knob is refused, never ignored.
 */

/** A fault is used up after `times` requests (absent: once; below zero: until it is cleared). */
export interface Fault {
  knob: string
  match?: { method?: string; path?: string }
  times?: number
  value?: unknown
  /** Between 0 and 1: how many of the requests that fit it meet it; absent: each. */
  chance?: number
}

export interface Asked {
  method: string
  path: string
}

export const knobs = [
  'loseReply',
  'throttle',
  'lockPeriod',
  'revokeConsent',
  'editBehindOurBack',
  'html503',
  'error500AfterCommit',
  'error500BeforeCommit',
  'hangReply',
  'resetMidAnswer',
  'truncateAnswer',
  'okWithErrorBody',
  'slowDrip',
  'hugeBody',
  'poisonAnswer',
  'forgetKeys',
  'replayCachedError',
  'readLag',
  'rejectOne',
  'tokenSlow',
  'tokenLost',
  'tokenInvalidGrant',
  'tokenEmpty',
  'tokenHtml',
  'expireAccess',
  'fewerScopes',
  'subscriptionLapsed',
  'permissionMissing',
  'shiftPages',
  'slowAnswer',
  'unauthorizedXml',
] as const

export class UnknownKnob extends Error {}

export class Faults {
  #waiting: Fault[] = []
  readonly #dice: () => number

  /** In [0, 1): for faults that come by chance. */
  constructor(dice: () => number = Math.random) {
    this.#dice = dice
  }

  add(fault: Fault): void {
    if (!(knobs as readonly string[]).includes(fault.knob)) throw new UnknownKnob(`no knob is named ${fault.knob}`)
    if (fault.match?.path !== undefined) new RegExp(fault.match.path)
    this.#waiting.push({ ...fault, times: fault.times ?? 1 })
  }

  clear(): void {
    this.#waiting = []
  }

  list(): Fault[] {
    return this.#waiting.map((fault) => ({ ...fault }))
  }

  /** The first waiting fault of this knob that fits the request; each take uses it once. */
  take(knob: string, asked: Asked): Fault | undefined {
    const found = this.peek(knob, asked)
    if (found === undefined) return undefined
    const left = found.times ?? 1
    if (left > 0) {
      found.times = left - 1
      if (found.times === 0) this.#waiting = this.#waiting.filter((fault) => fault !== found)
    }
    return found
  }

  /** The same without using it up: for settings that last, such as readLag. */
  peek(knob: string, asked: Asked): Fault | undefined {
    return this.#waiting.find((fault) => fault.knob === knob && fits(fault, asked) && this.#isMet(fault))
  }

  #isMet({ chance }: Fault): boolean {
    return chance === undefined || this.#dice() < chance
  }
}

function fits(fault: Fault, asked: Asked): boolean {
  const { method, path } = fault.match ?? {}
  if (method !== undefined && method.toUpperCase() !== asked.method.toUpperCase()) return false
  return path === undefined || new RegExp(path).test(asked.path)
}
