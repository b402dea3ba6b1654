import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BookConnector, BookError, type BookProfile } from '../../connectors/port.ts'
import { creditAccountName } from '../../src/books/credit-account-name.ts'
import {
  addNetwork,
  checkMapping,
  checkMappings,
  checkMappingsOf,
  type Mapping,
  makeCreditAccount,
  mappingShape,
  saveMapping,
} from '../../src/books/mapping.ts'
import { readProfile } from '../../src/books/profile.ts'
import { proposeMapping } from '../../src/books/propose-mapping.ts'
import { createMember } from '../../src/networks/invite.ts'
import type { Network } from '../../src/networks/network.ts'
import { type BooksSetUp, bea, type MemberWithBook, setUpBooks } from './set-up.ts'

let world: BooksSetUp
let network: Network
beforeAll(async () => {
  world = await setUpBooks()
  network = await world.network()
})
afterAll(() => world.end())

const name = 'Mutual credit: Calder Valley (not cash)'
const make = (connectionId: string, deps = world.deps) =>
  makeCreditAccount(deps, { connectionId, networkId: network.id, kind: 'bank', actor: bea })
const named = (firm: MemberWithBook) => firm.book.profile.accounts.filter((one) => one.name === name)
const save = (connectionId: string, mapping: unknown, ifVersion: number, networkId = network.id) =>
  saveMapping(world.deps, { connectionId, networkId, mapping, ifVersion, actor: bea })

async function soundMapping(): Promise<{ profile: BookProfile; mapping: Mapping }> {
  const firm = await world.memberWithBook(network)
  const connection = await world.live(firm)
  const { mapping } = await world.mapping(connection.id, network.id)
  if (!mapping) throw new Error('not confirmed')
  return { profile: (await world.read(connection.id)).profile, mapping }
}

test('every choice but the mutual-credit account comes prefilled from the book’s own lists', async () => {
  const firm = await world.memberWithBook(network)
  const draft = proposeMapping(firm.book.profile, [name])
  expect(draft).toMatchObject({
    creditAccountKind: 'bank',
    bankScreen: 'reconciled',
    salesAccountId: 'acc-200',
    costAccountId: 'acc-310',
    feeAccountId: 'acc-404',
    salesItemId: null,
    vatCodes: {
      sales: { standard: 'sales-standard', zero: 'sales-zero' },
      purchases: { outside: 'purchases-outside' },
    },
  })
  expect(draft.creditAccountId).toBeUndefined()
  const things = [{ id: 'thing-1', name: 'Sales', active: true, incomeAccountId: 'acc-260' }]
  const needy = { ...firm.book.profile, needsItem: true, items: things }
  expect(proposeMapping(needy, [name])).toMatchObject({ salesItemId: 'thing-1', salesAccountId: 'acc-260' })
  const unsure = {
    ...firm.book.profile,
    taxCodes: firm.book.profile.taxCodes.map((code) => ({ ...code, treatment: null })),
  }
  expect(proposeMapping(unsure, [name]).vatCodes?.sales).toMatchObject({ standard: 'sales-standard', zero: null })
})

test('the mutual-credit account is made once, however often it is asked, and is named so that nobody takes it for cash', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.connect(firm)
  const first = await make(id)
  expect(first).toMatchObject({ made: true, account: { name, kind: 'bank' }, mapping: { version: 2 } })
  expect(first.mapping.draft.creditAccountId).toBe(first.account.id)
  expect(await make(id)).toMatchObject({ made: false, account: { id: first.account.id }, mapping: { version: 2 } })
  expect(named(firm)).toHaveLength(1)
  expect((await world.read(id)).profile.accounts.map((one) => one.id)).toContain(first.account.id)
})

test('an answer that never came leaves one account, and so do two asks at the same moment', async () => {
  const lost = await world.memberWithBook(network)
  const { id } = await world.connect(lost)
  lost.book.knobs.loseReply = 1
  expect(await make(id)).toMatchObject({ made: true })
  expect(named(lost)).toHaveLength(1)

  const twice = await world.memberWithBook(network)
  const other = await world.connect(twice)
  const outcomes = await Promise.allSettled([make(other.id), make(other.id)])
  expect(outcomes.some((one) => one.status === 'fulfilled')).toBe(true)
  expect(named(twice)).toHaveLength(1)
})

test('a book that does not answer is told as such, and nothing is chosen', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.connect(firm)
  firm.book.knobs.unavailable = 1
  await expect(make(id)).rejects.toMatchObject({ code: 'book_does_not_answer', facts: { cause: 'vendor_down' } })
  expect((await world.mapping(id, network.id)).version).toBe(1)
})

