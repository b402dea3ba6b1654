import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BookContact } from '../../connectors/port.ts'
import {
  contactKept,
  keepContact,
  keepSupplierAccount,
  keptSupplierAccount,
  matchContact,
  namesToTry,
} from '../../src/books/contact.ts'
import type { Network } from '../../src/networks/network.ts'
import { type BooksSetUp, bea, type MemberWithBook, setUpBooks } from './set-up.ts'

let world: BooksSetUp
let network: Network
beforeAll(async () => {
  world = await setUpBooks()
  network = await world.network()
})
afterAll(() => world.end())

const marks = { name: 'Mill Ltd', companyNumber: '01234567', vatNumber: 'GB123456789', email: 'a@mill.example' }
const contact = (id: string, change: Partial<BookContact> = {}): BookContact => ({
  id,
  version: '0',
  name: `Contact ${id}`,
  email: null,
  companyNumber: null,
  vatNumber: null,
  roles: [],
  active: true,
  mergedInto: null,
  ...change,
})
const match = (contacts: BookContact[], apart = false) => matchContact(contacts, marks, 'customer', apart)

test('company number comes before VAT number and name, that before e-mail and name', () => {
  const byNumber = contact('1', { companyNumber: '1234567' })
  const byVat = contact('2', { name: 'MILL LIMITED', vatNumber: '123 4567 89' })
  const byEmail = contact('3', { name: 'Mill Ltd.', email: 'A@mill.example ' })
  expect(match([byEmail, byVat, byNumber])).toMatchObject({ is: 'sure', by: 'company_number', contact: { id: '1' } })
  expect(match([byEmail, byVat])).toMatchObject({ is: 'sure', by: 'vat_number_and_name', contact: { id: '2' } })
  expect(match([byEmail])).toMatchObject({ is: 'sure', by: 'email_and_name', contact: { id: '3' } })
})

test('a shared VAT number or mail box without the name, and a name alone, match nobody', () => {
  const group = contact('1', { vatNumber: 'GB123456789' })
  const box = contact('2', { email: 'a@mill.example' })
  const namesake = contact('3', { name: 'Mill Ltd' })
  expect(match([group, box, namesake])).toEqual({ is: 'none' })
  const blank = { name: 'Mill Ltd', companyNumber: null, vatNumber: null, email: null }
  expect(matchContact([contact('4', { companyNumber: '' }), namesake], blank, 'customer', false)).toEqual({
    is: 'none',
  })
})

test('several sure matches are asked about; archived and merged ones are not used', () => {
  const one = contact('1', { companyNumber: '01234567' })
  const two = contact('2', { companyNumber: '01234567' })
  expect(match([one, two])).toMatchObject({ is: 'several', contacts: [{ id: '1' }, { id: '2' }] })
  expect(match([one, { ...two, active: false }])).toMatchObject({ is: 'sure', contact: { id: '1' } })
  expect(match([one, { ...two, mergedInto: '1' }])).toMatchObject({ is: 'sure', contact: { id: '1' } })
})

test('where a book keeps customers and suppliers apart, only its own list counts', () => {
  const supplier = contact('1', { companyNumber: '01234567', roles: ['supplier'] })
  expect(match([supplier], true)).toEqual({ is: 'none' })
  expect(match([supplier], false)).toMatchObject({ is: 'sure' })
})

test('names tell namesakes apart by side, then by network, and fit the field', () => {
  expect(namesToTry('A: B', 'supplier', 'Calder')).toEqual([
    'A B',
    'A B (supplier)',
    'A B (Calder)',
    'A B (supplier, Calder)',
  ])
  for (const name of namesToTry('x'.repeat(300), 'customer', 'y'.repeat(300)))
    expect(name.length).toBeLessThanOrEqual(200)
})

let firm: MemberWithBook
async function liveFirm(): Promise<string> {
  firm = await world.memberWithBook(network)
  return (await world.live(firm)).id
}
test('what a person chose among several is remembered', async () => {
  const id = await liveFirm()
  const { organisationId } = firm.member
  const ask = { connectionId: id, counterpartId: organisationId, role: 'customer' as const, chosenBy: bea }
  await world.worker((tx) =>
    keepContact(tx, world.clock, { ...ask, contact: { id: 'two', name: 'Two', version: '0' } }),
  )
  const kept = await world.worker((tx) => contactKept(tx, id, organisationId, 'customer'))
  expect(kept).toMatchObject({ bookContactId: 'two', chosenBy: bea })
  expect(await world.worker((tx) => contactKept(tx, id, organisationId, 'supplier'))).toBeNull()
})

test('a supplier keeps its cost account, also when its contact changes; only an active expense account will do', async () => {
  const id = await liveFirm()
  const counterpartId = firm.member.organisationId
  const supplier = { connectionId: id, counterpartId, role: 'supplier' as const, chosenBy: null }
  const keep = (accountId: string | null) =>
    world.worker((tx) =>
      keepSupplierAccount(tx, world.clock, { connectionId: id, counterpartId, accountId, actor: bea }),
    )
  const kept = () => world.worker((tx) => keptSupplierAccount(tx, id, counterpartId))
  await expect(keep('acc-429')).rejects.toMatchObject({ code: 'not_found' })
  await world.worker((tx) =>
    keepContact(tx, world.clock, { ...supplier, contact: { id: 'c1', name: 'C', version: null } }),
  )
  expect(await kept()).toBeNull()
  for (const wrong of ['acc-200', 'acc-800', 'nowhere'])
    await expect(keep(wrong)).rejects.toMatchObject({ code: 'mapping_not_sound' })
  await keep('acc-429')
  await world.worker((tx) =>
    keepContact(tx, world.clock, { ...supplier, contact: { id: 'c2', name: 'C', version: null } }),
  )
  expect(await kept()).toBe('acc-429')
})
