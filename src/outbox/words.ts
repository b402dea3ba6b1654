/**
 * What is said of a parked or waiting delivery: cause → words, the way out, who, button. One table, used by page, API,
 * mail and command line alike. The book's own words are shown one click away, never first.
 */
export type Button =
  | 'retry'
  | 'choose_contact'
  | 'mapping'
  | 'redate'
  | 'use_next_number'
  | 'link_bill'
  | 'ask_anew'
  | 'reconnect'
  | 'drop'
  | 'none'
export type Words = {
  says: string
  fix: string
  button: Button
  who: 'bookkeeper' | 'owner' | 'convener' | 'us' | 'nobody'
}
type Facts = Record<string, unknown>
type Entry = Omit<Words, 'says'> & { says: (facts: Facts) => string }

const told = (facts: Facts, name: string, otherwise: string): string => {
  const value = facts[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise
}

const table: Record<string, Entry> = {
  // ── needs a choice in Quits ──
  mapping_missing: {
    says: (f) => `No ${told(f, 'what', 'account')} has been chosen for this book yet.`,
    fix: 'Choose it on the mapping page; everything that waits for it then goes by itself.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  contact_ambiguous: {
    says: (f) => `Several contacts in the book could be ${told(f, 'name', 'this business')}.`,
    fix: 'Choose the right one; it is remembered.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  contact_missing: {
    says: () => 'The contact is not known in this book yet.',
    fix: 'Try again; it is looked for anew.',
    button: 'retry',
    who: 'bookkeeper',
  },
  vat_status_differs: {
    says: () => 'The book is not registered for VAT, but the trade was agreed with VAT to reclaim.',
    fix: 'Correct the VAT status of the member or of the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  what_it_depends_on_is_not_there: {
    says: () => 'The document that this belongs to is not in the book.',
    fix: 'See that document first.',
    button: 'retry',
    who: 'bookkeeper',
  },

  // ── dates ──
  period_locked: {
    says: (f) =>
      f.lockedThrough
        ? `Its day is in a closed period (locked to ${told(f, 'lockedThrough', '')}).`
        : 'Its day is in a closed period.',
    fix: 'Unlock the period, or let it bear the first open day; the true day then stands in its text.',
    button: 'redate',
    who: 'bookkeeper',
  },

  // ── contacts ──
  contact_archived: {
    says: () => 'The contact was archived in the book.',
    fix: 'Restore it in the book, or choose another contact.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  contact_gone: {
    says: () => 'The contact is no longer in the book.',
    fix: 'Choose another contact.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  name_taken: {
    says: () => 'Another contact, supplier or employee in the book has this name.',
    fix: 'Choose that contact, or rename it in the book.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },

  // ── accounts, items, tax ──
  account_archived: {
    says: () => 'A chosen account was archived or deleted in the book.',
    fix: 'Choose another account; all that waits for it then goes.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  account_refused: {
    says: () => 'The book does not take the chosen account for this document.',
    fix: 'Choose another account on the mapping page.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  account_takes_no_payments: {
    says: () => 'The mutual-credit account may not take payments in this book.',
    fix: 'Allow payments to it in the book, or choose another account.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  item_refused: {
    says: () => 'The chosen item was made inactive or cannot be sold.',
    fix: 'Choose another item on the mapping page.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  tax_code_refused: {
    says: () => 'The book does not take this VAT code with this account.',
    fix: 'Choose another VAT code or account on the mapping page.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  tax_code_missing: {
    says: () => 'The book wants a VAT code on every line.',
    fix: 'Choose the VAT codes on the mapping page.',
    button: 'mapping',
    who: 'bookkeeper',
  },
  reference_gone: {
    says: () => 'Something this document names is no longer in the book.',
    fix: 'Check the mapping and the contact.',
    button: 'mapping',
    who: 'bookkeeper',
  },

  reference_inactive: {
    says: () => 'Something this document names was made inactive in the book: its contact, an account or an item.',
    fix: 'Make it active there again and try again; or choose another one.',
    button: 'retry',
    who: 'bookkeeper',
  },
  email_refused: {
    says: () => 'The book does not take this mail address for a contact.',
    fix: 'Correct the address of that member, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  rule_broken: {
    says: () => 'A rule of the book stands against this document.',
    fix: 'Read the book’s own words, mend the cause there, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  account_not_bank: {
    says: () => 'The book moves money on bank accounts only, and the mutual-credit account is none.',
    fix: 'Choose a bank account for the mutual credit on the mapping page.',
    button: 'mapping',
    who: 'bookkeeper',
  },

  // ── amounts ──
  total_differs: {
    says: (f) =>
      `The total in the book (${told(f, 'book', '?')}) is not the trade’s (${told(f, 'ours', '?')}), so nothing is paid.`,
    fix: 'Correct the document in the book, then try again; or reverse the trade.',
    button: 'retry',
    who: 'bookkeeper',
  },
  open_amount_differs: {
    says: (f) => `Only ${told(f, 'book', '?')} is open on the document in the book; ${told(f, 'ours', '?')} should be.`,
    fix: 'See what else was set against it in the book, then try again; or reverse the trade.',
    button: 'retry',
    who: 'bookkeeper',
  },
  payment_exceeds_due: {
    says: () => 'The book says that less is open than this payment.',
    fix: 'See what else was paid or credited in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  cannot_be_paid: {
    says: () => 'The document in the book cannot be paid in its present state.',
    fix: 'Approve or restore it in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },

  // ── doubles and strangers ──
  number_taken: {
    says: (f) => `The number ${told(f, 'number', '')} stands on another document in the book that is not ours.`,
    fix: 'Renumber that document, or let ours take another number.',
    button: 'use_next_number',
    who: 'bookkeeper',
  },
  same_reference_other_content: {
    says: (f) => `A document with our reference is in the book, but its ${told(f, 'differs', 'content')} differs.`,
    fix: 'Correct it in the book and try again, or drop this delivery with a reason.',
    button: 'retry',
    who: 'bookkeeper',
  },
  removed_by_person: {
    says: () => 'It was put into the book and removed there by a person.',
    fix: 'If it should be there after all, ask for it anew; else drop it with a reason.',
    button: 'ask_anew',
    who: 'bookkeeper',
  },
  linked_document_does_not_fit: {
    says: (f) => `The document to be linked does not fit any more: ${told(f, 'why', 'it was changed')}.`,
    fix: 'Correct it in the book, then try again; or reverse the trade.',
    button: 'retry',
    who: 'bookkeeper',
  },
  bill_already_there: {
    says: (f) =>
      `A bill that looks like this one stands in the book already (${told(f, 'number', '') || 'without a number'}, ${told(f, 'total', '?')} of ${told(f, 'datedOn', '?')}).`,
    fix: 'Link that bill, which is then paid as it is; or try again, which says that this is another one.',
    button: 'link_bill',
    who: 'bookkeeper',
  },

  // ── the plan, rights ──
  plan_limit: {
    says: () => 'The book’s plan allows no more approved documents this month.',
    fix: 'Change the plan, or wait for the next month; then try again.',
    button: 'retry',
    who: 'owner',
  },
  plan_ended: {
    says: () => 'The book’s plan is not active, so it takes no new documents.',
    fix: 'Renew the plan; then try again.',
    button: 'retry',
    who: 'owner',
  },
  feature_missing: {
    says: () => 'The book’s plan does not have what this document needs.',
    fix: 'Change the plan; then try again.',
    button: 'retry',
    who: 'owner',
  },
  permission_missing: {
    says: () => 'The person who connected the book may not do this there.',
    fix: 'Let someone with more rights reconnect.',
    button: 'reconnect',
    who: 'owner',
  },
  scope_missing: {
    says: () => 'The consent does not cover this.',
    fix: 'Reconnect and grant all that is asked.',
    button: 'reconnect',
    who: 'owner',
  },
  currency_refused: {
    says: () => 'The book does not take this currency.',
    fix: 'See the book’s currencies.',
    button: 'retry',
    who: 'bookkeeper',
  },
  settled_elsewhere: {
    says: () => 'The payment is part of a batch or deposit in the book and cannot be changed.',
    fix: 'Undo that in the book, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },

  // ── by itself ──
  grant_gone: {
    says: (f) => `${told(f, 'book', 'The accounting system')} no longer lets us in. Everything waits; nothing is lost.`,
    fix: 'Sign in again.',
    button: 'reconnect',
    who: 'owner',
  },
  throttled: {
    says: () => 'The book’s call limit is reached; it goes on by itself.',
    fix: 'Nothing to do.',
    button: 'none',
    who: 'nobody',
  },
  unavailable: {
    says: () => 'The accounting system does not answer; we go on trying.',
    fix: 'Nothing to do.',
    button: 'none',
    who: 'nobody',
  },
  unclear: {
    says: () => 'We do not know yet whether it arrived; checking before sending again.',
    fix: 'Nothing to do.',
    button: 'none',
    who: 'nobody',
  },
  keeps_failing: {
    says: () => 'The accounting system has not answered for a day.',
    fix: 'Try again, or look at its status page.',
    button: 'retry',
    who: 'bookkeeper',
  },
  keeps_changing: {
    says: () => 'Someone changes this document in the book again and again.',
    fix: 'Wait until they are done, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
  outcome_unknown: {
    says: () => 'For a day it could not be found out whether this arrived.',
    fix: 'Look for it in the book, then try again: it is looked up first.',
    button: 'retry',
    who: 'bookkeeper',
  },
  malformed_ask: {
    says: () => 'The book did not understand what we sent. That is our fault.',
    fix: 'Tell us; nothing was lost.',
    button: 'retry',
    who: 'us',
  },
}

/** What a connector calls otherwise, said in the same words. */
const saidAs: Record<string, string> = {
  access_refused: 'permission_missing',
  address_unknown: 'malformed_ask',
  rights_lost: 'permission_missing',
  access_expired: 'grant_gone',
  access_revoked: 'grant_gone',
  amount_above_open: 'payment_exceeds_due',
  amount_below_zero: 'malformed_ask',
  document_not_payable: 'cannot_be_paid',
  in_batch: 'settled_elsewhere',
  item_archived: 'item_refused',
  journal_unbalanced: 'malformed_ask',
  not_found: 'reference_gone',
  our_mistake: 'malformed_ask',
  payment_deposited: 'settled_elsewhere',
  query_refused: 'malformed_ask',
  reference_unknown: 'reference_gone',
  request_refused: 'malformed_ask',
  subscription_lapsed: 'plan_ended',
  too_large: 'malformed_ask',
}

export function wordsFor(cause: string, facts: Facts = {}): Words {
  const entry = table[cause] ?? table[saidAs[cause] ?? '']
  if (entry) return { says: entry.says(facts), fix: entry.fix, button: entry.button, who: entry.who }
  return {
    says: `The book refused it (${cause.replaceAll('_', ' ')}).`,
    fix: 'Read the book’s own words, mend the cause there, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  }
}
