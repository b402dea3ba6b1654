/** The whole path by clicks: a network is made, two businesses come in, connect their books, trade, and both books agree. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { type DemoHouse, demoHouse } from './house.ts'
import { Journey, type Walker } from './walker.ts'

const operatorEmail = 'operator@demo.example'
const convenerEmail = 'convener@demo.example'
const timber = {
  name: 'Mill Lane Timber Ltd',
  email: 'timber@demo.example',
  owner: 'Tom Miller',
  number: '04417001',
  vat: 'GB384729156',
}
const bakery = {
  name: "Rosa's Bakery Ltd",
  email: 'bakery@demo.example',
  owner: 'Rosa Delgado',
  number: '05511002',
  vat: 'GB293847561',
}
type Firm = typeof timber

let browser: Browser
let demo: DemoHouse

beforeAll(async () => {
  demo = await demoHouse(operatorEmail)
  browser = await launchChromium()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await demo?.close()
})

test('from an empty installation to two books that agree, by clicks alone', { timeout: 240_000 }, async () => {
  const journey = new Journey(browser, demo.url)

  const operator = await signIn(journey, operatorEmail)
  await operator.follow('Make a network')
  await operator.fill({
    Name: 'Lancaster Trade Circle',
    'Short name': 'lancaster',
    'Starts from': 'Template: UK businesses',
    'Run by': 'A legal person not known here yet (fill in below)',
    'Name of the legal person': 'Lancaster Trade Circle CIC',
    'Legal form': 'Community interest company',
    'Number in the public register': '07733004',
    'E-mail of the first convener': convenerEmail,
    'Name of the first convener': 'Cora Lune',
  })
  await operator.press('Make the network')
  expect(await operator.text()).toContain('Lancaster Trade Circle is made')

  const convener = await signIn(journey, convenerEmail)
  await convener.follow('Lancaster Trade Circle')
  for (const firm of [timber, bakery]) await invite(convener, firm)
  const miller = await join(journey, timber)
  const baker = await join(journey, bakery)
  for (const firm of [timber, bakery]) await admit(convener, firm)

  await connect(miller, 'Xero', timber, 'Allow access')
  await connect(baker, 'QuickBooks', bakery, 'Connect')

  await miller.open('/')
  await miller.follow(timber.name)
  await miller.follow('Propose a trade')
  await miller.fill({
    You: 'sell',
    'To or from': bakery.name,
    'What it is for': 'Shelving for the shop',
    Description: 'Oak shelves',
    'Net amount': '1000.00',
  })
  await miller.press('Look at it')
  expect(await miller.text()).toContain('£1,200.00')
  await miller.press('Propose')

  await baker.open('/')
  await baker.follow(bakery.name)
  await baker.follow('All trades')
  await baker.follow(/^Purchase /)
  await baker.press('Accept')
  const trade = new URL(baker.page.url()).pathname

  for (const person of [miller, baker]) await sayYes(person)
  for (const person of [miller, baker]) await reconcile(person)

  await baker.open(trade)
  expect(await baker.text()).toContain('accepted')
  await convener.open('/networks/lancaster/ledger')
  expect(await convener.text()).toContain('Lancaster')

  expect(journey.faults).toEqual([])
  expect(journey.seen.size).toBeGreaterThan(20)
  await withoutScripts(journey, miller, convener)
  expect(journey.faults).toEqual([])
})

async function signIn(journey: Journey, email: string): Promise<Walker> {
  const person = await journey.person()
  await person.open('/')
  await person.follow('Sign in')
  await person.fill({ 'Your e-mail address': email })
  await person.press('Send me the link')
  await person.follow('Open the demonstration’s mail box')
  await openLetter(person, email, '/sign-in/')
  await person.press('Sign in')
  return person
}

/** The newest letter to this address that holds such a link. */
async function openLetter(person: Walker, email: string, link: string): Promise<void> {
  const letter = person.page.locator('article').filter({ hasText: `To ${email}` })
  const href = await letter.locator(`a[href*="${link}"]`).first().getAttribute('href')
  await person.open(href ?? '/no-letter')
}

async function invite(convener: Walker, firm: Firm): Promise<void> {
  await convener.open('/networks/lancaster')
  await convener.unfold('Send an invitation')
  await convener.fill({ 'E-mail address': firm.email, 'Name of the business': firm.name })
  await convener.press('Send the invitation')
}

async function join(journey: Journey, firm: Firm): Promise<Walker> {
  const person = await journey.person()
  await person.open('/demo/mail')
  await openLetter(person, firm.email, '/join/')
  await person.fill({
    'Your name': firm.owner,
    'Address, as on your invoices': '1 Market Street, Lancaster',
    'The business is a': 'Limited company',
    'Number in the public register': firm.number,
    'Registered for VAT': 'Yes',
    'VAT number': firm.vat,
  })
  await person.check('We agree to the terms')
  await person.press('Join')
  expect(await person.text()).toContain('Welcome')
  memberPath(person)
  return person
}

async function admit(convener: Walker, firm: Firm): Promise<void> {
  await convener.open('/networks/lancaster')
  await convener.follow(firm.name)
  await convener.fill({ 'Credit limit': '5000.00' })
  await convener.press('Admit')
  expect(await convener.text()).toContain('£5,000.00')
}

async function connect(person: Walker, vendor: string, firm: Firm, allow: string): Promise<void> {
  await person.open(`${memberPath(person)}/connection`)
  await person.press(`Connect to ${vendor}`)
  await person.check(firm.name)
  await person.press(allow)
  await person.press('Connect this one')
  if (!person.page.url().includes('/mapping')) await person.follow('Map your book')
  await person.press('Create the mutual-credit account for me')
  await person.press('Yes, use these')
  expect(await person.text()).toContain('Your book is live.')
}

async function sayYes(person: Walker): Promise<void> {
  const member = memberPath(person)
  await person.open(`${member}/approvals`)
  expect(await person.text()).toContain('Oak shelves')
  await person.press('Yes, write these')
  await person.open(`${member}/deliveries?state=delivered`)
  await person.waitFor(/payment/i)
  await person.look()
}

async function reconcile(person: Walker): Promise<void> {
  await person.open(`${memberPath(person)}/reconciliation`)
  await person.press('Read the book now')
  expect(await person.text()).toContain('everything agrees')
}

/** Where a person's own business is, once it has been there. */
const members = new WeakMap<Walker, string>()
function memberPath(person: Walker): string {
  const found = /\/members\/mem_\w+/.exec(person.page.url())?.[0] ?? members.get(person)
  if (!found) throw new Error(`${person.page.url()} is no member's page`)
  members.set(person, found)
  return found
}

/** The same key pages with scripts switched off: everything is there, and a form still works. */
async function withoutScripts(journey: Journey, miller: Walker, convener: Walker): Promise<void> {
  const member = memberPath(miller)
  const plain = await journey.person({ scripts: false, with: miller })
  for (const path of [
    '',
    '/connection',
    '/connection/mapping',
    '/approvals',
    '/deliveries',
    '/reconciliation',
    '/trades',
    '/statement',
  ]) {
    await plain.page.goto(new URL(`${member}${path}`, journey.base).href)
    expect(await plain.page.locator('h1').count(), path).toBe(1)
  }
  await plain.page.goto(new URL(`${member}/reconciliation`, journey.base).href)
  await plain.page.getByRole('button', { name: 'Read the book now' }).click()
  expect(await plain.text()).toContain('everything agrees')
  const desk = await journey.person({ scripts: false, with: convener })
  await desk.page.goto(new URL('/networks/lancaster', journey.base).href)
  expect(await desk.text()).toContain(timber.name)
}
