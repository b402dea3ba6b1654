/**
 * From a promise in our words, the book's mapping and what the book already gave us: the ask for the connector. Pure.
 *
 * What cannot be said in this book's words is parked with its cause; nothing is guessed.
 */
import type {
  Allocation,
  Bill,
  BookProfile,
  CreditNote,
  DocumentLine,
  Invoice,
  Money,
  Payment,
  Receipt,
  Sought,
} from '../../connectors/port.ts'
import type { Mapping } from '../books/mapping.ts'
import { idText, type Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { formatAmount } from '../kit/money.ts'
import type { Delivery, PromisedDocument, PromisedLine, PromisedMoney, PromisedPaper } from './delivery.ts'

export type KnownContact = { id: string; accountId: string | null }
export type Around = {
  profile: BookProfile
  mapping: Mapping
  refundsInTwoSteps: boolean
  contactOf: (counterpartId: Uuid, role: 'customer' | 'supplier') => KnownContact | null
  /** The delivery another one depends on, with its receipt. */
  deliveryOf: (id: Uuid) => Delivery | null
  publicUrl: string
}

export type Wanted =
  | { verb: 'documents'; thing: Invoice | Bill | CreditNote | Money }
  | { verb: 'payments'; thing: Payment | Allocation }
  /** A document that stands in the book already is used instead of making one. */
  | { verb: 'link'; sought: Sought; paper: PromisedPaper; contactId: string }
  /** How much to set off depends on what is open there now. */
  | { verb: 'measure'; of: Receipt; thing: Allocation; mostMinor: bigint }
  | { verb: 'nothing'; because: string }
  | { verb: 'park'; cause: string; facts: Record<string, string> }

class Park extends Error {
  readonly why: string
  readonly facts: Record<string, string>
  constructor(cause: string, facts: Record<string, string> = {}) {
    super(cause)
    this.why = cause
    this.facts = facts
  }
}

export function wantedFor(delivery: Delivery, around: Around): Wanted {
  try {
    return wanted(delivery, around)
  } catch (error) {
    if (error instanceof Park) return { verb: 'park', cause: error.why, facts: error.facts }
    throw error
  }
}

function wanted(delivery: Delivery, around: Around): Wanted {
  const promise = delivery.document
  switch (promise.what) {
    case 'contact':
      throw new Park('contact_apart')
    case 'invoice':
    case 'bill':
    case 'credit_note':
    case 'supplier_credit': {
      const contact = contactFor(promise, around)
      if (promise.linkedId) {
        return {
          verb: 'link',
          paper: promise,
          contactId: contact.id,
          sought: { by: 'receipt', kind: promise.what, id: promise.linkedId },
        }
      }
      return { verb: 'documents', thing: paperFor(delivery, promise, contact, around) }
    }
    case 'money_spent':
    case 'money_received':
      return { verb: 'documents', thing: moneyFor(delivery, promise, around) }
    case 'payment': {
      const of = settled(promise.of, around)
      const amountMinor = BigInt(promise.amountMinor)
      checkBeforePaying(of, amountMinor, delivery.generation > 1)
      return { verb: 'payments', thing: paymentFor(delivery, promise, of.receipt, around) }
    }
    case 'refund': {
      const credit = settled(promise.of, around)
      checkTotal(credit)
      if (!around.refundsInTwoSteps)
        return { verb: 'payments', thing: paymentFor(delivery, promise, credit.receipt, around) }
      return { verb: 'documents', thing: refundMoneyFor(delivery, promise, around) }
    }
    case 'allocation': {
      const credit = settled(promise.credit, around)
      const against = settled(promise.against, around)
      if (against.delivery.document.what === 'refund' && !around.refundsInTwoSteps)
        return { verb: 'nothing', because: 'the refund stands on the credit already' }
      const thing: Allocation = {
        kind: 'allocation',
        reference: delivery.reference,
        credit: credit.receipt,
        against: against.receipt,
        contactId: contactNamed(promise.counterpartId, promise.role, around).id,
        accountId: around.mapping.creditAccountId,
        amountMinor: promise.amountMinor === 'open' ? 0n : BigInt(promise.amountMinor),
        datedOn: dated(promise.datedOn),
        currency: promise.currency,
        note: promise.note,
      }
      if (promise.amountMinor !== 'open') return { verb: 'payments', thing }
      const paper = credit.delivery.document
      invariant('creditMinor' in paper, `${delivery.reference}: an allocation needs a credit note`)
      return {
        verb: 'measure',
        of: against.receipt,
        thing,
        mostMinor: BigInt(paper.totalMinor) - BigInt(paper.creditMinor),
      }
    }
  }
}

/**
 * Total and open amount in the book's answer must be the trade's, else no payment is made. After a person has looked at it,
 * a part of the money may have been paid already: then it is enough that the part in credits is open.
 */
function checkBeforePaying(of: { delivery: Delivery; receipt: Receipt }, amountMinor: bigint, isAgain: boolean): void {
  const paper = of.delivery.document
  if (!('linkedId' in paper)) return
  const { openMinor, status } = of.receipt
  if (status === 'voided' || status === 'deleted' || status === 'draft') throw new Park('cannot_be_paid', { status })
  checkTotal(of)
  const wantedOpen = paper.linkedId || isAgain ? amountMinor : BigInt(paper.totalMinor)
  if (openMinor !== null && openMinor < wantedOpen)
    throw new Park('open_amount_differs', { book: formatAmount(openMinor, 2), ours: formatAmount(wantedOpen, 2) })
}

function checkTotal({ delivery, receipt: { totalMinor } }: { delivery: Delivery; receipt: Receipt }): void {
  const paper = delivery.document
  if (!('linkedId' in paper) || totalMinor === null || totalMinor === BigInt(paper.totalMinor)) return
  throw new Park('total_differs', {
    book: formatAmount(totalMinor, 2),
    ours: formatAmount(BigInt(paper.totalMinor), 2),
  })
}

function paperFor(
  delivery: Delivery,
  promise: PromisedPaper,
  contact: KnownContact,
  around: Around,
): Invoice | Bill | CreditNote {
  const isSale = promise.what === 'invoice' || promise.what === 'credit_note'
  const account = isSale
    ? around.mapping.salesAccountId
    : promise.account === 'fee'
      ? feeAccount(around)
      : (contact.accountId ?? around.mapping.costAccountId)
  const paper = {
    reference: delivery.reference,
    number: promise.number ?? delivery.reference,
    contactId: contact.id,
    datedOn: dated(promise.datedOn),
    currency: promise.currency,
    lines: promise.lines.map((line) =>
      lineFor(line, isSale ? 'sales' : 'purchases', account, isSale ? saleThingFor(around) : null, around),
    ),
    totalMinor: BigInt(promise.totalMinor),
    note: promise.note,
    link: linkOf(delivery, around),
  }
  if (promise.what === 'invoice' || promise.what === 'bill')
    return { kind: promise.what, ...paper, dueOn: promise.dueOn ?? paper.datedOn }
  return { kind: promise.what, ...paper }
}

function moneyFor(delivery: Delivery, promise: PromisedMoney, around: Around): Money {
  const account =
    promise.account === 'fee'
      ? feeAccount(around)
      : accountNamed(promise.account === 'loss' ? 'lossAccountId' : 'otherIncomeAccountId', around)
  const taxCode = promise.account === 'fee' ? (around.mapping.feeTaxCodeId ?? null) : null
  return {
    kind: promise.what,
    reference: delivery.reference,
    contactId: contactNamed(promise.counterpartId, 'supplier', around).id,
    accountId: around.mapping.creditAccountId,
    datedOn: dated(promise.datedOn),
    currency: promise.currency,
    lines: promise.lines.map((line) =>
      BigInt(line.vatMinor) === 0n
        ? {
            description: line.description,
            netMinor: BigInt(line.netMinor),
            vatMinor: 0n,
            taxCodeId: noVatCode(around),
            accountId: account,
            itemId: null,
          }
        : { ...lineFor(line, 'purchases', account, null, around), ...(taxCode ? { taxCodeId: taxCode } : {}) },
    ),
    clearing: null,
    totalMinor: BigInt(promise.totalMinor),
    note: promise.note,
    link: linkOf(delivery, around),
    reconciled: around.mapping.bankScreen === 'reconciled',
  }
}

function refundMoneyFor(
  delivery: Delivery,
  promise: Extract<PromisedDocument, { what: 'refund' }>,
  around: Around,
): Money {
  const isSeller = promise.role === 'customer'
  const amountMinor = BigInt(promise.amountMinor)
  return {
    kind: isSeller ? 'money_spent' : 'money_received',
    reference: delivery.reference,
    contactId: contactNamed(promise.counterpartId, promise.role, around).id,
    accountId: around.mapping.creditAccountId,
    datedOn: dated(promise.datedOn),
    currency: promise.currency,
    lines: [
      { description: promise.note, netMinor: amountMinor, vatMinor: 0n, taxCodeId: null, accountId: '', itemId: null },
    ],
    clearing: isSeller ? 'receivable' : 'payable',
    totalMinor: amountMinor,
    note: promise.note,
    link: linkOf(delivery, around),
    reconciled: around.mapping.bankScreen === 'reconciled',
  }
}

function paymentFor(
  delivery: Delivery,
  promise: Extract<PromisedDocument, { what: 'payment' | 'refund' }>,
  of: Receipt,
  around: Around,
): Payment {
  return {
    kind: 'payment',
    reference: delivery.reference,
    of,
    contactId: contactNamed(promise.counterpartId, promise.role, around).id,
    accountId: around.mapping.creditAccountId,
    amountMinor: BigInt(promise.amountMinor),
    datedOn: dated(promise.datedOn),
    currency: promise.currency,
    reconciled: around.mapping.bankScreen === 'reconciled',
    note: promise.note,
  }
}

function lineFor(
  line: PromisedLine,
  side: 'sales' | 'purchases',
  accountId: string,
  itemId: string | null,
  around: Around,
): DocumentLine {
  let taxCodeId: string | null = null
  if (around.profile.vat.registered) {
    taxCodeId = around.mapping.vatCodes[side][line.treatment] ?? null
    if (!taxCodeId)
      throw new Park('mapping_missing', {
        what: `VAT code for ${line.treatment} ${side}`,
        field: `vatCodes.${side}.${line.treatment}`,
      })
  } else if (BigInt(line.vatMinor) !== 0n || line.treatment === 'reverse_charge') {
    // A book that is not registered takes the gross amount; a promise with VAT means that its VAT status has changed.
    throw new Park('vat_status_differs', {})
  }
  return {
    description: line.description,
    netMinor: BigInt(line.netMinor),
    vatMinor: BigInt(line.vatMinor),
    taxCodeId,
    accountId,
    itemId,
  }
}

function noVatCode(around: Around): string | null {
  if (!around.profile.vat.registered) return null
  const code = around.mapping.vatCodes.purchases.outside ?? null
  if (!code)
    throw new Park('mapping_missing', { what: 'VAT code for outside purchases', field: 'vatCodes.purchases.outside' })
  return code
}

function contactFor(promise: PromisedPaper, around: Around): KnownContact {
  return contactNamed(
    promise.counterpartId,
    promise.what === 'invoice' || promise.what === 'credit_note' ? 'customer' : 'supplier',
    around,
  )
}

function contactNamed(counterpartId: Uuid, role: 'customer' | 'supplier', around: Around): KnownContact {
  const contact = around.contactOf(counterpartId, role)
  if (!contact) throw new Park('contact_missing', { role })
  return contact
}

function saleThingFor(around: Around): string | null {
  if (!around.profile.needsItem) return null
  if (!around.mapping.salesItemId) throw new Park('mapping_missing', { what: 'item for sales', field: 'salesItemId' })
  return around.mapping.salesItemId
}

function feeAccount(around: Around): string {
  return accountNamed('feeAccountId', around)
}

function accountNamed(field: 'feeAccountId' | 'lossAccountId' | 'otherIncomeAccountId', around: Around): string {
  const id = around.mapping[field]
  if (!id)
    throw new Park('mapping_missing', {
      what: {
        feeAccountId: 'account for fees',
        lossAccountId: 'account for losses',
        otherIncomeAccountId: 'account for other income',
      }[field],
      field,
    })
  return id
}

function settled(id: Uuid, around: Around): { delivery: Delivery; receipt: Receipt } {
  const delivery = around.deliveryOf(id)
  if (!delivery?.receipt) throw new Park('what_it_depends_on_is_not_there', {})
  return { delivery, receipt: delivery.receipt }
}

function dated(day: string | null): string {
  invariant(day, 'a promised document has no day')
  return day
}

function linkOf(delivery: Delivery, around: Around): string {
  return delivery.tradeId ? `${around.publicUrl}/trades/${idText('trade', delivery.tradeId)}` : around.publicUrl
}
