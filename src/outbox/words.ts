/**
 * What is said of a delivery that could not go: cause → words, what it means for the book, the way out, who, button. One
 * table, in the files of catalogue/, used by page, mail, API and command line alike; docs/errors-of-the-books.md is made
 * from it. The book's own words are shown one click away, never first.
 */
import { access } from './catalogue/access.ts'
import { accounts } from './catalogue/accounts.ts'
import { amounts } from './catalogue/amounts.ts'
import { byItself } from './catalogue/by-itself.ts'
import { choices } from './catalogue/choices.ts'
import { contacts } from './catalogue/contacts.ts'
import { doubles } from './catalogue/doubles.ts'
import type { Button, Entries, Entry, Facts, Who } from './catalogue/entry.ts'
import { ourMistakes } from './catalogue/our-mistakes.ts'

export type { Button, Facts, Who } from './catalogue/entry.ts'
export type Words = { says: string; means: string; fix: string; button: Button; who: Who }

export const catalogue: Entries = {
  ...choices,
  ...contacts,
  ...accounts,
  ...amounts,
  ...doubles,
  ...access,
  ...byItself,
  ...ourMistakes,
}

/** What a connector calls otherwise, said in the same words. */
const saidAs: Record<string, string> = {
  amount_above_open: 'payment_exceeds_due',
  cut_off: 'unavailable',
  document_not_payable: 'cannot_be_paid',
  in_batch: 'settled_elsewhere',
  item_archived: 'item_refused',
  list_keeps_moving: 'unavailable',
  no_verdict: 'answer_unreadable',
  no_word_of_it: 'answer_unreadable',
  not_found: 'reference_gone',
  our_fault: 'malformed_ask',
  our_mistake: 'malformed_ask',
  payment_deposited: 'settled_elsewhere',
  reference_unknown: 'reference_gone',
  refresh_too_slow: 'unavailable',
  request_refused: 'malformed_ask',
  subscription_lapsed: 'plan_ended',
  timed_out: 'unavailable',
  too_many_pages: 'unavailable',
  unreadable: 'answer_unreadable',
  unreadable_answer: 'answer_unreadable',
}

/** What nobody foresaw: said as honestly as we can, the book's own words being a click away. */
const unforeseen: Entry = {
  says: () => 'The book refused it for a reason that we have no words for yet.',
  means: 'It is not in the book, as far as the book says. Only what belongs to it waits; everything else goes on.',
  fix: 'Read the book’s own words, mend the cause there, then try again.',
  button: 'retry',
  who: 'bookkeeper',
}

/** The cause under which something is told; null: nobody foresaw it. */
export function knownCause(cause: string): string | null {
  if (Object.hasOwn(catalogue, cause)) return cause
  return Object.hasOwn(saidAs, cause) ? (saidAs[cause] ?? null) : null
}

export function wordsFor(cause: string, facts: Facts = {}): Words {
  const known = knownCause(cause)
  const { says, ...rest } = (known !== null && catalogue[known]) || unforeseen
  return { says: says(facts), ...rest }
}

/** What happened and what it means, in one breath. */
export function inOneBreath({ says, means }: Words): string {
  return `${says} ${means}`
}

/** The one next action: what its button says, and the deed behind it, beneath the member's own address. */
export const buttons: Record<Button, { text: string; deed: string | null; page: string | null }> = {
  retry: { text: 'Try again', deed: 'deliveries/{deliveryId}/retry', page: 'deliveries/:dlv/retry' },
  choose_contact: {
    text: 'Choose the contact',
    deed: 'deliveries/{deliveryId}/contact',
    page: 'deliveries/:dlv/contact',
  },
  mapping: { text: 'To the mapping', deed: 'connection/mapping', page: 'connection/mapping' },
  redate: { text: 'Let it bear this day', deed: 'deliveries/{deliveryId}/redate', page: 'deliveries/:dlv/redate' },
  use_next_number: {
    text: 'Take the next number',
    deed: 'deliveries/{deliveryId}/next-number',
    page: 'deliveries/:dlv/next-number',
  },
  link_bill: { text: 'Link that bill', deed: 'deliveries/{deliveryId}/link', page: 'deliveries/:dlv/link' },
  ask_anew: { text: 'Make it anew', deed: 'deliveries/{deliveryId}/anew', page: 'deliveries/:dlv/anew' },
  reconnect: { text: 'Sign in again', deed: 'connection/consents', page: 'connection' },
  drop: { text: 'Drop it', deed: 'deliveries/{deliveryId}/drop', page: 'deliveries/:dlv/drop' },
  none: { text: '', deed: null, page: null },
}
