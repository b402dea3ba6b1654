/** Every page of the bookkeeper's in a real browser: no accessibility fault by axe, no sideways scroll on a phone, no script. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { BrowserContext, Browser as Chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginConsent, chooseBook, finishConsent } from '../../../src/books/connect.ts'
import { setAskFirst } from '../../../src/books/connection.ts'
import { makeCreditAccount, saveMapping } from '../../../src/books/mapping.ts'
import { idText } from '../../../src/kit/ids.ts'
import { nameRole } from '../../../src/networks/person.ts'
import { openSession } from '../../../src/networks/sign-in.ts'
import { reconcileBook } from '../../../src/reconcile/run.ts'
import { launchChromium } from '../../support/chromium.ts'
import { type Business, type PagesWorld, pagesWorld, proposeFrom } from './pages-world.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let world: PagesWorld
let chromium: Chromium
let context: BrowserContext
let seller: Business
let parked = ''

beforeAll(async () => {
  world = await pagesWorld()
  const { app, mill, bakery } = world
  seller = mill
  const session = await app.worker(async (tx) => {
    const { organisationId } = mill.member
    const role = {
      organisationId,
      role: 'bookkeeper' as const,
      email: 'bea@books.example',
      name: 'Bea',
      actor: 'quits',
    }
    return openSession(tx, (await nameRole(tx, app.clock, role)).id, null)
  })
  const connectionId = await connect('mill-book')
  await accepted(mill, bakery)
  await app.deliver()
  await reconcileBook(app.deps, {
    networkId: mill.member.networkId,
    organisationId: mill.member.organisationId,
    actor: 'quits',
  })
  // Then one that is parked, one that waits for a yes, and a difference.
  app.books.book('mill-book').lockPeriod('2026-11-30')
  await accepted(mill, bakery)
  await app.deliver()
  await app.worker((tx) => setAskFirst(tx, app.clock, { connectionId, askFirst: null, actor: 'quits' }))
  await accepted(mill, bakery)
  await reconcileBook(app.deps, {
    networkId: mill.member.networkId,
    organisationId: mill.member.organisationId,
    actor: 'quits',
  })
  const row = await app.worker((tx) => tx.delivery.findFirstOrThrow({ where: { state: 'parked' } }))
  parked = idText('delivery', row.id)
  chromium = await launchChromium()
  context = await chromium.newContext({ viewport: { width: 320, height: 720 } })
  await context.addCookies([{ name: 'quits_session', value: session, url: app.url }])
})
afterAll(async () => {
  await chromium?.close()
  await world.end()
})

async function connect(bookId: string): Promise<string> {
  const { app, mill } = world
  app.books.addBook({ id: bookId, name: 'Mill Trading Ltd' })
  const { networkId, organisationId } = mill.member
  const by = { actor: 'quits', sessionHash: null }
  const { url } = await beginConsent(app.deps, { networkId, organisationId, kind: 'fake', ...by })
  const { consentId } = await finishConsent(app.deps, { url: app.books.agree(url, [bookId]), ...by })
  const { id } = await chooseBook(app.deps, { consentId, bookId, actor: 'quits' })
  const ask = { connectionId: id, networkId, actor: 'quits' }
  const { mapping } = await makeCreditAccount(app.deps, { ...ask, kind: 'bank' })
  await saveMapping(app.deps, { ...ask, mapping: mapping.draft, ifVersion: mapping.version })
  await app.worker((tx) => setAskFirst(tx, app.clock, { connectionId: id, askFirst: 0, actor: 'quits' }))
  return id
}

async function accepted(from: Business, to: Business): Promise<void> {
  const path = await proposeFrom(from, to)
  const answer = await to.owner.post(`${path}/acceptance`)
  if (answer.status !== 303) throw new Error(answer.text)
}

test('every page is without faults on a phone, and needs no script', async () => {
  const pages = [
    `${seller.path}/connection`,
    `${seller.path}/connection/mapping`,
    `${seller.path}/approvals`,
    `${seller.path}/deliveries`,
    `${seller.path}/reconciliation`,
    `${seller.path}/contacts`,
    `${seller.path}/deliveries/${parked}/pick-contact`,
    '/inbox',
    '/connect/refused?code=consent_used',
    '/connect/cut',
  ]
  const page = await context.newPage()
  for (const path of pages) {
    const answer = await page.goto(`${world.app.url}${path}`)
    expect(answer?.status(), path).toBe(200)
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    await page.evaluate(axe)
    const faults = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run()
      return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`)
    })
    expect(faults, path).toEqual([])
    const wider = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth')
    expect(wider, `${path} scrolls sideways`).toBe(false)
    expect(await page.evaluate('document.querySelectorAll("main script").length'), path).toBe(0)
  }
})
