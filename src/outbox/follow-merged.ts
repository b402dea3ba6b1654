/**
 * A contact that a person has merged into another one meanwhile is followed there: kept under our counterparty from now on, and
 * what the book refused for its sake goes again under a new key, since the vendor may remember the refusal.
 *
 * Keeps: only where the book itself says into which; otherwise a person is asked. Written under the lease's fence.
 */
import type { BookContact } from '../../connectors/port.ts'
import { keepContact } from '../books/contact.ts'
import { withGrant } from '../books/grants.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import { bookError } from './attempt.ts'
import { type Lease, stillOurs } from './lease.ts'
import { roleIn } from './move-delivery.ts'
import type { OpenBook } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import type { Outcome } from './record-outcome.ts'

type Refused = Extract<Outcome, { is: 'error' }>

/** Most times a book may have merged one contact into the next. */
const mostMerges = 20

export async function followMerged(
  deps: OutboxDeps,
  lease: Lease,
  book: OpenBook,
  outcomes: Outcome[],
): Promise<Outcome[]> {
  const refused = outcomes.filter(
    (one): one is Refused => one.is === 'error' && /^contact_(archived|missing)$/.test(one.error.facts.cause),
  )
  // QuickBooks does not tell into which.
  if (refused.length === 0 || book.connector.kind === 'quickbooks') return outcomes
  const contacts = await readContacts(deps, book)
  if (!contacts) return outcomes
  const followed = await inTransaction(deps.db, asWorker, async (tx) => {
    const done = new Set<Refused>()
    if (!(await stillOurs(tx, lease))) return done
    const kept = await tx.bookContact.findMany({ where: { connectionId: book.connectionId } })
    for (const one of refused) {
      const role = roleIn(one.delivery.document)
      const { counterpartId } = one.delivery.document
      const held = kept.find((row) => row.counterpartId === counterpartId && row.role === role)
      const into = held?.bookContactId ? followMerges(contacts, held.bookContactId) : null
      if (!held || !into?.active || into.id === held.bookContactId) continue
      const { connectionId } = book
      await keepContact(tx, deps.clock, { connectionId, counterpartId, role, contact: into, chosenBy: held.chosenBy })
      done.add(one)
    }
    return done
  })
  return outcomes.map((one) =>
    one.is === 'error' && followed.has(one)
      ? { delivery: one.delivery, is: 'again', afterMs: 0, lookFirst: false, corrected: one.error }
      : one,
  )
}

/** Null where they cannot be read now: then a person sees what the book refused. */
async function readContacts(deps: OutboxDeps, book: OpenBook): Promise<BookContact[] | null> {
  try {
    return await withGrant(deps, book.connectionId, async (grant, connector) => {
      const all: BookContact[] = []
      for await (const page of connector.contacts(grant)) all.push(...page)
      return all
    })
  } catch (error) {
    bookError(error)
    return null
  }
}

/** Where it has been merged to, at the end of the line; null when it is not there any more. */
export function followMerges(contacts: BookContact[], id: string): BookContact | null {
  const byId = new Map(contacts.map((one) => [one.id, one]))
  let at = byId.get(id) ?? null
  for (let step = 0; at?.mergedInto && step < mostMerges; step += 1) at = byId.get(at.mergedInto) ?? null
  return at
}
