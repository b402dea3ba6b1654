/**
 * The stand-in's pages in a real browser: no accessibility fault, and no sideways scrolling at phone width.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Connected, Loose } from './xero-client.ts'
import { connected } from './xero-client.ts'

const places = [
  process.env.QUITS_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let browser: Browser
let here: Connected

beforeAll(async () => {
  const executablePath = places.find((place) => place !== '' && existsSync(place))
  if (executablePath === undefined) throw new Error('no Chromium was found: install the package chromium')
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  here = await connected()
  for (const ask of [
    { deed: 'enterInvoice', contact: 'Green Door Joinery', amount: '100.00', number: 'H-1' },
    { deed: 'payInvoice', number: 'H-1', account: 'Business Current Account' },
    { deed: 'spendMoney', contact: 'Ferry Road Hardware', amount: '4.00', account: 'Business Current Account' },
  ]) {
    here.standIn.control.edit(here.organisationId, ask)
  }
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await here?.standIn.close()
})

test.each([
  ['the list of organisations', () => '/'],
  ['the books of one', () => `/books/${here.organisationId}`],
  ['one account', () => `/books/${here.organisationId}/accounts/${here.account('200')}`],
])('%s has no accessibility fault and fits a phone', async (_what, path) => {
  await judge(`${here.standIn.url}${path()}`)
})

test('so has the consent page', async () => {
  await judge(await here.client.buildConsentUrl())
})

async function judge(url: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
  await page.goto(url)
  await page.evaluate(axe)
  const { violations, wide } = (await page.evaluate(
    `axe.run().then(({ violations }) => ({ violations, wide: document.documentElement.scrollWidth > 360 }))`,
  )) as { violations: Loose[]; wide: boolean }
  await page.close()
  expect(violations.map((one) => [one.id, one.nodes[0]?.html])).toEqual([])
  expect(wide).toBe(false)
}
