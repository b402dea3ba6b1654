/**
 * Money on a current-liability account, which Xero does not let us spend or receive directly: a bill paid from the
 * account; for money that comes in, a supplier's credit note paid back into it.
 *
 * Keeps: the receipt is the payment's, since that is what moves the account. Bills have no natural uniqueness, so an
 * earlier try is looked for each time, whole or half done.
 */
import type { Bill, BookAccount, BookDocument, BookError, CreditNote, Grant, Money, Payment, Receipt } from '../port.ts'
import { refuse } from './errors.ts'
import { documentReaders, searched } from './lists.ts'
import type { Frame } from './sheet.ts'
import { receiptFrom } from './translate-back.ts'
import type { XeroWire } from './wire.ts'

export const goesThroughPaper = (account: BookAccount | undefined): boolean => account?.kind === 'current_liability'

/** The bill or credit note that says what the money was for; its number is our reference. */
export function paperOf(money: Money): Bill | CreditNote {
  const { reference, contactId, datedOn, currency, lines, totalMinor, note, link } = money
  const paper = { reference, number: reference, contactId, datedOn, currency, lines, totalMinor, note, link }
  return money.kind === 'money_spent'
    ? { ...paper, kind: 'bill', dueOn: datedOn }
    : { ...paper, kind: 'supplier_credit' }
}

/** What pays it. A total that Xero worked out differently would leave a rest open, so it is not paid then. */
export function paymentFor(money: Money, paper: Receipt): Payment | BookError {
  if (paper.totalMinor !== money.totalMinor)
    return refuse('invalid', 'total_differs', `Xero makes it ${paper.totalMinor}, we ${money.totalMinor}.`)
  const { reference, contactId, accountId, datedOn, currency, note } = money
  const paid = { reference, contactId, accountId, datedOn, currency, note, amountMinor: money.totalMinor }
  return { kind: 'payment', of: paper, reconciled: false, ...paid }
}

/** What an earlier try has left: nothing, the paper, or the paper and its payment. */
export async function standingOf(
  wire: XeroWire,
  grant: Grant,
  frame: Frame,
  money: Money,
): Promise<{ paper: Receipt | null; payment: Receipt | null }> {
  const kind = paperOf(money).kind
  const [list, number] =
    kind === 'bill' ? (['Invoices', 'InvoiceNumber'] as const) : (['CreditNotes', 'CreditNoteNumber'] as const)
  const paper = await first(
    list,
    `${number}=="${money.reference}"`,
    (document) =>
      document.kind === kind && document.number === money.reference && document.contactId === money.contactId,
  )
  if (paper === null) return { paper: null, payment: null }
  const payment = await first(
    'Payments',
    `Reference=="${money.reference}"`,
    (document) => document.reference === money.reference && document.of.some(({ id }) => id === paper.id),
  )
  return { paper: asReceipt(paper), payment: payment && asReceipt(payment) }

  async function first(
    name: 'Invoices' | 'CreditNotes' | 'Payments',
    where: string,
    isMeant: (document: BookDocument) => boolean,
  ): Promise<BookDocument | null> {
    for await (const elements of searched(wire, grant, name, { where })) {
      for (const json of elements) {
        const document = documentReaders[name](json, frame)
        if (document && document.status !== 'voided' && document.status !== 'deleted' && isMeant(document))
          return document
      }
    }
    return null
  }
}

const asReceipt = (document: BookDocument): Receipt => receiptFrom(document, [], null)
