/** The ledger's page shows what is held, and lets who may free it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdCredits, holdIdFor, type NewHold } from '../../../src/fees/hold-credits.ts'
import { idText } from '../../../src/kit/ids.ts'
import { networkAccountId } from '../../../src/ledger/account.ts'
import { firstDay } from '../../support/app.ts'
import { type PagesWorld, pagesWorld } from './pages-world.ts'

let world: PagesWorld
beforeAll(async () => {
  world = await pagesWorld()
})
afterAll(() => world.end())

const later = (hours: number) => new Date(firstDay.getTime() + hours * 3_600_000)
async function hold(key: string, more: Partial<NewHold> = {}): Promise<string> {
  const { valley, app } = world
  const account = (kind: 'fees' | 'sponsor') => networkAccountId(valley.id, kind)
  const verdict = await holdCredits(app.deps, {
    networkId: valley.id,
    debitAccountId: account('fees'),
    creditAccountId: account('sponsor'),
    amountMinor: 1_250n,
    currency: 'GBP',
    expiresAt: later(48),
    promised: false,
    reason: `the fair <${key}>`,
    actor: 'quits',
    key,
    ...more,
  })
  expect(verdict.ok).toBe(true)
  return idText('transfer', holdIdFor(valley.id, 'quits', key))
}
const path = '/networks/valley/ledger'

test('each open hold stands there with age, ends, amount, end and purpose, and is released with a reason', async () => {
  expect((await world.asha.get(path)).text).toContain('Nothing is held.')
  const id = await hold('one')
  await hold('two', { promised: true, expiresAt: null })
  await world.app.travelTo(later(5))
  const page = await world.asha.get(path)
  expect(page.text).toMatch(/5 hours old fees sponsor £12\.50 4 Nov 2026, 10:00 the fair <one>/)
  expect(page.text).toContain('promised: does not run out')
  expect(page.html).not.toContain('<one>')
  const release = `${path}/holds/${id}/release`
  expect((await world.asha.post(release, { reason: '' })).status).toBe(400)
  const done = await world.asha.send(release, { reason: 'the fair is off' })
  expect(done.text).toContain('The hold is released; nothing moved.')
  expect(done.text).not.toContain('the fair <one> ')
  const again = await world.asha.post(release, { reason: 'once more' })
  expect([again.status, again.location]).toEqual([303, expect.stringContaining(path)])
  await world.app.travelTo(firstDay)
})

test('an auditor sees them and frees none; a member does not come here', async () => {
  const id = await hold('three')
  const ada = await world.person({ networkId: world.valley.id, role: 'auditor' }, 'Ada')
  const page = await ada.get(path)
  expect(page.text).toContain('the fair <three>')
  expect(page.html).not.toContain('/release')
  expect((await ada.post(`${path}/holds/${id}/release`, { reason: 'x' })).status).toBe(403)
  expect((await world.mill.owner.post(`${path}/holds/${id}/release`, { reason: 'x' })).status).toBe(403)
  expect((await world.asha.post(`${path}/holds/trf_01KA9Z6QJ8F2R4S6T8V0W2X4Y6/release`, { reason: 'x' })).status).toBe(
    404,
  )
})
