/** What does not agree in amount, or was paid, locked or settled otherwise in the book. */
import { type Entries, notInBook, notPaid, told } from './entry.ts'

export const amounts: Entries = {
  total_differs: {
    says: (f) =>
      `The total in the book (${told(f, 'book', '?')}) is not the trade’s (${told(f, 'ours', '?')}), so nothing is paid.`,
    means: notPaid,
    fix: 'Correct the document in the book, then try again; or reverse the trade.',
    button: 'retry',
    who: 'bookkeeper',
  },
  open_amount_differs: {
    says: (f) => `Only ${told(f, 'book', '?')} is open on the document in the book; ${told(f, 'ours', '?')} should be.`,
    means: notPaid,
    fix: 'See what else was set against it in the book, then try again; or reverse the trade.',
    button: 'retry',
    who: 'bookkeeper',
  },
  payment_exceeds_due: {
    says: () => 'The book says that less is open than this payment.',
    means: notPaid,
    fix: 'See what else was paid or credited in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  cannot_be_paid: {
    says: () => 'The document in the book cannot be paid in its present state.',
    means: notPaid,
    fix: 'Approve or restore it in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  settled_elsewhere: {
    says: () => 'The payment is part of a batch or deposit in the book and cannot be changed.',
    means: 'It stands in the book as it was.',
    fix: 'Undo that in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  has_payments: {
    says: () => 'The document in the book has a payment or a credit set against it, so it cannot be changed.',
    means: 'It stands in the book as it was.',
    fix: 'Undo that payment or credit in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  reconciled: {
    says: () => 'It has been reconciled with a bank line in the book, so it cannot be changed.',
    means: 'It stands in the book as it was.',
    fix: 'Undo the reconciliation in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  already_gone: {
    says: () => 'It was deleted or voided in the book already.',
    means: 'There is nothing left in the book to take back.',
    fix: 'Drop it with a reason, or try again if it was restored there.',
    button: 'drop',
    who: 'bookkeeper',
  },
  rule_broken: {
    says: () => 'A rule of the book stands against this document.',
    means: notInBook,
    fix: 'Read the book’s own words, mend the cause there, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
}
