/** What needs a choice in Quits before it can go to the book. */
import { type Entries, notInBook, told } from './entry.ts'

export const choices: Entries = {
  mapping_missing: {
    says: (f) => `No ${told(f, 'what', 'account')} has been chosen for this book yet.`,
    means: notInBook,
    fix: 'Choose it on the mapping page; everything that waits for it then goes by itself.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  contact_ambiguous: {
    says: (f) => `Several contacts in the book could be ${told(f, 'name', 'this business')}.`,
    means: 'Nothing is written for this business before one of them is chosen.',
    fix: 'Choose the right one; it is remembered.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  contact_missing: {
    says: () => 'The contact is not known in this book yet.',
    means: notInBook,
    fix: 'Try again; it is looked for anew.',
    button: 'retry',
    who: 'bookkeeper',
  },
  vat_status_differs: {
    says: () => 'The book is not registered for VAT, but the trade was agreed with VAT to reclaim.',
    means: notInBook,
    fix: 'Correct the VAT status of the member or of the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  what_it_depends_on_is_not_there: {
    says: () => 'The document that this belongs to is not in the book.',
    means: notInBook,
    fix: 'See that document first.',
    button: 'retry',
    who: 'bookkeeper',
  },
  period_locked: {
    says: (f) =>
      f.lockedThrough
        ? `Its day is in a closed period (locked to ${told(f, 'lockedThrough', '')}).`
        : 'Its day is in a closed period.',
    means: 'It is not in the book, and it is never given another day without a yes.',
    fix: 'Unlock the period, or let it bear the first open day; the true day then stands in its text.',
    button: 'redate',
    who: 'bookkeeper',
  },
}
