/**
 * Refusals: a rule says no. Thrown, never returned, so that the transaction around them is undone.
 *
 * Each code stands here once, in the order in which it is asked, with its status, its sentence and the way out.
 * The same words reach the page, the API, the mail and the command line.
 */
import { formatAmount, showAmount } from './money.ts'

type Facts = Record<string, string | number | boolean | null | undefined>
type Words = { status: 403 | 404 | 409 | 422 | 503; says: (facts: Facts) => string; fix: string }

const words = {
  // ── who asks ──
  not_allowed: {
    status: 403,
    says: (f) => `Your role (${f.role ?? 'none'}) may not ${f.deed ?? 'do this'}.`,
    fix: 'Ask someone whose role allows it.',
  },
  not_found: {
    status: 404,
    says: (f) => `There is no ${f.thing ?? 'such thing'} here, or it is not yours to see.`,
    fix: 'Check the address or the id.',
  },
  address_not_allowed: {
    status: 422,
    says: (f) => `Webhooks do not go to that address: ${f.why ?? 'it may not be'}.`,
    fix: 'Name an https address that can be reached from everywhere.',
  },
  too_many_webhooks: {
    status: 422,
    says: (f) => `There are ${f.most ?? 'enough'} webhooks here already, and no more are taken.`,
    fix: 'Remove one that nobody needs, or let one address hear of more.',
  },
  webhook_is_off: {
    status: 409,
    says: (f) => `This webhook is switched off: ${f.cause ?? 'nothing is sent to it'}.`,
    fix: 'Switch it on first.',
  },
  key_in_use: {
    status: 409,
    says: () => 'The same Idempotency-Key is being answered at this moment.',
    fix: 'Wait a second and ask again with the same key.',
  },
  key_of_other_body: {
    status: 422,
    says: () => 'This Idempotency-Key was used for a different request.',
    fix: 'Use a new key for a new request.',
  },
  try_again_soon: {
    status: 503,
    says: () => 'Too many requests wait at this moment; nothing was done.',
    fix: 'Ask again in a second, with the same key.',
  },

  // ── ledger, in the order ledger_post() asks ──
  transfer_of_other_content: {
    status: 409,
    says: () => 'This transfer id already stands in the ledger with other content.',
    fix: 'Use a new id for a new transfer.',
  },
  accounts_must_differ: {
    status: 422,
    says: () => 'A transfer needs two different accounts.',
    fix: 'Name another account.',
  },
  amount_must_be_positive: {
    status: 422,
    says: () => 'The amount must be above zero.',
    fix: 'Give an amount of at least one minor unit.',
  },
  amount_too_large: {
    status: 422,
    says: () => 'The amount is larger than the ledger takes in one transfer.',
    fix: 'Split it, or check the number of digits.',
  },
  account_unknown: {
    status: 404,
    says: () => 'There is no such account in this network.',
    fix: 'Check the account id.',
  },
  transfer_unknown: {
    status: 404,
    says: () => 'There is no such transfer to reverse in this network.',
    fix: 'Check the transfer id.',
  },
  transfer_already_reversed: {
    status: 409,
    says: () => 'That transfer has been reversed already.',
    fix: 'Nothing more needs to be done.',
  },
  hold_unknown: { status: 404, says: () => 'There is no such hold in this network.', fix: 'Check the hold id.' },
  hold_closed: {
    status: 409,
    says: () => 'That hold has been posted, released or has expired.',
    fix: 'Make a new hold.',
  },
  hold_not_expired: {
    status: 409,
    says: () => 'That hold has not run out, or was promised and waits.',
    fix: 'Post it, or release it.',
  },
  hold_exceeded: {
    status: 422,
    says: (f) => `The hold is for ${f.heldMinor}; ${f.askedMinor} was asked.`,
    fix: 'Post at most what is held.',
  },
  day_runs_backwards: {
    status: 409,
    says: (f) => `The ledger stands at ${f.bookedOn}; ${f.askedOn} lies before it.`,
    fix: 'Give a day on or after the ledger day.',
  },
  day_in_future: { status: 422, says: (f) => `${f.askedOn} has not come yet.`, fix: 'Give a day up to today.' },
  legal_floor: {
    status: 409,
    says: (f) => `A member of this legal form may never go below zero; this would leave ${f.afterMinor}.`,
    fix: 'Trade a smaller part in credits, or earn first.',
  },
  account_frozen: {
    status: 409,
    says: () => 'This account may sell but not buy at the moment.',
    fix: 'Ask the convener.',
  },
  credit_limit_exceeded: {
    status: 409,
    says: (f) => `This would bring the buyer to ${f.afterMinor}; the limit is ${f.limitMinor}.`,
    fix: 'Take a smaller part in credits, or ask the convener for a higher limit.',
  },
  exposure_limit_exceeded: {
    status: 409,
    says: (f) => `This would bring the seller to ${f.afterMinor}; the limit is ${f.limitMinor}.`,
    fix: 'Take a smaller part in credits, or spend first.',
  },

  // ── transfers and holds outside a trade ──
  transfer_leaves_no_document: {
    status: 422,
    says: (f) =>
      `A transfer from ${f.from ?? 'this account'} to ${f.to ?? 'that one'} would change a balance that stands in a member’s book, without a document there.`,
    fix: 'Between members, record a trade. From a member, send a contribution to the network’s fees, sponsor or write-off reserve. A leaver’s balance is written off on its page.',
  },
  transfer_kind_does_not_fit: {
    status: 422,
    says: (f) => `Between these accounts a transfer is of kind ${f.wanted}, not ${f.kind}.`,
    fix: 'Send the kind that is named, or other accounts.',
  },
  hold_belongs_to_trade: {
    status: 409,
    says: () => 'This hold belongs to a proposed trade, and ends with it.',
    fix: 'Accept, decline or withdraw the trade.',
  },
  hold_ends_in_past: {
    status: 422,
    says: () => 'The hold would have run out before it was made.',
    fix: 'Give an end that lies ahead.',
  },

  // ── networks ──
  slug_taken: { status: 409, says: (f) => `The short name "${f.slug}" is taken.`, fix: 'Choose another.' },
  template_unknown: {
    status: 422,
    says: (f) => `There is no template "${f.template}".`,
    fix: 'Choose one of the templates listed.',
  },
  terms_not_sound: {
    status: 422,
    says: (f) => `These terms do not fit together: ${f.why}.`,
    fix: 'Mend the named term.',
  },
  network_paused: {
    status: 409,
    says: () => 'This network is paused: nothing is traded until it goes on.',
    fix: 'Ask the convener.',
  },
  vat_number_not_sound: {
    status: 422,
    says: (f) => `"${f.number}" is not a VAT number of ${f.country}.`,
    fix: 'Give it as it stands on the certificate: GB and 9 or 12 digits.',
  },
  prefix_taken: {
    status: 409,
    says: (f) => `"${f.prefix}" is another member’s invoice prefix, or is not 2 to 8 capitals and digits.`,
    fix: 'Choose another prefix.',
  },
  member_exists: {
    status: 409,
    says: () => 'This organisation is a member of the network already.',
    fix: 'Open its page instead.',
  },
  evidence_missing: {
    status: 422,
    says: (f) => `The legal form needs evidence: ${f.wanted}.`,
    fix: 'Give the number of the register, or a statement with its day.',
  },
  partners_missing: {
    status: 422,
    says: () => 'A partnership needs the number of its partners.',
    fix: 'Give the number (two or more).',
  },
  standing_does_not_allow: {
    status: 409,
    says: (f) => `A member that is ${f.standing} cannot be ${f.wanted}.`,
    fix: 'See the member’s page for what it can become.',
  },
  balance_not_zero: {
    status: 409,
    says: (f) => `The balance is ${f.balanceMinor}; a leaver’s must be zero.`,
    fix: 'Trade it to zero, settle it, or record a write-off.',
  },
  limit_above_terms: {
    status: 422,
    says: (f) => `The network’s terms allow at most ${f.mostMinor}.`,
    fix: 'Choose a lower limit, or change the terms first.',
  },
  restricted_has_no_credit: {
    status: 422,
    says: () => 'A member of this legal form can have no credit limit above zero.',
    fix: 'Leave it at zero.',
  },
  limit_ask_closed: {
    status: 409,
    says: () => 'This request for a limit has been answered already.',
    fix: 'Set the limit on the member’s page.',
  },
  invitation_dead: {
    status: 409,
    says: (f) => `This invitation ${f.why ?? 'cannot be used'}.`,
    fix: 'Ask the convener for a new one.',
  },
  owner_is_another: {
    status: 409,
    says: () => 'This business has owners already, and this address is none of theirs.',
    fix: 'Send the link to one of its owners, who can name others.',
  },
  link_dead: {
    status: 409,
    says: () => 'This link was used, has run out, or belongs to another browser.',
    fix: 'Ask for a new link.',
  },
  last_owner: { status: 409, says: () => 'A member needs at least one owner.', fix: 'Name another owner first.' },

  // ── books ──
  consent_unknown: {
    status: 422,
    says: () => 'This answer does not belong to a connection that you began.',
    fix: 'Begin again from your connection page.',
  },
  consent_used: {
    status: 409,
    says: () => 'This consent has been used already.',
    fix: 'Begin again from your connection page.',
  },
  consent_expired: {
    status: 409,
    says: () => 'This consent has run out.',
    fix: 'Begin again from your connection page.',
  },
  consent_declined: {
    status: 409,
    says: () => 'The consent was declined; nothing is connected.',
    fix: 'Begin again when you are ready.',
  },
  consent_failed: {
    status: 409,
    says: (f) => `The accounting system did not confirm the consent (${f.cause}).`,
    fix: 'Begin again from your connection page.',
  },
  book_of_other_member: {
    status: 409,
    says: (f) => `"${f.book}" is connected to another member already.`,
    fix: 'Choose another organisation, or ask the convener.',
  },
  book_not_offered: {
    status: 422,
    says: () => 'That organisation was not part of the consent.',
    fix: 'Choose one of those listed.',
  },
  other_book_chosen: {
    status: 409,
    says: (f) => `You picked ${f.chosen}; this connection is for ${f.connected}.`,
    fix: 'Choose the same organisation again, or disconnect first.',
  },
  currency_differs: {
    status: 409,
    says: (f) => `${f.book} keeps its accounts in ${f.currency}; this network counts in ${f.wanted}.`,
    fix: 'Connect a book in the network’s currency.',
  },
  already_connected: {
    status: 409,
    says: (f) => `This organisation is connected to ${f.book} already.`,
    fix: 'Disconnect it first.',
  },
  connection_does_not_allow: {
    status: 409,
    says: (f) => `A connection that is ${f.state} cannot be ${f.wanted}.`,
    fix: 'See the connection’s page for its next step.',
  },
  mapping_not_sound: {
    status: 422,
    says: (f) => `The mapping does not fit this book: ${f.why}.`,
    fix: 'Choose one of the accounts or codes listed.',
  },
  mapping_changed: {
    status: 409,
    says: () => 'The mapping was changed meanwhile.',
    fix: 'Read it again and repeat your change.',
  },
  book_does_not_answer: {
    status: 409,
    says: (f) => `The accounting system did not do it: ${f.cause}.`,
    fix: 'Try again; nothing was lost.',
  },

  // ── outbox ──
  delivery_does_not_allow: {
    status: 409,
    says: (f) => `A delivery that is ${f.state} cannot be ${f.wanted}.`,
    fix: 'See the delivery’s page for its next step.',
  },

  // ── trades, in the order accept_trades() asks ──
  trade_with_itself: {
    status: 422,
    says: () => 'Seller and buyer must be two different members.',
    fix: 'Name another member.',
  },
  member_not_admitted: {
    status: 409,
    says: (f) => `${f.member ?? 'This member'} is not admitted to the network.`,
    fix: 'Ask the convener.',
  },
  member_may_not_buy: {
    status: 409,
    says: (f) => `${f.member ?? 'This member'} may sell but not buy at the moment.`,
    fix: 'Ask the convener.',
  },
  currencies_differ: {
    status: 422,
    says: (f) => `The network counts in ${f.wanted}, not ${f.currency}.`,
    fix: 'Give all amounts in the network’s currency.',
  },
  lines_missing: { status: 422, says: () => 'A trade needs at least one line with an amount.', fix: 'Add a line.' },
  too_many_lines: {
    status: 422,
    says: (f) => `A trade has at most ${f.most} lines.`,
    fix: 'Put several into one line, or make two trades.',
  },
  text_does_not_fit: {
    status: 422,
    says: (f) => `The ${f.what} needs 1 to ${f.most} characters.`,
    fix: 'Shorten it, or say a few words.',
  },
  treatment_not_taken: {
    status: 422,
    says: (f) => `${f.why}`,
    fix: 'Invoice this sale in your own software, outside the network.',
  },
  seller_not_registered: {
    status: 422,
    says: () => 'A seller that is not registered for VAT charges none.',
    fix: 'Use the treatment "outside", or record the VAT registration first.',
  },
  rate_unknown: {
    status: 422,
    says: (f) => `There is no rate for the treatment ${f.treatment}.`,
    fix: 'Use one of the treatments listed.',
  },
  parts_do_not_add_up: {
    status: 422,
    says: (f) => `Credits ${f.creditMinor} and money ${f.moneyMinor} do not make the total ${f.totalMinor}.`,
    fix: 'Leave one of them out, or mend it.',
  },
  credit_share_too_large: {
    status: 422,
    says: (f) => `At most ${f.mostMinor} of this trade may be in credits under the network’s terms.`,
    fix: 'Put more of it in money.',
  },
  credit_part_missing: {
    status: 422,
    says: () => 'A trade needs a part in credits.',
    fix: 'Give a part in credits above zero.',
  },
  day_not_real: {
    status: 422,
    says: (f) => `${f.day} is no day of the calendar.`,
    fix: 'Write it as year, month and day: 2026-03-31.',
  },
  traded_in_future: { status: 422, says: () => 'The day of sale has not come yet.', fix: 'Give a day up to today.' },
  due_before_sale: {
    status: 422,
    says: () => 'The money part cannot be due before the day of sale.',
    fix: 'Give a later due day.',
  },
  invoice_does_not_fit: {
    status: 422,
    says: (f) => `The invoice in the book does not fit this trade: ${f.why}.`,
    fix: 'Choose another invoice, or leave it out.',
  },
  trade_not_open: {
    status: 409,
    says: (f) => `This trade is ${f.state}.`,
    fix: 'Only a proposed trade can be answered.',
  },
  trade_name_taken: {
    status: 409,
    says: () => 'The ten letters that would name this trade in the books name another trade already.',
    fix: 'Propose it again with a new key.',
  },
  trade_lapsed: { status: 409, says: () => 'This proposal has lapsed.', fix: 'Propose it again.' },
  not_yours_to_answer: {
    status: 403,
    says: () => 'Only the other side can answer this proposal.',
    fix: 'Wait for the other side, or withdraw it.',
  },
  not_yours_to_withdraw: {
    status: 403,
    says: () => 'Only the side that proposed can withdraw.',
    fix: 'Decline it instead.',
  },
  treatment_not_confirmed: {
    status: 409,
    says: () => 'The seller has not confirmed the VAT treatment yet.',
    fix: 'The seller confirms it when accepting.',
  },
  trade_disputed: { status: 409, says: () => 'This trade is in dispute.', fix: 'Resolve the dispute first.' },
  trade_not_accepted: {
    status: 409,
    says: (f) => `This trade is ${f.state}; only an accepted trade can be reversed.`,
    fix: 'Decline or withdraw it instead.',
  },
  trade_already_reversed: {
    status: 409,
    says: () => 'This trade has been reversed already.',
    fix: 'Nothing more needs to be done.',
  },
  reversal_needs_both: {
    status: 409,
    says: () => 'A reversal needs the other side’s yes.',
    fix: 'Wait for it, or ask the convener.',
  },
  reason_missing: { status: 422, says: () => 'A reason is needed.', fix: 'Say why in a few words.' },
  consent_used_up: {
    status: 409,
    says: (f) => `The standing consent allows ${f.leftMinor} more this month.`,
    fix: 'Ask the other side to accept by hand.',
  },

  // ── reconcile ──
  discrepancy_closed: {
    status: 409,
    says: () => 'This discrepancy is closed already.',
    fix: 'Nothing more needs to be done.',
  },
  nothing_to_reconcile: {
    status: 409,
    says: () => 'This member has no live connection with a mapped mutual-credit account.',
    fix: 'Finish the connection first.',
  },

  // ── import ──
  row_refused: {
    status: 422,
    says: (f) => `Line ${f.line}: ${f.why}`,
    fix: 'Mend that line and run the import again; what stands stays.',
  },

  // ── backups ──
  backup_file_there: {
    status: 409,
    says: (f) => `${f.file} is there already, and a backup is never written over.`,
    fix: 'Name another file with --out.',
  },
  backup_file_unusable: { status: 422, says: (f) => `${f.file}: ${f.why}.`, fix: 'Check the file’s name and place.' },
  backup_damaged: {
    status: 422,
    says: (f) => `${f.file} is damaged: ${f.why}. Nothing of it was used.`,
    fix: 'Fetch the copy that lies elsewhere, or take an older backup.',
  },
  backup_of_other_version: {
    status: 409,
    says: (f) => `The backup has ${f.what}; this version knows ${f.known}.`,
    fix: 'Restore it with the version of Quits that made it, or a later one.',
  },
  backup_needs_empty_database: {
    status: 409,
    says: (f) => `A backup is restored into an empty database only; in this one ${f.why}.`,
    fix: 'Name an empty database with DATABASE_URL, or another folder with QUITS_HOME.',
  },
  backup_needs_key: {
    status: 422,
    says: (f) =>
      `What is sealed in the backup needs the master key ${f.keyIds}; it is not among those given (${f.given}).`,
    fix: 'Put the kept copy of that key first in QUITS_MASTER_KEY, or as master-key into the data folder. The backup does not hold it.',
  },
  backup_not_true: {
    status: 422,
    says: (f) => `What the backup holds is not true: ${f.why}. The database was left empty.`,
    fix: 'Take an older backup, and compare the heads of its ledgers with those of the nightly log.',
  },
} as const satisfies Record<string, Words>

