/**
 * A worker: serves books, mail and what else is handed to it as they fall due, until it is stopped. Start as many as you like; each lane is served
 * by one at a time.
 *
 * Wakes by the database's NOTIFY, and looks every second anyway: a pooler in between may swallow it.
 */
import pg from 'pg'
import { deliverDue } from './deliver.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { type Mailer, sendMail } from './send-mail.ts'

const pollMs = 1_000
/** Books that one worker serves at a time: most of that time it waits for their vendors. */
const booksAtOnce = 8

/** A book may keep one of the turns busy for minutes; that none of them ends in this time is no work. */
const longestTurnMs = 10 * 60_000

/** What a worker also serves, handed in by whoever knows it: gives how much it served. */
export type Round = { name: string; serve: () => Promise<number> }

/** So many of one kind at once: most of what they do is waiting for somebody's answer. */
export function roundsAtOnce(name: string, count: number, serve: (place: number) => Promise<number>): Round[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${name} ${at + 1}`, serve: () => serve(at + 1) }))
}

export type Worker = {
  stop(): Promise<void>
  /** Does it still take its turns? */
  isAlive(): boolean
}

export async function keepPromises(
  deps: OutboxDeps,
  mailer: Mailer,
  { atOnce = booksAtOnce, rounds = [] }: { atOnce?: number; rounds?: Round[] } = {},
): Promise<Worker> {
  let running = true
  // Counts wake-ups, so that one that comes while a loop is looking is not slept through.
  let calls = 0
  let turnedAt = deps.clock.now().getTime()
  let wake: () => void = () => {}
  const listener = new pg.Client({ connectionString: deps.db.url })
  listener.on('error', (error) =>
    deps.log.warn({ error }, 'the wake-up connection was lost; looking every second goes on'),
  )
  listener.on('notification', () => wake())
  await listener.connect()
  await listener.query('listen quits_lane')

  async function loop(name: string, serve: () => Promise<number>): Promise<void> {
    while (running) {
      let served = 0
      const before = calls
      turnedAt = deps.clock.now().getTime()
      try {
        served = await serve()
      } catch (error) {
        deps.log.error({ error, name }, 'a worker’s round failed; the next one goes on')
      }
      if (served === 0 && running && calls === before) await rest()
    }
  }
  const sleeping = new Set<() => void>()
  wake = () => {
    calls += 1
    for (const up of sleeping) up()
  }
  function rest(): Promise<void> {
    return new Promise((done) => {
      const up = () => {
        clearTimeout(timer)
        sleeping.delete(up)
        done()
      }
      const timer = setTimeout(up, pollMs)
      sleeping.add(up)
    })
  }
  const loops = [
    ...Array.from({ length: atOnce }, (_, place) =>
      loop(`books ${place + 1}`, () => deliverDue(deps, { limit: 1, worker: `${deps.worker}/${place + 1}` })),
    ),
    loop('mail', () => sendMail(deps, mailer)),
    ...rounds.map(({ name, serve }) => loop(name, serve)),
  ]
  return {
    isAlive: () => deps.clock.now().getTime() - turnedAt < longestTurnMs,
    async stop() {
      running = false
      wake()
      await Promise.all(loops)
      await listener.end()
    },
  }
}
