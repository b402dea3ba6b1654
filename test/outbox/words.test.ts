/** The catalogue: every error the vendors send has its words, its owner and a button whose deed exists; and docs show it as it is. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { vendorErrors } from '../../src/outbox/catalogue/vendor-errors.ts'
import { buttons, catalogue, knownCause, wordsFor } from '../../src/outbox/words.ts'
import { routes } from '../../src/web/api/routes.ts'
import { errorsPage } from './errors-page.ts'

const rows = Object.entries(vendorErrors).flatMap(([vendor, errors]) =>
  Object.entries(errors).map(([recording, cause]) => ({ vendor, recording, cause })),
)
const folder = (vendor: string) => new URL(`../connectors/recordings/${vendor}/`, import.meta.url)

test('the catalogue names every recorded error of both vendors, and at least forty', () => {
  const recorded = ['xero', 'quickbooks'].flatMap((vendor) =>
    readdirSync(folder(vendor)).map((file) => `${vendor}/${file.replace('.json', '')}`),
  )
  expect(rows.map(({ vendor, recording }) => `${vendor}/${recording}`).sort()).toEqual(recorded.sort())
  expect(rows.length).toBeGreaterThanOrEqual(40)
  expect(new Set(rows.map((row) => knownCause(row.cause))).size).toBeGreaterThanOrEqual(40)
})

test('every error has words, an owner and a way out; only what the vendor does not explain is told in general', () => {
  for (const { vendor, recording, cause } of rows) {
    const { says, means, fix, who, button } = wordsFor(cause)
    for (const text of [says, means, fix]) expect(text, recording).toMatch(/\.$/)
    expect(says, recording).not.toMatch(/undefined|null|HTTP|JSON|\b[45]\d\d\b|_/)
    expect(who, recording).toMatch(/^(bookkeeper|owner|convener|operator|nobody)$/)
    expect(button === 'none', recording).toBe(who === 'nobody' || cause === 'client_refused')
    if (cause !== 'refused') expect(knownCause(cause), `${vendor}/${recording}`).not.toBeNull()
  }
})

test('no two causes are told in the same words, and none is there that tells nothing', () => {
  const told = Object.values(catalogue).map((entry) => entry.says({}))
  expect(new Set(told).size).toBe(told.length)
})

test('behind every button stands a deed that the API has', () => {
  const paths = new Set(routes.filter((one) => one.method !== 'get').map((one) => one.path))
  for (const [button, { deed, text }] of Object.entries(buttons)) {
    if (deed === null) expect(button).toBe('none')
    else {
      expect(text).not.toBe('')
      expect([...paths], button).toContain(`/networks/{networkId}/members/{memberId}/${deed}`)
    }
  }
})

test('facts are told where they are known, and their absence reads well', () => {
  expect(wordsFor('period_locked', { lockedThrough: '2026-03-31' }).says).toContain('locked to 2026-03-31')
  expect(wordsFor('number_taken', { number: 'TC-104' }).says).toContain('The number TC-104 stands')
  expect(wordsFor('number_taken').says).toContain('The number stands')
  for (const entry of Object.values(catalogue)) expect(entry.says({})).not.toMatch(/undefined|null| {2}/)
})

test('a cause nobody foresaw is told honestly, with the way to the book’s own words', () => {
  for (const cause of ['moon_in_the_seventh_house', 'constructor', '__proto__', '']) {
    expect(knownCause(cause)).toBeNull()
    expect(wordsFor(cause)).toMatchObject({
      says: expect.stringContaining('no words for yet'),
      fix: expect.stringContaining('the book’s own words'),
      who: 'bookkeeper',
      button: 'retry',
    })
  }
})

test('docs/errors-of-the-books.md is as the catalogue is; made anew by: vitest run test/outbox/words.test.ts -u', async () => {
  await expect(errorsPage()).toMatchFileSnapshot('../../docs/errors-of-the-books.md')
})

test('each recording says what its connector made of it, and the catalogue says the same', () => {
  for (const { vendor, recording, cause } of rows) {
    const text = JSON.parse(readFileSync(new URL(`${recording}.json`, folder(vendor)), 'utf8'))
    expect(text.error?.facts.cause ?? text.expect.cause, recording).toBe(cause)
  }
})
