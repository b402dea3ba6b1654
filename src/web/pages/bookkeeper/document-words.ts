/** What each kind of document is called on every page of a book. */
import type { DeliveryKind } from '../../../outbox/delivery.ts'

export const documentWords: Record<DeliveryKind, string> = {
  contact: 'Contact',
  invoice: 'Sales invoice',
  bill: 'Bill',
  credit_note: 'Credit note',
  supplier_credit: 'Supplier’s credit note',
  payment: 'Payment in credits',
  refund: 'Refund in credits',
  allocation: 'Set-off',
  money_spent: 'Money spent',
  money_received: 'Money received',
  journal: 'Journal',
}
