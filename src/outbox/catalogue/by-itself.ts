/** What passes by itself, and what has not passed for a day. */
import { type Entries, later, mayBeThere } from './entry.ts'

const nothing = { fix: 'Nothing to do.', button: 'none', who: 'nobody' } as const

export const byItself: Entries = {
  throttled: { says: () => 'The book’s call limit is reached; it goes on by itself.', means: later, ...nothing },
  minute_limit: {
    says: () => 'The book’s call limit for this minute is reached; it goes on by itself.',
    means: later,
    ...nothing,
  },
  concurrent_limit: {
    says: () => 'The book answers only so many calls at once; it goes on by itself.',
    means: later,
    ...nothing,
  },
  app_limit: {
    says: () => 'The accounting system’s limit for all books together is reached; it goes on by itself.',
    means: later,
    ...nothing,
  },
  day_limit: {
    says: () => 'The book has reached its call limit for today; it goes on tomorrow, by itself.',
    means: 'Nothing is lost; it arrives when the accounting system lets us in again.',
    ...nothing,
  },
  unavailable: { says: () => 'The accounting system does not answer; we go on trying.', means: later, ...nothing },
  vendor_down: {
    says: () => 'The accounting system is out of order at the moment; we go on trying.',
    means: later,
    ...nothing,
  },
  book_locked: {
    says: () => 'The accounting system has locked this company for the moment; we go on trying.',
    means: later,
    ...nothing,
  },
  book_in_maintenance: {
    says: () => 'The accounting system works on this company at the moment; we go on trying.',
    means: later,
    ...nothing,
  },
  not_reached: { says: () => 'The accounting system could not be reached; we go on trying.', means: later, ...nothing },
  unclear: {
    says: () => 'We do not know yet whether it arrived; checking before sending again.',
    means: mayBeThere,
    ...nothing,
  },
  vendor_failed: {
    says: () => 'The accounting system broke off while it wrote; checking before sending again.',
    means: mayBeThere,
    ...nothing,
  },
  no_reply: {
    says: () => 'No whole answer came; checking before sending again.',
    means: mayBeThere,
    ...nothing,
  },
  answer_unreadable: {
    says: () => 'The accounting system said yes in a way that cannot be read; checking before sending again.',
    means: mayBeThere,
    ...nothing,
  },
  key_known: {
    says: () => 'The accounting system says that it has had this before; checking before sending again.',
    means: mayBeThere,
    ...nothing,
  },
  key_reused: {
    says: () => 'The accounting system remembers another document under this key; it is looked for first.',
    means: mayBeThere,
    fix: 'If it stays so, try again: it then goes under a new key.',
    button: 'retry',
    who: 'bookkeeper',
  },
  version_moved_on: {
    says: () => 'Someone else changed it in the book a moment ago; it is read anew and tried again.',
    means: later,
    ...nothing,
  },
  keeps_failing: {
    says: () => 'The accounting system has not answered for a day.',
    means: 'It is not known to be in the book; nothing is lost.',
    fix: 'Try again, or look at its status page.',
    button: 'retry',
    who: 'bookkeeper',
  },
  outcome_unknown: {
    says: () => 'For a day it could not be found out whether this arrived.',
    means: mayBeThere,
    fix: 'Look for it in the book, then try again: it is looked up first.',
    button: 'retry',
    who: 'bookkeeper',
  },
}
