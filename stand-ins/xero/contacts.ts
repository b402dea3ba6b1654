/**
 * Contacts: names are unique among the active, numbers among all; a POST that only gives a name overwrites its namesake.
 */
import { randomUUID } from 'node:crypto'
import { Invalid, instantStamp, money, notFound } from './answers.ts'
import type { Contact, XeroBook } from './book.ts'
import type { Element } from './elements.ts'
import { writeElements } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { idsOf, list } from './list.ts'
import { dueOf } from './owing.ts'

const own = ['ContactID', 'Name', 'ContactNumber', 'ContactStatus', 'UpdatedDateUTC', 'MergedToContactID']
const answersOnly = ['ValidationErrors', 'HasValidationErrors', 'StatusAttributeString', 'Balances', 'HasAttachments']

export const contactEndpoints: Endpoint[] = [
  { method: 'GET', path: '/Contacts', scope: 'accounting.contacts', act: listContacts },
  {
    method: 'PUT',
    path: '/Contacts',
    scope: 'accounting.contacts',
    body: { plural: 'Contacts', schema: 'Contact', required: ['Name'] },
    act: (call) => writeElements(call, 'Contacts', (ask) => render(call.book, createContact(call, ask))),
  },
  {
    method: 'POST',
    path: '/Contacts',
    scope: 'accounting.contacts',
    body: { plural: 'Contacts', schema: 'Contact', oneOf: ['ContactID', 'ContactNumber', 'Name'] },
    act: (call) => writeElements(call, 'Contacts', (ask) => render(call.book, createOrUpdate(call, ask))),
  },
  {
    method: 'GET',
    path: '/Contacts/:id',
    scope: 'accounting.contacts',
    act: ({ book, params }) => ({ Contacts: [render(book, byPath(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/Contacts/:id',
    scope: 'accounting.contacts',
    body: { plural: 'Contacts', schema: 'Contact' },
    act: (call) => {
      const found = byPath(call.book, call.params.id ?? '')
      return writeElements(call, 'Contacts', (ask) => render(call.book, updateContact(call, found, ask)))
    },
  },
]

function listContacts(call: Call) {
  const { book, query } = call
  const ids = idsOf(query.IDs)
  const paged = query.page !== undefined
  const rows = [...book.tables.contacts.values()].filter((contact) => {
    if (ids !== undefined && !ids.has(contact.id)) return false
    if (contact.mergedInto !== undefined) return ids !== undefined || (paged && query.includeArchived === 'true')
    return contact.status === 'ACTIVE' || query.includeArchived === 'true' || ids !== undefined
  })
  const searched = query.searchTerm?.toLowerCase()
  return list(call, {
    plural: 'Contacts',
    schema: 'Contact',
    rows: searched === undefined ? rows : rows.filter((row) => row.name.toLowerCase().includes(searched)),
    updatedAt: (row) => row.updatedAt,
    createdAt: (row) => row.createdAt,
    render: (row) => render(book, row),
  })
}

function byPath(book: XeroBook, id: string): Contact {
  const found =
    book.tables.contacts.get(id.toLowerCase()) ?? [...book.tables.contacts.values()].find((row) => row.number === id)
  if (found === undefined) throw notFound()
  return found
}

export function createContact(call: Call, ask: Element): Contact {
  const name = String(ask.Name ?? '').trim()
  if (name === '')
    throw new Invalid(
      'The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber',
    )
  refuseTaken(call.book, undefined, name, ask.ContactNumber)
  const at = call.now.getTime()
  const contact: Contact = {
    id: randomUUID(),
    name,
    ...(typeof ask.ContactNumber === 'string' ? { number: ask.ContactNumber } : {}),
    status: 'ACTIVE',
    more: moreOf(ask),
    createdAt: at,
    updatedAt: at,
  }
  call.book.tables.contacts.set(contact.id, contact)
  call.bells.push({ category: 'CONTACT', type: 'CREATE', resource: 'Contacts', id: contact.id })
  return contact
}

function createOrUpdate(call: Call, ask: Element): Contact {
  const found = matching(call.book, ask)
  if (found !== undefined) return updateContact(call, found, ask)
  if (ask.ContactID !== undefined) throw new Invalid('The contact could not be found')
  return createContact(call, ask)
}

/** By id, else by number, else by the name alone: the last is how a namesake is overwritten. */
function matching(book: XeroBook, ask: Element): Contact | undefined {
  const contacts = [...book.tables.contacts.values()]
  if (typeof ask.ContactID === 'string') return book.tables.contacts.get(ask.ContactID.toLowerCase())
  if (typeof ask.ContactNumber === 'string') {
    const byNumber = contacts.find((row) => row.number === ask.ContactNumber)
    if (byNumber !== undefined) return byNumber
  }
  const name = String(ask.Name ?? '')
    .trim()
    .toLowerCase()
  if (name === '') return undefined
  return contacts.find((row) => row.status === 'ACTIVE' && row.name.toLowerCase() === name)
}

export function updateContact(call: Call, before: Contact, ask: Element): Contact {
  const status = ask.ContactStatus ?? before.status
  if (before.status === 'ARCHIVED' && status !== 'ARCHIVED')
    throw new Invalid('An archived contact cannot be restored through the API')
  if (status !== 'ACTIVE' && status !== 'ARCHIVED') throw new Invalid('ContactStatus is not valid')
  const name = ask.Name === undefined ? before.name : String(ask.Name).trim()
  if (status === 'ACTIVE') refuseTaken(call.book, before.id, name, ask.ContactNumber)
  const contact: Contact = {
    ...before,
    name,
    ...(typeof ask.ContactNumber === 'string' ? { number: ask.ContactNumber } : {}),
    status,
    more: { ...before.more, ...moreOf(ask) },
    updatedAt: call.now.getTime(),
  }
  call.book.tables.contacts.set(contact.id, contact)
  call.bells.push({ category: 'CONTACT', type: 'UPDATE', resource: 'Contacts', id: contact.id })
  return contact
}

function refuseTaken(book: XeroBook, ownId: string | undefined, name: string, number: unknown): void {
  const others = [...book.tables.contacts.values()].filter((row) => row.id !== ownId)
  const messages: string[] = []
  if (others.some((row) => row.status === 'ACTIVE' && row.name.toLowerCase() === name.toLowerCase()))
    messages.push(
      `The contact name ${name} is already assigned to another contact. The contact name must be unique across all active contacts.`,
    )
  if (number !== undefined && others.some((row) => row.number === number))
    messages.push(
      `The contact number ${number} is already assigned to another contact. The contact number must be unique across all contacts.`,
    )
  if (messages.length > 0) throw new Invalid(...messages)
}

function moreOf(ask: Element): Element {
  return Object.fromEntries(Object.entries(ask).filter(([name]) => !own.includes(name) && !answersOnly.includes(name)))
}

/** The contact a new document names: found by id, number or name, else made; an archived one is refused. */
export function contactFor(call: Call, ask: unknown): Contact {
  const wanted = (ask ?? {}) as Element
  if (wanted.ContactID === undefined && wanted.Name === undefined && wanted.ContactNumber === undefined)
    throw new Invalid(
      'The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber',
    )
  const found = matching(call.book, wanted)
  if (found === undefined) {
    if (wanted.ContactID !== undefined) throw new Invalid('The contact could not be found')
    return createContact(call, wanted)
  }
  if (found.status === 'ARCHIVED')
    throw new Invalid(
      'The contact with the specified contact details has been archived. The contact must be un-archived before creating new invoices or credit notes',
    )
  // Other fields sent along change the contact itself, and its persons are dropped when none are sent.
  if (Object.keys(wanted).some((name) => name !== 'ContactID')) {
    const { ContactPersons: _dropped, ...more } = { ...found.more, ...moreOf(wanted) } as Element
    const persons = wanted.ContactPersons === undefined ? {} : { ContactPersons: wanted.ContactPersons }
    const name = typeof wanted.Name === 'string' ? wanted.Name.trim() : found.name
    const changed = { ...found, name, more: { ...more, ...persons }, updatedAt: call.now.getTime() }
    call.book.tables.contacts.set(found.id, changed)
    return changed
  }
  return found
}

export function contactStub(book: XeroBook, id: string | null): Element | undefined {
  if (id === null) return undefined
  const contact = book.tables.contacts.get(id)
  if (contact === undefined) return undefined
  return {
    ContactID: contact.id,
    ...(contact.number === undefined ? {} : { ContactNumber: contact.number }),
    Name: contact.name,
    Addresses: [],
    Phones: [],
    ContactGroups: [],
    ContactPersons: [],
    HasValidationErrors: false,
  }
}

export function render(book: XeroBook, contact: Contact): Element {
  const papers = [...book.tables.invoices.values()].filter((paper) => paper.contactId === contact.id)
  const open = (type: string) =>
    papers.filter((paper) => paper.type === type).reduce((sum, paper) => sum + dueOf(book, paper), 0n)
  return {
    Addresses: [{ AddressType: 'STREET' }, { AddressType: 'POBOX' }],
    Phones: [],
    ContactGroups: [],
    ContactPersons: [],
    ...contact.more,
    ContactID: contact.id,
    ...(contact.number === undefined ? {} : { ContactNumber: contact.number }),
    ...(contact.mergedInto === undefined ? {} : { MergedToContactID: contact.mergedInto }),
    ContactStatus: contact.status,
    Name: contact.name,
    IsSupplier: papers.some((paper) => paper.type === 'ACCPAY'),
    IsCustomer: papers.some((paper) => paper.type === 'ACCREC'),
    Balances: {
      AccountsReceivable: { Outstanding: money(open('ACCREC')), Overdue: 0 },
      AccountsPayable: { Outstanding: money(open('ACCPAY')), Overdue: 0 },
    },
    UpdatedDateUTC: instantStamp(contact.updatedAt),
    HasAttachments: false,
    HasValidationErrors: false,
  }
}
