/** What parks a delivery is said in plain words, whatever the connector calls it. */
import { expect, test } from 'vitest'
import { wordsFor } from '../../src/outbox/words.ts'

const calledByXero = [
  'account_archived',
  'account_not_bank',
  'account_refused',
  'account_takes_no_payments',
  'amount_above_open',
  'contact_archived',
  'contact_missing',
  'currency_refused',
  'document_not_payable',
  'in_batch',
  'name_taken',
  'number_taken',
  'period_locked',
  'plan_limit',
  'request_refused',
  'scope_missing',
  'tax_code_refused',
  'total_differs',
]
const calledByQuickBooks = [
  'account_refused',
  'contact_missing',
  'email_refused',
  'item_archived',
  'name_taken',
  'not_found',
  'number_taken',
  'our_mistake',
  'payment_deposited',
  'period_locked',
  'permission_missing',
  'plan_limit',
  'reference_inactive',
  'reference_unknown',
  'rule_broken',
  'subscription_lapsed',
  'tax_code_refused',
]

test.each([...new Set([...calledByXero, ...calledByQuickBooks])])('%s has words of its own', (cause) => {
  const { says, fix } = wordsFor(cause)
  expect(says).not.toContain(cause.replaceAll('_', ' '))
  expect(says).not.toMatch(/^The book refused it/)
  expect(fix).not.toBe('')
})

test('a cause nobody foresaw is still told, with the way to the book’s own words', () => {
  expect(wordsFor('moon_in_the_seventh_house').says).toBe('The book refused it (moon in the seventh house).')
})