test('QuickBooks refuses colons and quotes in the name of an account; both names fit the shorter field', () => {
  expect(creditAccountName('The "Green": Pound', 'quickbooks')).toBe('Mutual credit - The Green Pound (not cash)')
  expect(creditAccountName('Calder Valley', 'xero')).toBe(name)
  for (const kind of ['xero', 'quickbooks'] as const) {
    const long = creditAccountName('x'.repeat(100), kind)
    expect(long.length).toBeLessThanOrEqual(100)
    expect(long.endsWith('(not cash)')).toBe(true)
  }
})

test('a confirmed mapping makes the connection live and its lane due', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.connect(firm)
  const { mapping } = await make(id)
  const saved = await save(id, mapping.draft, mapping.version)
  expect(saved).toMatchObject({ version: 3, confirmedBy: bea, problem: null })
  expect(await world.read(id)).toMatchObject({ state: 'live' })
  expect(mappingShape.parse(saved.mapping)).toEqual(saved.mapping)
})

test('two people who change a mapping at once do not overwrite each other', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.live(firm)
  const { mapping, version } = await world.mapping(id, network.id)
  const outcomes = await Promise.allSettled([
    save(id, { ...mapping, bankScreen: 'left_open' }, version),
    save(id, { ...mapping, costAccountId: 'acc-429' }, version),
  ])
  expect(outcomes.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
  await expect(save(id, mapping, version)).rejects.toMatchObject({ code: 'mapping_changed' })
})

test('a mapping of the wrong shape is refused with the field it is about', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.live(firm)
  const { mapping, version } = await world.mapping(id, network.id)
  for (const wrong of [
    null,
    {},
    { ...mapping, surprise: 1 },
    { ...mapping, creditAccountId: 5 },
    { ...mapping, bankScreen: 'both' },
  ])
    await expect(save(id, wrong, version)).rejects.toMatchObject({ code: 'mapping_not_sound' })
  await expect(save(id, { ...mapping, creditAccountId: 5 }, version)).rejects.toMatchObject({
    facts: { why: expect.stringContaining('creditAccountId') },
  })
})

test.each<[string, Partial<Mapping>, string]>([
  ['an account that is not there', { salesAccountId: 'acc-999' }, 'not in the book any more'],
  ['costs on an income account', { costAccountId: 'acc-200' }, 'not an expense account'],
  ['sales on the book’s own debtors', { salesAccountId: 'acc-610' }, 'the book’s own'],
  ['a liability that is said to be a bank', { creditAccountId: 'acc-814' }, 'not a bank account'],
  [
    'a liability that takes no payments',
    { creditAccountId: 'acc-814', creditAccountKind: 'current_liability' },
    'payments are not enabled',
  ],
  ['wages on a bank account', { netWagesAccountId: 'acc-090' }, 'not a current liability'],
  ['an item where there is none', { salesItemId: 'thing-9' }, 'item for sales'],
])('%s is no sound mapping', async (_, change, why) => {
  const { profile, mapping } = await soundMapping()
  expect(checkMapping(profile, mapping)).toEqual([])
  const faults = checkMapping(profile, { ...mapping, ...change })
  expect(faults.map((one) => one.why).join()).toContain(why)
})

test('VAT codes must be of their side, active and at the treatment’s rate; a registered book needs the standard ones', async () => {
  const { profile, mapping } = await soundMapping()
  const withSales = (change: object) =>
    checkMapping(profile, {
      ...mapping,
      vatCodes: { ...mapping.vatCodes, sales: { ...mapping.vatCodes.sales, ...change } },
    })
  expect(withSales({ standard: 'purchases-standard' })[0]?.why).toContain('not for sales')
  expect(withSales({ standard: 'sales-zero' })[0]?.why).toContain('at 0 %, not 20 %')
  expect(withSales({ standard: 'sales-unknown' })[0]?.why).toContain('not in the book')
  expect(withSales({ standard: null })).toEqual([
    { field: 'vatCodes.sales.standard', why: 'there is no VAT code for sales at the standard rate' },
  ])
  expect(withSales({ exempt: null })).toEqual([])
  const taxCodes = profile.taxCodes.map((code) => ({ ...code, active: code.id !== 'sales-zero' }))
  expect(checkMapping({ ...profile, taxCodes }, mapping)[0]?.why).toContain('made inactive')
})

test('the money account of a settlement is never the mutual-credit account itself', async () => {
  const { profile, mapping } = await soundMapping()
  const faults = checkMapping(profile, { ...mapping, settlementBankAccountId: mapping.creditAccountId })
  expect(faults).toMatchObject([{ field: 'settlementBankAccountId' }])
  expect(checkMapping(profile, { ...mapping, settlementBankAccountId: 'acc-090' })).toEqual([])
})

