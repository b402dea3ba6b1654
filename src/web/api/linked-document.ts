/**
 * An invoice that the seller has raised in its own book already, or a bill in the buyer's: read there now, never taken
 * from what was sent.
 *
 * Keeps: only the side that proposes names one, and only in its own book.
 */
import { openConnectionOf } from '../../books/connection.ts'
import { contactKept } from '../../books/contact.ts'
import { withGrant } from '../../books/grants.ts'
import { asWorker, inTransaction } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import type { Member } from '../../networks/member.ts'
import type { Linked, Side } from '../../trades/trade.ts'
import type { Deps } from '../deps.ts'
import { askBook } from './ask-book.ts'

export async function linkedDocument(
  deps: Deps,
  ask: {
    /** Of the network. */
    currency: string
    proposedBy: Side
    seller: Pick<Member, 'organisationId'>
    buyer: Pick<Member, 'organisationId'>
    /** Of an invoice in the seller's book. */
    number?: string | undefined
    /** Of a bill in the buyer's. */
    bill?: string | undefined
  },
): Promise<Linked | null> {
  const number = ask.number ?? ask.bill
  if (number === undefined) return null
  const kind = ask.number === undefined ? ('bill' as const) : ('invoice' as const)
  const [own, other] = kind === 'invoice' ? [ask.seller, ask.buyer] : [ask.buyer, ask.seller]
  if ((kind === 'invoice') !== (ask.proposedBy === 'seller'))
    throw new Refusal('invoice_does_not_fit', { why: 'only the side whose book it is in can name it' })
  const role = kind === 'invoice' ? 'customer' : 'supplier'
  const { connection, contact } = await inTransaction(deps.db, asWorker, async (tx) => {
    const connection = await openConnectionOf(tx, own.organisationId)
    if (!connection) throw new Refusal('not_found', { thing: 'connection' })
    return { connection, contact: await contactKept(tx, connection.id, other.organisationId, role) }
  })
  const contactId = contact?.bookContactId ?? null
  const [found] = await askBook(() =>
    withGrant(deps, connection.id, (grant, connector) =>
      connector.find(grant, [{ by: 'number', kind, number, contactId }]),
    ),
  )
  const why = !found
    ? `there is no ${kind} ${number}${contact ? ` of ${contact.bookName}` : ''}`
    : found.status !== 'open'
      ? `it is ${found.status}`
      : found.currency !== ask.currency
        ? `it is in ${found.currency}`
        : contactId !== null && found.contactId !== contactId
          ? 'it stands on another contact'
          : null
  if (!found || why) throw new Refusal('invoice_does_not_fit', { why })
  const { id, datedOn, totalMinor, openMinor } = found
  return { id, number: found.number ?? number, datedOn, totalMinor, openMinor }
}
