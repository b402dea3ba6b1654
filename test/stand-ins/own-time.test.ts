/** What a bench asks of a stand-in: a clock that stands still, faults that come by chance, answers that take their time. */
import { expect, test } from 'vitest'
import { StandInClock } from '../../stand-ins/kit/clock.ts'
import { Faults } from '../../stand-ins/kit/faults.ts'
import { startXeroStandIn } from '../../stand-ins/xero/server.ts'

test('held, the clock moves only when it is told to; released, it runs on from there', async () => {
  const clock = new StandInClock()
  clock.hold()
  clock.set('2026-11-20T09:00:00Z')
  clock.advance(60_000)
  expect(clock.now().toISOString()).toBe('2026-11-20T09:01:00.000Z')
  clock.release()
  expect(clock.now().getTime() - Date.parse('2026-11-20T09:01:00Z')).toBeLessThan(5_000)
  expect(clock.offsetMs).not.toBe(0)
})

test('a fault by chance is met by as many requests as the dice say', () => {
  const rolls = [0.01, 0.9, 0.04, 0.5]
  const faults = new Faults(() => rolls.shift() ?? 1)
  faults.add({ knob: 'html503', times: -1, chance: 0.05 })
  const met = [1, 2, 3, 4].map(() => faults.take('html503', { method: 'GET', path: '/' }) !== undefined)
  expect(met).toEqual([true, false, true, false])
})

test('an answer that takes its time comes whole, and counts as a running call meanwhile', async () => {
  const standIn = await startXeroStandIn({ clientId: 'a', clientSecret: 'b' })
  try {
    standIn.control.faults.add({ knob: 'slowAnswer', times: -1, value: 120 })
    const startedAt = performance.now()
    const answer = await fetch(`${standIn.url}/api.xro/2.0/Organisation`)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(110)
    expect(answer.status).toBe(401)
    expect((await answer.text()).length).toBeGreaterThan(0)
    expect(standIn.control.requests.statuses().get(401)).toBe(1)
  } finally {
    await standIn.close()
  }
})
