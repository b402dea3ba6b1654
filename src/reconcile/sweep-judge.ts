/**
 * What a sweep makes of what it read: which documents are taken over, and what is missing, doubled, changed or foreign. Pure.
 *
 * Keeps: taken over is only what agrees in marker, contact, amount, currency and day, and stands on the right paper; the
 * verdicts and their marks are the reconciliation's own, so that both keep one list.
 */
import type { BookContact, BookDocument } from '../../connectors/port.ts'
import type { Day } from '../kit/clock.ts'
import type { Uuid } from '../kit/ids.ts'
import { sum } from '../kit/money.ts'
import type { Delivery } from '../outbox/delivery.ts'
import { compare, type DiscrepancyKind, isLive, type Line, place, sideOf } from './compare.ts'

/** One network that the book is mapped for. */
export type SweptNetwork = { networkId: Uuid; currency: string; creditAccountId: string; asOf: Day }
export type Adoption = { delivery: Delivery; document: BookDocument }
export type Finding = { networkId: Uuid; what: 'missing' | 'doubled' | 'changed' | 'foreign'; line: Line }

export type Swept = {
  networks: SweptNetwork[]
  /** Of all these networks, whatever one of the documents may be. */
  deliveries: Delivery[]
  documents: BookDocument[]
  /** By counterpart and side, as the book's contacts were last known. */
  contactIds: ReadonlyMap<string, string>
  contacts: BookContact[]
}

export function judgeSweep(swept: Swept): { adopt: Adoption[]; found: Finding[] } {
  const follow = merges(swept)
  const lines = swept.networks.flatMap((network) =>
    linesOf(swept, network, follow).map((line) => ({ networkId: network.networkId, line })),
  )
  const adopt = adoptions(
    lines.map(({ line }) => line),
    swept,
    follow,
  )
  const found = lines.flatMap(({ networkId, line }): Finding[] => {
    const { verdict } = line
    return verdict === 'match' || notOurs.includes(verdict) ? [] : [{ networkId, what: whatOf(verdict), line }]
  })
  return { adopt, found }
}

/** What only a whole reconciliation can say. */
const notOurs: string[] = ['on_its_way', 'opening_balance', 'dated_ahead']

function whatOf(verdict: DiscrepancyKind): Finding['what'] {
  if (verdict === 'missing_in_book') return 'missing'
  if (verdict === 'missing_in_ledger') return 'foreign'
  return verdict === 'doubled' ? 'doubled' : 'changed'
}

function linesOf(swept: Swept, network: SweptNetwork, follow: Follow): Line[] {
  const { networkId, creditAccountId, asOf, currency } = network
  const elsewhere = swept.deliveries.filter((one) => one.networkId !== networkId)
  const moved = swept.documents
    .filter((one) => isLive(one) && one.status !== 'draft' && one.datedOn <= asOf)
    .flatMap((one) => one.moves.filter((move) => move.accountId === creditAccountId))
  const ours = {
    deliveries: swept.deliveries.filter((one) => one.networkId === networkId),
    ledgerMinor: 0n,
    asOf,
    currency,
    creditAccountId,
    contactIds: swept.contactIds,
    elsewhere: new Set(
      elsewhere.flatMap(({ reference, receipt }) =>
        receipt ? [reference, place(receipt.kind, receipt.id)] : [reference],
      ),
    ),
  }
  const theirs = { documents: swept.documents, bookMinor: sum(moved.map((move) => move.amountMinor)) }
  return compare(ours, theirs).lines.map((line) =>
    line.verdict === 'contact_differs' && line.delivery && isContactOf(line.delivery, line.document, swept, follow)
      ? { ...line, verdict: 'match' as const }
      : line,
  )
}

// ── taken over ───────────────────────────────────────────────────────────────────────────────────────────────────────

function adoptions(lines: Line[], swept: Swept, follow: Follow): Adoption[] {
  const standing = new Map(swept.deliveries.flatMap((one) => (one.receipt ? [[one.id, one.receipt.id] as const] : [])))
  const adopt: Adoption[] = []
  const waiting = lines.filter(({ verdict, document }) => verdict === 'on_its_way' && document && isLive(document))
  // Papers before what stands on them.
  for (const isSettling of [false, true])
    for (const { delivery, document } of waiting) {
      if (!delivery || !document || (standsOn(delivery) !== null) !== isSettling) continue
      if (!agrees(delivery, document, swept, follow, standing)) continue
      adopt.push({ delivery, document })
      standing.set(delivery.id, document.id)
    }
  return adopt
}

function agrees(
  delivery: Delivery,
  document: BookDocument,
  swept: Swept,
  follow: Follow,
  standing: ReadonlyMap<Uuid, string>,
): boolean {
  const promise = delivery.document
  if (promise.what === 'contact' || ('linkedId' in promise && promise.linkedId)) return false
  // How much it was to be was for the book to say.
  if (promise.what === 'allocation' && promise.amountMinor === 'open') return false
  const totalMinor = 'totalMinor' in promise ? promise.totalMinor : promise.amountMinor
  if (document.status === 'draft' || document.reference !== delivery.reference) return false
  if (document.totalMinor !== BigInt(totalMinor) || document.currency !== promise.currency) return false
  if (document.datedOn !== promise.datedOn) return false
  if (!isContactOf(delivery, document, swept, follow)) return false
  const paper = standsOn(delivery)
  if (paper === null || (document.kind !== 'payment' && document.kind !== 'allocation')) return true
  const paperId = standing.get(paper)
  return paperId !== undefined && document.of.some((one) => one.id === paperId)
}

/** The delivery whose document it settles. */
function standsOn({ document }: Delivery): Uuid | null {
  if (document.what === 'payment' || document.what === 'refund') return document.of
  return document.what === 'allocation' ? document.credit : null
}

// ── contacts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a contact has been merged to, at the end of the line. */
type Follow = (contactId: string) => string
const mostMerges = 20

function merges({ contacts }: Swept): Follow {
  const into = new Map(contacts.flatMap(({ id, mergedInto }) => (mergedInto ? [[id, mergedInto] as const] : [])))
  return (contactId) => {
    let at = contactId
    for (let step = 0; step < mostMerges; step += 1) at = into.get(at) ?? at
    return at
  }
}

/** A contact that nobody has found yet agrees with nobody: the look-up at its turn decides. */
function isContactOf(delivery: Delivery, document: BookDocument | null, swept: Swept, follow: Follow): boolean {
  const promise = delivery.document
  if (promise.what === 'contact' || !document) return false
  const ours = swept.contactIds.get(`${promise.counterpartId} ${sideOf(delivery)}`)
  if (ours === undefined || document.contactId === null) return false
  return document.contactId === ours || follow(document.contactId) === follow(ours)
}
