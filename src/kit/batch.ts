/**
 * Group commit: what waits while a call runs is the next call. A lane per network, so that one busy network never
 * slows another. Who asks alone is sent alone, at the end of this turn of the event loop: no timer holds it back, and those
 * who ask in the same turn share its call. Where so many wait that the next call would be full, it goes before the one under way has
 * answered, so that nothing stands still between two.
 *
 * Keeps: every asker gets its own verdict; one bad item never spoils its neighbours (an unexpected error is bisected).
 * Never: keeps more waiting than `waitingRoom`; then it refuses with `try_again_soon`, which is safe to repeat.
 */
import { Refusal } from './refusal.ts'

export type Batch<Asked, Verdict> = {
  add(lane: string, asked: Asked): Promise<Verdict>
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>
}

type Waiting<Asked, Verdict> = { asked: Asked; yes(verdict: Verdict): void; no(error: unknown): void }

/** While one call is worked on, the next one lies ready where it will be worked on; not while another lane waits for its turn. */
const mostUnderWay = 2

export function batchOf<Asked, Verdict>(settings: {
  /** One call for many: verdicts in the order asked. It must be all-or-nothing when it throws, and calls of one lane must be worked on in the order made. */
  run: (lane: string, asked: Asked[]) => Promise<Verdict[]>
  most: number
  waitingRoom: number
  /** How many lanes may be at work at once (each takes a connection). */
  atOnce: number
}): Batch<Asked, Verdict> {
  const lanes = new Map<string, Waiting<Asked, Verdict>[]>()
  /** Calls under way, by lane. */
  const atWork = new Map<string, number>()
  let quiet: (() => void)[] = []
  let isSoon = false

  async function answer(lane: string, group: Waiting<Asked, Verdict>[]): Promise<void> {
    try {
      const verdicts = await settings.run(
        lane,
        group.map((one) => one.asked),
      )
      group.forEach((one, place) => {
        if (place in verdicts) one.yes(verdicts[place] as Verdict)
        else one.no(new Error('a batch answered fewer verdicts than it was asked'))
      })
    } catch (error) {
      // A refusal of the whole call is nobody's fault alone, and to ask it in halves would only take longer.
      if (group.length === 1 || error instanceof Refusal) {
        for (const one of group) one.no(error)
        return
      }
      const middle = group.length >> 1
      await answer(lane, group.slice(0, middle))
      await answer(lane, group.slice(middle))
    }
  }

  function serveSoon(): void {
    if (isSoon) return
    isSoon = true
    setImmediate(() => {
      isSoon = false
      serve()
    })
  }

  function serve(): void {
    for (const [lane, waiting] of [...lanes]) {
      if (waiting.length === 0 || !mayGo(lane, waiting.length)) continue
      const group = waiting.splice(0, settings.most)
      atWork.set(lane, (atWork.get(lane) ?? 0) + 1)
      // A lane that was served goes to the end of the line.
      lanes.delete(lane)
      lanes.set(lane, waiting)
      void answer(lane, group).then(() => served(lane))
      if (waiting.length >= settings.most) serveSoon()
    }
  }

  function mayGo(lane: string, waiting: number): boolean {
    const underWay = atWork.get(lane) ?? 0
    if (underWay === 0) return atWork.size < settings.atOnce
    return underWay < mostUnderWay && waiting >= settings.most && !othersWait()
  }

  /** For a lane that is at work to make room: one that is always full would never come to an end. */
  function othersWait(): boolean {
    if (atWork.size < settings.atOnce) return false
    for (const [lane, waiting] of lanes) if (waiting.length > 0 && !atWork.has(lane)) return true
    return false
  }

  function served(lane: string): void {
    const underWay = (atWork.get(lane) ?? 1) - 1
    if (underWay === 0) atWork.delete(lane)
    else atWork.set(lane, underWay)
    if (lanes.get(lane)?.length === 0) lanes.delete(lane)
    if (lanes.size > 0) serveSoon()
    else if (atWork.size === 0) {
      for (const done of quiet) done()
      quiet = []
    }
  }

  return {
    add(lane, asked) {
      return new Promise((yes, no) => {
        const waiting = lanes.get(lane) ?? []
        if (waiting.length >= settings.waitingRoom) return no(new Refusal('try_again_soon', {}))
        waiting.push({ asked, yes, no })
        lanes.set(lane, waiting)
        serveSoon()
      })
    },
    idle() {
      if (atWork.size === 0 && lanes.size === 0) return Promise.resolve()
      return new Promise((done) => quiet.push(done))
    },
  }
}
