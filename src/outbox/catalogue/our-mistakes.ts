/** What the book did not understand: ours to mend. */
import { type Entries, notInBook } from './entry.ts'

const ours = {
  means: notInBook,
  fix: 'Tell whoever runs this installation; nothing was lost. Once it is mended, try again.',
  button: 'retry',
  who: 'operator',
} as const

export const ourMistakes: Entries = {
  malformed_ask: { says: () => 'The book did not understand what we sent. That is our fault.', ...ours },
  amount_below_zero: { says: () => 'We sent an amount below zero, which the book does not take.', ...ours },
  journal_unbalanced: { says: () => 'We sent a journal whose sides do not agree.', ...ours },
  query_refused: { says: () => 'The book did not understand what we asked it for.', ...ours },
  address_unknown: { says: () => 'We asked at an address that the accounting system does not have.', ...ours },
  too_large: { says: () => 'We sent more at once than the accounting system takes.', ...ours },
}
