/**
 * Sends contacts: a counterparty that the book knows already is used and remembered, several are asked about, none is made.
 *
 * Keeps: the book's contacts are read once for a whole group; an attempt is committed before each call; a try whose
 * outcome is not known is recognised by the very name it asked for, so that nothing is made twice.
 * Never: writes over a namesake.
 */
import type { BookContact, Contact, Receipt, Verdict } from '../../connectors/port.ts'
import { keepContact, type Marks, matchContact, namesToTry } from '../books/contact.ts'
import { withGrant } from '../books/grants.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { networkOf } from '../networks/network.ts'
import { organisationOf } from '../networks/organisation.ts'
import { begin, bodyHash, bookError, keyOf } from './attempt.ts'
import type { Delivery, PromisedDocument } from './delivery.ts'
import { followMerges } from './follow-merged.ts'
import { type Lease, stillOurs } from './lease.ts'
import type { OpenBook } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { putWithGrant } from './put-with-grant.ts'
import { endAttempt, type Outcome } from './record-outcome.ts'

type PromisedContact = Extract<PromisedDocument, { what: 'contact' }>
type Sought = { delivery: Delivery; wanted: Seeking }
/** What is looked for, and what would be made. */
type Seeking = PromisedContact & { marks: Marks; networkName: string; currency: string; keptId: string | null }
type Making = { delivery: Delivery; wanted: Contact; names: string[]; seeking: Seeking }
type Chosen = { id: string; name: string; version: string | null }

export async function deliverContacts(
  deps: OutboxDeps,
  lease: Lease,
  book: OpenBook,
  group: Delivery[],
): Promise<Outcome[] | 'lost'> {
  const sought = await seek(deps, book, group)
  const listed = await begin(deps, lease, sought, 'look', (begun) => readContacts(deps, book, begun))
  if (listed === 'lost') return 'lost'
  if ('outcomes' in listed) return listed.outcomes
  const apart = book.connector.kind === 'quickbooks'
  const outcomes: Outcome[] = []
  const making: Making[] = []
  for (const one of listed.begun) {
    const next = await judge(deps, one, listed.contacts, apart)
    if ('contact' in next) {
      if (!(await remember(deps, lease, book, one, next.contact))) return 'lost'
      outcomes.push({ delivery: one.delivery, is: 'done', receipt: receiptFor(next.contact), found: true })
    } else if ('is' in next) outcomes.push(next)
    else if (!apart && making.some((other) => other.seeking.counterpartId === next.seeking.counterpartId))
      // One contact serves both sides here: the other side's is made first, and found in the next round.
      outcomes.push({ delivery: one.delivery, is: 'again', afterMs: 0, lookFirst: false })
    else making.push(next)
  }
  const made = await make(deps, lease, book, making)
  return made === 'lost' ? 'lost' : [...outcomes, ...made]
}

/** Each counterparty's marks, and the contact that was kept for it. */
async function seek(deps: OutboxDeps, book: OpenBook, group: Delivery[]): Promise<Sought[]> {
  const isApart = book.connector.kind === 'quickbooks'
  return inTransaction(deps.db, asWorker, async (tx) => {
    const kept = await tx.bookContact.findMany({ where: { connectionId: book.connectionId } })
    const networks = new Map<Uuid, { name: string; currency: string }>()
    const sought: Sought[] = []
    for (const delivery of group) {
      const promise = delivery.document
      invariant(promise.what === 'contact', `${delivery.reference} is no contact`)
      const network = networks.get(delivery.networkId) ?? (await networkOf(tx, delivery.networkId))
      networks.set(delivery.networkId, network)
      const organisation = await organisationOf(tx, promise.counterpartId)
      const ours = kept.filter((one) => one.counterpartId === promise.counterpartId)
      const own =
        ours.find((one) => one.role === promise.role) ?? (isApart ? undefined : ours.find((one) => one.bookContactId))
      sought.push({
        delivery,
        wanted: {
          ...promise,
          marks: {
            name: organisation.name,
            companyNumber: organisation.registrationNumber,
            vatNumber: organisation.vat.registered ? organisation.vat.number : null,
            email: organisation.email,
          },
          networkName: network.name,
          currency: network.currency,
          keptId: own?.bookContactId ?? null,
        },
      })
    }
    return sought
  })
}

async function readContacts(
  deps: OutboxDeps,
  book: OpenBook,
  begun: Sought[],
): Promise<{ begun: Sought[]; contacts: BookContact[] } | { outcomes: Outcome[] }> {
  if (begun.length === 0) return { outcomes: [] }
  try {
    const contacts = await withGrant(deps, book.connectionId, async (grant, connector) => {
      const all: BookContact[] = []
      for await (const page of connector.contacts(grant)) all.push(...page)
      return all
    })
    return { begun, contacts }
  } catch (error) {
    const known = bookError(error)
    return {
      outcomes: begun.map(({ delivery }) => ({ delivery, is: 'error' as const, error: known, looked: false })),
    }
  }
}