export type RefusalCode = keyof typeof words

export class Refusal extends Error {
  readonly code: RefusalCode
  readonly facts: Facts
  constructor(code: RefusalCode, facts: Facts) {
    super(code)
    this.name = 'Refusal'
    this.code = code
    this.facts = facts
  }
  get status(): Words['status'] {
    return words[this.code].status
  }
  /** One plain sentence with the numbers. */
  get says(): string {
    const entry: Words = words[this.code]
    return entry.says(inMoney(this.facts))
  }
  get fix(): string {
    return words[this.code].fix
  }
}

/** Facts named …Minor are told as money: '-5200' reads −52.00, with the currency's sign where it is given. */
function inMoney(facts: Facts): Facts {
  const currency = typeof facts.currency === 'string' ? facts.currency : null
  const told = Object.entries(facts).map(([name, value]) => {
    if (!name.endsWith('Minor') || !/^-?\d+$/.test(String(value))) return [name, value]
    const minor = BigInt(String(value))
    return [name, currency ? showAmount(minor, currency, 2) : formatAmount(minor, 2)]
  })
  return Object.fromEntries(told) as Facts
}

/** Is this a code of ours? SQL functions answer with codes as text. */
export function isRefusalCode(text: string): text is RefusalCode {
  return Object.hasOwn(words, text)
}

export const refusalCodes = Object.keys(words) as RefusalCode[]