test('a second network of the same organisation has an account of its own in the same book', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.live(firm)
  const other = await world.network()
  const { organisationId } = firm.member
  await world.worker((tx) => createMember(tx, world.clock, { networkId: other.id, organisation: { organisationId } }))
  const added = await world.worker((tx) => addNetwork(tx, { connectionId: id, networkId: other.id }))
  const { mapping } = await world.mapping(id, network.id)
  const shared = save(id, mapping, added.version, other.id)
  await expect(shared).rejects.toMatchObject({ code: 'mapping_not_sound', facts: { field: 'creditAccountId' } })
})

test('the daily check marks a mapping that no longer fits, tells its people once, and clears it when it fits again', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.live(firm)
  const mails = async () => (await world.mails('mapping_problem')).length
  const before = await mails()
  expect(await checkMappings(world.deps)).toBeGreaterThan(0)
  expect(await world.mapping(id, network.id)).toMatchObject({ problem: null })
  const sales = firm.book.profile.accounts.find((one) => one.id === 'acc-200')
  if (!sales) throw new Error('no sales account')
  sales.active = false
  await checkMappings(world.deps)
  await checkMappings(world.deps)
  const problem = [{ field: 'salesAccountId', why: 'the account "Sales" was archived in the book' }]
  expect(await world.mapping(id, network.id)).toMatchObject({ problem })
  expect(await mails()).toBe(before + 1)
  sales.active = true
  await checkMappings(world.deps)
  expect(await world.mapping(id, network.id)).toMatchObject({ problem: null })
})

test('one book that does not answer keeps no other from being checked', async () => {
  const sick = await world.memberWithBook(network)
  await world.live(sick)
  const well = await world.memberWithBook(network)
  const { id } = await world.live(well)
  const describe: BookConnector['describe'] = async (grant) => {
    if (grant.bookId === sick.book.profile.bookId)
      throw new BookError('unavailable', {
        cause: 'vendor_down',
        said: '',
        status: 503,
        vendorCode: null,
        callId: null,
      })
    return world.fake.describe(grant)
  }
  await world.worker((tx) => tx.mapping.updateMany({ where: { connectionId: id }, data: { checkedAt: new Date(0) } }))
  await checkMappings({ ...world.deps, connectors: { fake: { ...world.fake, describe } } })
  expect((await world.mapping(id, network.id)).checkedAt).toEqual(world.clock.now())
})

const notices = async (connectionId: string) =>
  ((await world.mapping(connectionId, network.id)).problem ?? []).filter((one) => one.isNotice).map(({ why }) => why)
const rename = (firm: MemberWithBook, id: string, to: string) => {
  const account = firm.book.profile.accounts.find((one) => one.id === id)
  if (!account) throw new Error('no such account')
  account.name = to
}

test('what was renamed twice shows the name that a person saw, and nothing once it is called that again', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.live(firm)
  const was = firm.book.profile.accounts.find((one) => one.id === 'acc-310')?.name ?? ''
  rename(firm, 'acc-310', 'Costs of goods')
  await checkMappingsOf(world.deps, id)
  expect(await notices(id)).toEqual([`“${was}” is called “Costs of goods” in the book now; it is used as before`])
  rename(firm, 'acc-310', 'Costs of sales')
  await checkMappingsOf(world.deps, id)
  expect(await notices(id)).toEqual([`“${was}” is called “Costs of sales” in the book now; it is used as before`])
  rename(firm, 'acc-310', was)
  await checkMappingsOf(world.deps, id)
  expect(await notices(id)).toEqual([])
})

test('a rename that a new sign-in or a reading cut short has read already is shown all the same', async () => {
  const firm = await world.memberWithBook(network)
  const { id } = await world.live(firm)
  rename(firm, 'acc-310', 'Costs of another name')
  await world.connect(firm)
  await readProfile(world.deps, id)
  await checkMappingsOf(world.deps, id)
  expect(await notices(id)).toEqual([expect.stringContaining('is called “Costs of another name”')])
})

test('an account, an item and a VAT code with the same id are not taken for each other', async () => {
  const firm = await world.memberWithBook(network)
  const standingName = firm.book.profile.accounts.find((one) => one.id === 'acc-310')?.name
  firm.book.profile.items = [{ id: 'acc-310', name: 'An item', active: true, incomeAccountId: 'acc-200' }]
  const { id } = await world.live(firm)
  firm.book.profile.items = [
    { id: 'acc-310', name: 'An item of another name', active: true, incomeAccountId: 'acc-200' },
  ]
  await checkMappingsOf(world.deps, id)
  expect(await notices(id)).toEqual([])
  rename(firm, 'acc-310', 'Costs of another name')
  await checkMappingsOf(world.deps, id)
  expect(await notices(id)).toEqual([
    `“${standingName}” is called “Costs of another name” in the book now; it is used as before`,
  ])
})