async function judge(
  deps: OutboxDeps,
  { delivery, wanted }: Sought,
  contacts: BookContact[],
  apart: boolean,
): Promise<{ contact: Chosen } | Outcome | Making> {
  const kept = wanted.keptId ? followMerges(contacts, wanted.keptId) : null
  if (kept?.active) return { contact: kept }
  // What a person archived or removed is neither used nor made again.
  if (wanted.keptId)
    return {
      delivery,
      is: 'parked',
      cause: kept ? 'contact_archived' : 'contact_gone',
      facts: { name: wanted.marks.name },
    }
  const match = matchContact(contacts, wanted.marks, wanted.role, apart)
  if (match.is === 'sure') return { contact: match.contact }
  if (match.is === 'several')
    return {
      delivery,
      is: 'parked',
      cause: 'contact_ambiguous',
      facts: {
        name: wanted.marks.name,
        candidates: match.contacts.map(({ id, name, email }) => ({ id, name, email })),
      },
    }
  const active = contacts.filter((one) => one.active)
  const names = namesToTry(wanted.marks.name, wanted.role, wanted.networkName)
  if (delivery.lookFirst) {
    const asked = await namesAsked(deps, delivery, names, wanted)
    const ours = active.find((one) => asked.has(one.name) && (!apart || one.roles.includes(wanted.role)))
    if (ours) return { contact: ours }
  }
  const taken = new Set(active.map((one) => one.name.toLowerCase()))
  const free = names.filter((name) => !taken.has(name.toLowerCase()))
  const [first, ...rest] = free
  if (!first)
    return { delivery, is: 'parked', cause: 'name_taken', facts: candidatesNamed(wanted.marks.name, names, active) }
  return { delivery, wanted: contactFor(first, wanted), names: rest, seeking: wanted }
}

/** The names that earlier tries, whose outcome nobody told us, asked for. */
async function namesAsked(
  deps: OutboxDeps,
  delivery: Delivery,
  names: string[],
  seeking: Seeking,
): Promise<Set<string>> {
  const attempts = await inTransaction(deps.db, asWorker, (tx) =>
    tx.attempt.findMany({
      where: { networkId: delivery.networkId, deliveryId: delivery.id, verb: 'contacts', outcome: 'unknown' },
      select: { bodyHash: true },
    }),
  )
  return new Set(
    names.filter((name) => {
      const hash = bodyHash(contactFor(name, seeking))
      return attempts.some((one) => Buffer.compare(one.bodyHash, hash) === 0)
    }),
  )
}

/** Made under the plain name; where the book says that a namesake has it, under the next one, each as a new generation. */
async function make(deps: OutboxDeps, lease: Lease, book: OpenBook, making: Making[]): Promise<Outcome[] | 'lost'> {
  const outcomes: Outcome[] = []
  let pending = making
  const mostNames = 4
  for (let tries = 0; tries < mostNames && pending.length > 0; tries += 1) {
    const put = await begin(deps, lease, pending, 'contacts', (begun) => callPut(deps, book, begun))
    if (put === 'lost') return 'lost'
    pending = []
    for (const { one, verdict } of put) {
      const { delivery, seeking, names } = one
      if (verdict.ok) {
        const contact = { id: verdict.receipt.id, name: one.wanted.name, version: verdict.receipt.version }
        if (!(await remember(deps, lease, book, { delivery, wanted: seeking }, contact))) return 'lost'
        outcomes.push({ delivery, is: 'done', receipt: verdict.receipt, found: false })
        continue
      }
      const [next, ...rest] = names
      if (verdict.error.facts.cause === 'name_taken' && next !== undefined) {
        const { cause, said, status, callId } = verdict.error.facts
        await inTransaction(deps.db, asWorker, (tx) =>
          endAttempt(tx, delivery, 'refused', { cause, said, status }, callId),
        )
        delivery.generation += 1
        pending.push({ delivery, wanted: contactFor(next, seeking), names: rest, seeking })
      } else outcomes.push({ delivery, is: 'error', error: verdict.error, looked: true })
    }
  }
  return outcomes
}

async function callPut(
  deps: OutboxDeps,
  book: OpenBook,
  begun: Making[],
): Promise<{ one: Making; verdict: Verdict }[]> {
  if (begun.length === 0) return []
  try {
    const asks = begun.map((one) => ({ key: keyOf(one.delivery), thing: one.wanted }))
    const verdicts = await putWithGrant(deps, book.connectionId, asks, (grant, connector, these) =>
      connector.putContacts(grant, these),
    )
    return begun.map((one, place) => {
      const verdict = verdicts[place]
      invariant(verdict, `${one.delivery.reference}: a contact without a verdict`)
      return { one, verdict }
    })
  } catch (error) {
    const verdict = { ok: false as const, error: bookError(error) }
    return begun.map((one) => ({ one, verdict }))
  }
}

/** COMMIT POINT: what stands for a counterparty is kept for ever, under the lease's fence. */
async function remember(
  deps: OutboxDeps,
  lease: Lease,
  book: OpenBook,
  { wanted }: Sought,
  contact: Chosen,
): Promise<boolean> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    if (!(await stillOurs(tx, lease))) return false
    const { counterpartId, role } = wanted
    const held = await tx.bookContact.findUnique({
      where: { connectionId_counterpartId_role: { connectionId: book.connectionId, counterpartId, role } },
    })
    // What a person chose stays chosen by that person.
    const chosenBy = held?.bookContactId === contact.id ? held.chosenBy : null
    await keepContact(tx, deps.clock, { connectionId: book.connectionId, counterpartId, role, contact, chosenBy })
    return true
  })
}

function contactFor(name: string, { marks, role, currency }: Seeking): Contact {
  const { email, companyNumber, vatNumber } = marks
  return { name, role, email, companyNumber, vatNumber, currency }
}

function candidatesNamed(name: string, names: string[], active: BookContact[]) {
  const taken = new Set(names.map((one) => one.toLowerCase()))
  const alike = active.filter((one) => taken.has(one.name.toLowerCase()))
  return { name, candidates: alike.map(({ id, name: bookName, email }) => ({ id, name: bookName, email })) }
}

function receiptFor(contact: Chosen): Receipt {
  return {
    kind: 'contact',
    id: contact.id,
    version: contact.version,
    number: null,
    totalMinor: null,
    openMinor: null,
    datedOn: null,
    status: null,
    deepLink: null,
    warnings: [],
    callId: null,
  }
}
