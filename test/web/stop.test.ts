/** The real service, told to stop while it works: it ends what it has begun, begins nothing, and nothing is lost or doubled after. */
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RealService, type Running, realService } from './real-service.ts'

const longestMs = 25_000
let service: RealService
beforeAll(async () => {
  service = await realService()
}, 90_000)
afterAll(() => service.end(), 30_000)

/** A request whose body is only half sent: it is in flight until `finish`. */
function inFlight(running: Running, key: string, amount: string): { finish(): Promise<number> } {
  const { path, body } = service.saleBody(amount)
  const { hostname, port } = new URL(running.url)
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
    'content-length': Buffer.byteLength(body),
  }
  const asking = request({ hostname, port, path, method: 'POST', headers })
  const status = new Promise<number>((done, failed) => {
    asking.on('response', (answer) => {
      answer.resume()
      done(answer.statusCode ?? 0)
    })
    asking.on('error', failed)
  })
  asking.write(body.slice(0, 20))
  return {
    finish() {
      asking.end(body.slice(20))
      return status
    },
  }
}
async function ownersKey(): Promise<string> {
  const { app, mill } = service
  const { idFromText } = await import('../../src/kit/ids.ts')
  return app.key({ role: 'owner', organisationId: idFromText('organisation', mill.organisationId) ?? '' })
}
async function until(what: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 40_000
  while (performance.now() < end) {
    if (await what()) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('it never came true')
}
const ofMill = async () => {
  const { app, mill } = service
  const { idFromText } = await import('../../src/kit/ids.ts')
  const organisationId = idFromText('organisation', mill.organisationId) ?? ''
  return app.worker((tx) => tx.delivery.findMany({ where: { organisationId } }))
}
const allIn = async () => (await ofMill()).every((one) => one.state === 'delivered')
const readyz = async (running: Running) => {
  const answer = await fetch(`${running.url}/readyz`)
  return { status: answer.status, body: (await answer.json()) as { checks: { name: string; ok: boolean }[] } }
}

test('fault 14: told to stop while a vendor takes its time, it says so, ends the call and the requests in flight, and begins nothing', async () => {
  const { line, sell } = service
  await sell('1000')
  await sell('2000')
  const running = await (async () => {
    const written = line.hold()
    const started = await service.start()
    await written
    return started
  })()
  const half = inFlight(running, await ownersKey(), '3000')
  await until(async () => (await readyz(running)).status === 200)
  const stoppedAt = performance.now()
  running.stop()
  await until(async () => (await readyz(running)).status === 503)
  const draining = await readyz(running)
  expect(draining.body.checks.filter((check) => !check.ok).map((check) => check.name)).toEqual(['draining'])
  expect(await half.finish()).toBe(201)
  line.letGo()
  expect(await running.ended).toBe(0)
  expect(performance.now() - stoppedAt).toBeLessThan(longestMs)
  expect(running.output()).toContain('"left":[]')
  // What ran was ended and recorded; what hangs on it was not begun.
  const rows = await ofMill()
  expect(rows.filter((one) => one.kind === 'invoice').map((one) => one.state)).toEqual(['delivered', 'delivered'])
  expect(rows.filter((one) => one.kind === 'payment').map((one) => [one.state, one.attempts])).toEqual([
    ['waiting', 0],
    ['waiting', 0],
  ])
  const lanes = await service.app.worker((tx) => tx.lane.findMany({ where: { leasedBy: { not: null } } }))
  expect(lanes).toEqual([])
}, 120_000)

test('fault 14: a call that does not end is left with its attempt; whoever is started next looks first, and nothing is doubled', async () => {
  const { app, line, sell } = service
  const first = await service.start()
  await until(allIn)
  const written = line.hold()
  await sell('4000')
  await written
  const stoppedAt = performance.now()
  first.stop()
  expect(await first.ended).toBe(0)
  expect(performance.now() - stoppedAt).toBeLessThan(longestMs)
  expect(first.output()).toContain('"left":["work"')
  const open = await app.worker((tx) => tx.attempt.findMany({ where: { endedAt: null } }))
  expect(open.map((one) => one.verb)).toEqual(['documents'])

  line.letGo()
  // Two minutes later.
  await app.worker(
    (tx) =>
      tx.$executeRaw`update lane set leased_until = quits_now() - interval '1 second' where leased_by is not null`,
  )
  const second = await service.start()
  await until(allIn)
  second.stop()
  expect(await second.ended).toBe(0)
  const left = await app.worker((tx) =>
    tx.attempt.findMany({ where: { deliveryId: open[0]?.deliveryId ?? '' }, orderBy: { number: 'asc' } }),
  )
  expect(left.map((one) => [one.verb, one.outcome])).toEqual([
    ['documents', 'unknown'],
    ['look', 'found'],
  ])

  const held = (await service.inBook()).filter((one) => one.reference !== null)
  const ours = (await ofMill()).filter((one) => one.kind !== 'contact').map((one) => one.reference)
  const references = held.map((one) => one.reference).filter((one) => ours.includes(one ?? ''))
  expect(references.sort()).toEqual(ours.sort())
}, 180_000)

test('a second signal ends it at once', async () => {
  const { line, sell } = service
  const running = await service.start()
  const written = line.hold()
  await sell('5000')
  await written
  running.stop()
  await until(async () => (await readyz(running)).status === 503)
  const again = performance.now()
  running.stop()
  expect(await running.ended).toBe(1)
  expect(performance.now() - again).toBeLessThan(5_000)
  line.letGo()
}, 120_000)
