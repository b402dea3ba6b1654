/** Doubles, strangers, and what a person removed or changed. */
import { type Entries, mayBeThere, told } from './entry.ts'

export const doubles: Entries = {
  number_taken: {
    says: (f) =>
      `The number ${told(f, 'number', '')} stands on another document in the book that is not ours.`.replace('  ', ' '),
    means: 'Ours is not in the book; the other one is left as it is.',
    fix: 'Renumber that document, or let ours take another number.',
    button: 'use_next_number',
    who: 'bookkeeper',
  },
  reference_taken: {
    says: () => 'Our reference stands on a document in the book that is not ours.',
    means: 'Ours is not in the book; the other one is left as it is.',
    fix: 'Take the reference off that document, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  same_reference_other_content: {
    says: (f) => `A document with our reference is in the book, but its ${told(f, 'differs', 'content')} differs.`,
    means: 'It is neither taken for ours nor made a second time.',
    fix: 'Correct it in the book and try again, or drop this delivery with a reason.',
    button: 'retry',
    who: 'bookkeeper',
  },
  removed_by_person: {
    says: () => 'It was put into the book and removed there by a person.',
    means: 'It is not in the book, and it is not made again by itself.',
    fix: 'If it should be there after all, ask for it anew; else drop it with a reason.',
    button: 'ask_anew',
    who: 'bookkeeper',
  },
  linked_document_does_not_fit: {
    says: (f) => `The document to be linked does not fit any more: ${told(f, 'why', 'it was changed')}.`,
    means: 'It is left as it is, and not paid from here.',
    fix: 'Correct it in the book, then try again; or reverse the trade.',
    button: 'retry',
    who: 'bookkeeper',
  },
  bill_already_there: {
    says: (f) =>
      `A bill that looks like this one stands in the book already (${told(f, 'number', '') || 'without a number'}, ${told(f, 'total', '?')} of ${told(f, 'datedOn', '?')}).`,
    means: 'No second bill is made before a person has looked.',
    fix: 'Link that bill, which is then paid as it is; or try again, which says that this is another one.',
    button: 'link_bill',
    who: 'bookkeeper',
  },
  keeps_changing: {
    says: () => 'Someone changes this document in the book again and again.',
    means: mayBeThere,
    fix: 'Wait until they are done, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
}
