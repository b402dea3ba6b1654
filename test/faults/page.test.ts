/** docs/faults.md: every fault and group with the tests that prove it. */
import { expect, test } from 'vitest'
import { faultsPage, howMany, missing, unknown } from './faults-page.ts'

test('each of 64 faults, 16 groups of Xero and 28 of QuickBooks has a test that bears its number, and none bears a number beyond', () => {
  expect(missing()).toEqual([])
  expect(howMany).toEqual({ fault: 64, 'xero group': 16, 'quickbooks group': 28 })
  expect(unknown()).toEqual([])
})

test('docs/faults.md is as the tests are; made anew by: vitest run test/faults/page.test.ts -u', async () => {
  await expect(faultsPage()).toMatchFileSnapshot('../../docs/faults.md')
})
