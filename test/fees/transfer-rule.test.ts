import { expect, test } from 'vitest'
import { kindBetween, mustBeKind, mustBeMember, promisesOf } from '../../src/fees/transfer-rule.ts'
import type { Account, AccountKind } from '../../src/ledger/account.ts'
import type { Network } from '../../src/networks/network.ts'

const kinds: AccountKind[] = [
  'member',
  'fees',
  'sponsor',
  'gateway',
  'staff_pool',
  'staff',
  'write_off_reserve',
  'settlement',
]
const account = (kind: AccountKind, id: string = kind) => ({ id, kind }) as Account
const network = {
  id: '00000000-0000-4000-8000-000000000001',
  organisationId: '00000000-0000-4000-8000-000000000002',
  name: 'Valley',
  currency: 'GBP',
} as Network

/** Rows: the account that goes down; columns, in the same order: the one that goes up. c contribution, s settlement, g gateway, · refused. */
const matrix: Record<AccountKind, string> = {
  member: '·cc···c·',
  fees: '·ssg··ss',
  sponsor: '·ssg··ss',
  gateway: '·ggg··gg',
  staff_pool: '········',
  staff: '········',
  write_off_reserve: '·ssg··ss',
  settlement: '·ssg··ss',
}
const letters = { contribution: 'c', settlement: 's', gateway: 'g' }

test('which accounts a transfer may join, and what it is then', () => {
  for (const from of kinds) {
    const row = kinds.map((to) => {
      try {
        return letters[kindBetween(account(from, 'one'), account(to, 'two'))]
      } catch (error) {
        expect(error).toMatchObject({ code: 'transfer_leaves_no_document', status: 422 })
        return '·'
      }
    })
    expect([from, row.join('')]).toEqual([from, matrix[from]])
  }
})

test('an account is not joined to itself, and the kind must be the one that fits', () => {
  expect(() => kindBetween(account('fees'), account('fees'))).toThrow(
    expect.objectContaining({ code: 'accounts_must_differ' }),
  )
  expect(() => mustBeKind('settlement', account('member'), account('fees'))).toThrow(
    expect.objectContaining({
      code: 'transfer_kind_does_not_fit',
      facts: { kind: 'settlement', wanted: 'contribution' },
    }),
  )
  expect(() => mustBeKind('contribution', account('member'), account('fees'))).not.toThrow()
})

test('only one that is or was admitted and has not left contributes', () => {
  const end = (standing: 'invited' | 'applied' | 'admitted' | 'suspended' | 'leaving' | 'left') => ({
    account: account('member'),
    member: { organisationId: network.organisationId, standing },
  })
  for (const standing of ['admitted', 'suspended', 'leaving'] as const)
    expect(() => mustBeMember(end(standing))).not.toThrow()
  for (const standing of ['invited', 'applied', 'left'] as const)
    expect(() => mustBeMember(end(standing))).toThrow(expect.objectContaining({ code: 'member_not_admitted' }))
  expect(() => mustBeMember({ account: account('fees'), member: null })).not.toThrow()
})

test('a member’s book gets money spent to the network: a fee, or for the reserve a loss; between the network’s own accounts nothing', () => {
  const member = {
    account: account('member'),
    member: { organisationId: '00000000-0000-4000-8000-000000000003', standing: 'admitted' as const },
  }
  const transfer = { id: '00000000-0000-4000-8000-000000000004', amountMinor: 500n, words: 'Levy' }
  const to = (kind: AccountKind) => ({ account: account(kind), member: null })
  for (const [kind, against] of [
    ['fees', 'fee'],
    ['sponsor', 'fee'],
    ['write_off_reserve', 'loss'],
  ] as const) {
    const [contact, money] = promisesOf(network, { debit: member, credit: to(kind) }, transfer)
    expect(contact).toMatchObject({
      kind: 'contact',
      document: { counterpartId: network.organisationId, role: 'supplier' },
    })
    expect(money).toMatchObject({
      kind: 'money_spent',
      dependsOn: [contact?.id],
      document: { account: against, totalMinor: '500', datedOn: null, lines: [{ description: 'Levy', vatMinor: '0' }] },
    })
    expect(money?.reference.length).toBeLessThanOrEqual(21)
  }
  expect(promisesOf(network, { debit: to('fees'), credit: to('sponsor') }, transfer)).toEqual([])
})
