/**
 * The kill matrix. Each journey is first gone through once and every commit and every vendor's call that passes is written down: those
 * are the points, so a new one is killed without being listed by hand. Then, at each: the journey anew, the service killed there, started
 * again, what was asked asked again, and the oracles.
 *
 * Before a commit is before it reaches the database, and after an answer was read; after one is before the service hears of it. Before
 * a call no byte of it has reached the vendor; after one the vendor has done it, and nobody has heard.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Journey, journeys, type Round } from './journeys.ts'
import type { KillScene } from './scene.ts'
import type { Point } from './service.ts'

export type MatrixAsk = {
  name?: string
  vendor?: string
  /** Only journeys whose names begin so. */
  journey?: string
  /** A point that another journey has too is killed there only. */
  isEachOnce?: boolean
  /** Of `of` shares of all points, this one. */
  share?: { turn: number; of: number }
  /** One that is broken is enough. */
  untilBroken?: boolean
  say(line: string): void
}
export type Killed = { journey: string; vendor: string; point: string; met: boolean; broken: string[] }
/** `known`: all points there are; `points`: those that were killed at. */
export type Matrix = { known: number; points: number; killed: Killed[]; notMet: string[]; broken: string[] }

/** Leases end, budgets fill, what was looked for in vain may be believed gone, and Xero has forgotten every key (after six minutes). */
const afterKillMs = 420_000
const hourMs = 3_600_000
const minuteMs = 60_000
const idleMs = 300
/** The minute is the machine's, a moment ahead. */
const scheduleIdleMs = 6_000
/** A loaded machine takes its time. */
const longestMs = 90_000
const lookMs = 15

export async function killMatrix(scene: KillScene, ask: MatrixAsk): Promise<Matrix> {
  const matrix: Matrix = { known: 0, points: 0, killed: [], notMet: [], broken: [] }
  let place = 0
  let isFirst = true
  const seen = new Set<string>()
  await scene.service.start()
  for (const journey of journeys) {
    if (ask.vendor && journey.vendor !== ask.vendor && journey.vendor !== 'either') continue
    if (ask.journey && !titleOf(journey).startsWith(ask.journey)) continue
    const all = await pointsOf(scene, journey)
    if (isFirst) await scene.service.keepCompiled()
    isFirst = false
    const points = ask.isEachOnce ? all.filter((one) => isNew(seen, `${journey.vendor} ${nameOf(one)}`)) : all
    ask.say(`${titleOf(journey)}: ${points.length} points`)
    matrix.known += points.length
    for (const point of points) {
      place += 1
      const text = `${titleOf(journey)}: ${nameOf(point)}`
      if (ask.name && !text.includes(ask.name)) continue
      if (ask.share && place % ask.share.of !== ask.share.turn) continue
      if (ask.untilBroken && matrix.broken.length > 0) return matrix
      matrix.points += 1
      let killed = await killAt(scene, journey, point)
      // Two workers take their turns in another order now and then.
      if (!killed.met) killed = await killAt(scene, journey, point)
      matrix.killed.push(killed)
      if (!killed.met) matrix.notMet.push(text)
      matrix.broken.push(...killed.broken.map((one) => `${text}: ${one}`))
      ask.say(
        `${text}: ${killed.broken.length > 0 ? `BROKEN ${killed.broken.join('; ')}` : killed.met ? 'holds' : 'not met'}`,
      )
    }
  }
  return matrix
}

/** What passes when nothing is killed: each place once, however often it is passed. */
export async function pointsOf(scene: KillScene, journey: Journey): Promise<Point[]> {
  const round = await ready(scene, journey)
  scene.service.record()
  await drive(scene, round)
  await settle(scene, round, journey)
  return scene.service.recorded().filter((one) => one.nth === 1)
}

async function killAt(scene: KillScene, journey: Journey, point: Point): Promise<Killed> {
  const round = await ready(scene, journey)
  scene.service.arm(point)
  await drive(scene, round)
  await waitUntil(scene, async () => scene.service.wasKilled() || (await round.isDone()), journey)
  const met = scene.service.wasKilled()
  scene.service.arm(null)
  const broken: string[] = []
  try {
    await scene.travel(afterKillMs)
    await begin(scene, journey)
    await drive(scene, round)
    await settle(scene, round, journey)
    broken.push(...((await round.broken?.()) ?? []))
  } catch (error) {
    broken.push(`after the start: ${error instanceof Error ? error.message : error}`)
  }
  broken.push(...(await scene.broken()))
  return { journey: journey.name, vendor: journey.vendor, point: nameOf(point), met, broken }
}

/** All that went before is over; the clock moves on, so that every budget is full. */
async function ready(scene: KillScene, journey: Journey): Promise<Round> {
  scene.service.arm(null)
  await scene.travel(2 * minuteMs)
  const round = await journey.prepare(scene)
  await scene.restBookless()
  if (journey.minute !== undefined) await begin(scene, journey)
  return round
}

async function begin(scene: KillScene, journey: Journey): Promise<void> {
  if (journey.minute === undefined) return scene.service.start()
  await scene.service.kill()
  const intoHour = scene.now().getTime() % hourMs
  const wanted = journey.minute * minuteMs - 1_500
  await scene.travel((wanted - intoHour + hourMs) % hourMs)
  await scene.service.start({ QUITS_RUN: 'web,worker,schedule' })
}

/** Whoever asks and is cut off asks again later. */
async function drive(scene: KillScene, round: Round): Promise<void> {
  try {
    await round.drive()
  } catch (error) {
    if (!scene.service.wasKilled()) throw error
  }
}

async function settle(scene: KillScene, round: Round, journey: Journey): Promise<void> {
  if (!(await waitUntil(scene, () => round.isDone(), journey))) throw new Error('it is never done')
}

/** What is not so, with nobody at work and nothing due, waits for its hour: the clock moves on. */
async function waitUntil(scene: KillScene, isSo: () => Promise<boolean>, { minute }: Journey): Promise<boolean> {
  const end = performance.now() + longestMs
  let idleSince = performance.now()
  while (performance.now() < end) {
    if (await isSo()) return true
    await pause(lookMs)
    if (!(await scene.isIdle())) idleSince = performance.now()
    if (performance.now() - idleSince < (minute === undefined ? idleMs : scheduleIdleMs)) continue
    await scene.travel(minuteMs)
    idleSince = performance.now()
  }
  return false
}

function isNew(seen: Set<string>, name: string): boolean {
  if (seen.has(name)) return false
  seen.add(name)
  return true
}

export const nameOf = ({ phase, label, nth }: Point) => `${phase} ${label}${nth > 1 ? ` (${nth})` : ''}`
const titleOf = ({ name, vendor }: Journey) => (vendor === 'either' ? name : `${name} (${vendor})`)
