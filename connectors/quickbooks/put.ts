/**
 * Puts our things into a book: what must be known is read first, then all of them are written.
 *
 * Keeps: a number that is taken by our own document is no conflict: the document is there, and its receipt is given.
 */
import {
  type Allocation,
  type Ask,
  type Bill,
  BookError,
  type Contact,
  type CreditNote,
  type Grant,
  type Invoice,
  type Journal,
  type Money,
  type Payment,
  type Sought,
  type Verdict,
} from '../port.ts'
import { allocationBody, contactBody, journalBody, moneyBody, paperBody, paymentBody } from './bodies.ts'
import type { Currencies } from './currencies.ts'
import { lockDayOf } from './describe.ts'
import { type ContactEntity, entities, entityBehind } from './entities.ts'
import { quickbooksError } from './errors.ts'
import { find } from './find.ts'
import { listAt, textAt } from './json.ts'
import { allWith } from './query.ts'
import { contactReceipt, documentReceipt } from './translate.ts'
import type { Wire } from './wire.ts'
import { type Prepared, writeAll } from './write.ts'

type Document = Invoice | Bill | CreditNote | Money | Journal

export async function putContacts(wire: Wire, grant: Grant, asks: Ask<Contact>[]): Promise<Verdict[]> {
  const prepared = asks.map(({ key, thing }): Prepared => {
    const { entity, body } = contactBody(thing)
    return { key, entity, operation: 'create', body, receipt: (object, told) => contactReceipt(entity, object, told) }
  })
  return writeAll(wire, grant, prepared)
}

export async function putDocuments(
  wire: Wire,
  currencies: Currencies,
  grant: Grant,
  asks: Ask<Document>[],
): Promise<Verdict[]> {
  const payers = await payersOf(wire, grant, asks)
  const prepared: Prepared[] = []
  for (const { key, thing } of asks) prepared.push(await prepareDocument(currencies, grant, key, thing, payers))
  const verdicts = await writeAll(wire, grant, prepared)
  const judged: Verdict[] = []
  for (const [index, verdict] of verdicts.entries()) {
    const thing = asks[index]?.thing
    const isTaken = !verdict.ok && verdict.error.facts.cause === 'number_taken'
    judged.push(isTaken && thing ? await adopted(wire, currencies, grant, thing, verdict.error) : verdict)
  }
  return withLockDay(wire, grant, judged)
}

export async function putPayments(wire: Wire, grant: Grant, asks: Ask<Payment | Allocation>[]): Promise<Verdict[]> {
  const lineIds = await depositLines(wire, grant, asks)
  const prepared = asks.map(({ key, thing }): Prepared => {
    const refusal = settlementRefusal(thing)
    if (refusal) return quickbooksError('invalid', refusal, `A ${thing.kind} of this kind is not made in QuickBooks.`)
    const { entity, body } =
      thing.kind === 'payment' ? paymentBody(thing) : allocationBody(thing, lineIds.get(thing.against.id) ?? null)
    const receipt = (object: unknown, told: { callId: string | null; warnings: string[] }) =>
      documentReceipt(entities[entity], thing.kind, object, told)
    return { key, entity, operation: 'create', body, receipt }
  })
  return withLockDay(wire, grant, await writeAll(wire, grant, prepared))
}

/** QuickBooks refuses a closed period without saying through which day it is closed, so its preferences are asked. */
async function withLockDay(wire: Wire, grant: Grant, verdicts: Verdict[]): Promise<Verdict[]> {
  const isUntold = (verdict: Verdict) =>
    !verdict.ok && verdict.error.kind === 'period_locked' && verdict.error.facts.lockedThrough === undefined
  if (!verdicts.some(isUntold)) return verdicts
  const lockedThrough = await lockDayOf(wire, grant).catch((error: unknown) => {
    if (error instanceof BookError) return null
    throw error
  })
  if (lockedThrough === null) return verdicts
  return verdicts.map((verdict) =>
    !verdict.ok && isUntold(verdict)
      ? { ok: false, error: new BookError('period_locked', { ...verdict.error.facts, lockedThrough }) }
      : verdict,
  )
}

async function prepareDocument(
  currencies: Currencies,
  grant: Grant,
  key: string,
  thing: Document,
  payers: Map<string, ContactEntity>,
): Promise<Prepared> {
  const isSale = thing.kind === 'invoice' || thing.kind === 'credit_note'
  if (isSale && thing.lines.some((line) => line.itemId === null)) {
    // A line without an item is taken for text there, and its amount is left out without a word.
    return quickbooksError('invalid', 'item_missing', 'A sale in QuickBooks needs a product or service on each line.')
  }
  const { entity, body } =
    thing.kind === 'journal'
      ? journalBody(thing)
      : 'clearing' in thing
        ? moneyBody(thing, {
            clearingAccountId:
              thing.clearing && (await currencies.clearingAccount(grant, thing.clearing, thing.currency)),
            payee: payeeOf(thing, payers),
          })
        : paperBody(thing)
  const receipt = (object: unknown, told: { callId: string | null; warnings: string[] }) =>
    documentReceipt(entities[entity], thing.kind, object, told)
  return { key, entity, operation: 'create', body, receipt }
}

