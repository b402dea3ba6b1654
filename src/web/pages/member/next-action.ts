/**
 * The one thing a member should do next, in the order in which one thing holds up another. Pure.
 *
 * Only what this person may do is named: the rest waits for somebody else, and says so.
 */
import type { ConnectionState } from '../../../books/connection.ts'
import type { Standing } from '../../../networks/member.ts'

export type NextFacts = {
  /** /members/mem_… */
  base: string
  standing: Standing
  /** May connect the book and see to its documents. */
  seesBook: boolean
  /** May answer proposals. */
  answers: boolean
  connection: ConnectionState | null
  isMapped: boolean
  parked: number
  proposals: number
  reversals: number
  /** Trades whose documents wait for a yes after a preview. */
  previews: number
  discrepancies: number
}
export type NextAction = { says: string; go: { href: string; text: string } | null }

export function nextAction(facts: NextFacts): NextAction {
  return candidates(facts).find((one) => one !== null) ?? { says: 'Nothing waits for you.', go: null }
}

function candidates(facts: NextFacts): (NextAction | null)[] {
  const { base, connection, standing } = facts
  const book = (isSo: boolean, says: string, text: string, page: string) =>
    isSo && facts.seesBook ? { says, go: { href: `${base}/${page}`, text } } : null
  const trade = (count: number, says: string, text: string, query: string) =>
    count > 0 && facts.answers ? { says, go: { href: `${base}/trades?${query}`, text } } : null
  return [
    standing === 'left' ? { says: 'This business has left the network. Its history stays here.', go: null } : null,
    book(
      connection === 'needs_sign_in',
      'Your accounting software no longer lets us in. Everything waits; nothing is lost.',
      'Sign in again',
      'connection',
    ),
    book(connection === 'choosing', 'Choose which organisation to connect.', 'Choose', 'connection'),
    book(
      connection === 'mapping' || (connection === 'live' && !facts.isMapped),
      'Your book is connected. Choose the accounts and VAT codes that trades use.',
      'Map your book',
      'mapping',
    ),
    book(
      facts.parked > 0,
      `${counted(facts.parked, 'document')} could not go to your book and ${facts.parked === 1 ? 'needs' : 'need'} you.`,
      'See what to do',
      'deliveries',
    ),
    trade(
      facts.proposals,
      `${counted(facts.proposals, 'proposal')} ${facts.proposals === 1 ? 'waits' : 'wait'} for your answer.`,
      'Answer',
      'waiting=answer',
    ),
    trade(
      facts.reversals,
      `The other side asks to reverse ${counted(facts.reversals, 'trade')}.`,
      'Answer',
      'waiting=reversal',
    ),
    book(
      facts.previews > 0,
      `${counted(facts.previews, 'trade')} ${facts.previews === 1 ? 'waits' : 'wait'} for your yes before anything goes to your book.`,
      'Look and say yes',
      'approvals',
    ),
    book(
      connection === null || connection === 'ended',
      'Connect your accounting software, so that trades become invoices and bills by themselves.',
      'Connect your book',
      'connection',
    ),
    standing === 'invited' || standing === 'applied'
      ? { says: 'The convener looks at your application now. You will be told by mail.', go: null }
      : null,
    book(
      facts.discrepancies > 0,
      `Ledger and book disagree in ${counted(facts.discrepancies, 'place')}.`,
      'See why',
      'reconciliation',
    ),
    book(connection === 'paused', 'Your book is paused: what is promised to it waits.', 'Let it go on', 'connection'),
  ]
}

function counted(count: number, thing: string): string {
  return count === 1 ? `One ${thing}` : `${count} ${thing}s`
}