function payeeOf(thing: Money, payers: Map<string, ContactEntity>): ContactEntity {
  if (thing.clearing) return thing.clearing === 'receivable' ? 'Customer' : 'Vendor'
  return thing.kind === 'money_spent' ? 'Vendor' : (payers.get(thing.contactId) ?? 'Vendor')
}

/** Who pays in may be a customer or a supplier (the network itself); a deposit must say which. */
async function payersOf(wire: Wire, grant: Grant, asks: Ask<Document>[]): Promise<Map<string, ContactEntity>> {
  const received = asks.flatMap(({ thing }) =>
    thing.kind === 'money_received' && thing.clearing === null ? [thing] : [],
  )
  const unsure = received.filter((thing) => thing.lines.every((line) => line.itemId === null))
  if (unsure.length === 0) return new Map()
  const customers = await allWith(
    wire,
    grant,
    'Customer',
    'Id',
    unsure.map((thing) => thing.contactId),
  )
  return new Map(customers.map((one) => [textAt(one, 'Id') ?? '', 'Customer']))
}

/** A deposit is set off by its line, so the line's id is read before a credit is set against it. */
async function depositLines(wire: Wire, grant: Grant, asks: Ask<Payment | Allocation>[]): Promise<Map<string, string>> {
  const against = asks.flatMap(({ thing }) =>
    thing.kind === 'allocation' && thing.against.kind === 'money_received' ? [thing.against.id] : [],
  )
  if (against.length === 0) return new Map()
  const deposits = await allWith(wire, grant, 'Deposit', 'Id', against)
  const lines = deposits.map((one): [string, string] => [
    textAt(one, 'Id') ?? '',
    textAt(listAt(one, 'Line')[0], 'Id') ?? '',
  ])
  return new Map(lines.filter(([, lineId]) => lineId !== ''))
}

const settledBySale = ['invoice', 'money_spent', 'journal']
const settledByPurchase = ['bill', 'money_received', 'journal']

/** Our word for why QuickBooks has no such settlement; null when it has. */
function settlementRefusal(thing: Payment | Allocation): string | null {
  if (thing.kind === 'payment') {
    if (thing.of.kind === 'credit_note' || thing.of.kind === 'supplier_credit') return 'refund_takes_two_steps'
    return thing.of.kind === 'invoice' || thing.of.kind === 'bill' ? null : 'document_not_payable'
  }
  const isSecondary = entityBehind(thing.against.kind === 'contact' ? 'journal' : thing.against.kind, thing.against.id)
    ?.entity.prefix
  if (isSecondary) return 'document_not_payable'
  if (thing.credit.kind === 'credit_note')
    return settledBySale.includes(thing.against.kind) ? null : 'document_not_payable'
  if (thing.credit.kind === 'supplier_credit')
    return settledByPurchase.includes(thing.against.kind) ? null : 'document_not_payable'
  return 'document_not_payable'
}

/** Is the document that has our number our own, from a call whose answer was lost? Then it is the one that was meant. */
async function adopted(
  wire: Wire,
  currencies: Currencies,
  grant: Grant,
  thing: Document,
  error: BookError,
): Promise<Verdict> {
  const contactId = 'contactId' in thing ? thing.contactId : null
  const sought: Sought =
    thing.kind === 'invoice' || thing.kind === 'bill'
      ? { by: 'number', kind: thing.kind, number: thing.number, contactId }
      : { by: 'reference', kind: thing.kind, reference: thing.reference, contactId }
  const [found] = await find(wire, currencies, grant, [sought])
  const isLive = found && found.status !== 'voided' && found.status !== 'deleted'
  if (!found || !isLive || found.reference !== thing.reference) return { ok: false, error }
  if ('totalMinor' in thing && found.totalMinor !== thing.totalMinor) {
    return {
      ok: false,
      error: quickbooksError('conflicting', 'reference_taken', error.facts.said, {
        ...error.facts,
        cause: 'reference_taken',
      }),
    }
  }
  const { kind, id, version, number, totalMinor, openMinor, datedOn, status, deepLink } = found
  const receipt = {
    kind,
    id,
    version,
    number,
    totalMinor,
    openMinor,
    datedOn,
    status,
    deepLink,
    warnings: [],
    callId: error.facts.callId,
  }
  return { ok: true, receipt }
}
