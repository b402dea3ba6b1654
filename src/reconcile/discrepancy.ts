/**
 * A discrepancy: one disagreement between ledger and book, with an age, an owner and evidence from both sides.
 *
 * The same one seen again is the same row; one that is no longer seen is gone by itself. A person may accept one with
 * words; it stays in the drift until the book changes, and is open again when its amount, VAT, day or contact has become another.
 *
 * @path reconcile 5/6 keeps each disagreement with its age
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import type { DiscrepancyKind, Line } from './compare.ts'

export type Discrepancy = {
  networkId: Uuid
  id: Uuid
  organisationId: Uuid
  kind: DiscrepancyKind
  state: 'open' | 'accepted' | 'gone'
  effectMinor: bigint
  deliveryId: Uuid | null
  tradeId: Uuid | null
  evidence: { ours: Record<string, string> | null; theirs: Record<string, string> | null }
  owner: string | null
  openedAt: Date
  seenAt: Date
  closedAt: Date | null
  closedBy: string | null
  closingWords: string | null
}

/** What is said of each kind, and what can be done. Nothing is ever changed in the book by us. */
export const kindWords: Record<DiscrepancyKind, { says: string; moves: string }> = {
  on_its_way: { says: 'In the ledger, still on its way to the book.', moves: 'Nothing, unless it waits for you.' },
  missing_in_book: {
    says: 'Promised to the book, but not there.',
    moves: 'Look for it in the book; ask for it anew, or accept with a reason.',
  },
  missing_in_ledger: {
    says: 'It stands in the book and not in our ledger: entered by hand, or of a trade that a restored backup does not know.',
    moves: 'Move it to its right account or void it in the book, agree the trade again, or accept it with a reason.',
  },
  amount_differs: {
    says: 'The amount in the book is not the ledger’s.',
    moves: 'Correct it in the book, or reverse the trade.',
  },
  vat_differs: { says: 'The VAT in the book is not the trade’s.', moves: 'Check the VAT code in the book.' },
  date_differs: {
    says: 'The day in the book is not the promised one.',
    moves: 'Correct it in the book, or accept it.',
  },
  contact_differs: {
    says: 'The document now stands on another contact.',
    moves: 'Correct it in the book, or accept it.',
  },
  changed_by_person: {
    says: 'A person changed the document.',
    moves: 'Look at it in the book; accept it, or correct it there.',
  },
  voided_by_person: {
    says: 'A person voided or deleted it in the book.',
    moves: 'Reverse the trade, ask for the document anew, or accept with a reason.',
  },
  doubled: { says: 'A second document in the book looks like this one.', moves: 'Void the one typed in by hand.' },
  wrong_account: {
    says: 'It was paid through another account than the mutual-credit account.',
    moves: 'Move the payment in the book.',
  },
  paid_elsewhere: {
    says: 'The part in credits was paid through another account.',
    moves: 'Undo that payment in the book, or reverse the trade.',
  },
  dated_ahead: { says: 'It bears a day that has not come yet.', moves: 'Nothing; it agrees once that day has come.' },
  opening_balance: {
    says: 'A balance from before the connection, or entries nobody lists.',
    moves: 'Book an opening balance, or find the entry in the book.',
  },
  foreign_currency: { says: 'It is in another currency than the network’s.', moves: 'Correct it in the book.' },
}

type Row = NonNullable<Awaited<ReturnType<Tx['discrepancy']['findFirst']>>>

export function discrepancyFrom(row: Row): Discrepancy {
  return {
    networkId: row.networkId,
    id: row.id,
    organisationId: row.organisationId,
    kind: row.kind as DiscrepancyKind,
    state: row.state as Discrepancy['state'],
    effectMinor: row.effectMinor,
    deliveryId: row.deliveryId,
    tradeId: row.tradeId,
    evidence: row.evidence as Discrepancy['evidence'],
    owner: row.owner,
    openedAt: row.openedAt,
    seenAt: row.seenAt,
    closedAt: row.closedAt,
    closedBy: row.closedBy,
    closingWords: row.closingWords,
  }
}

/** What one run saw: new rows, the same rows again, and those that are gone. */
export async function keepDiscrepancies(
  tx: Tx,
  seen: { networkId: Uuid; organisationId: Uuid; connectionId: Uuid; lines: Line[]; at: Date },
): Promise<number> {
  const lines = seen.lines.filter((line) => line.verdict !== 'match')
  await reopenChanged(tx, seen, lines)
  for (const line of lines) {
    const evidence = JSON.stringify({ ours: line.ours, theirs: line.theirs })
    await tx.$executeRaw`
      insert into discrepancy (network_id, id, organisation_id, connection_id, kind, mark, effect_minor, delivery_id, trade_id, evidence, opened_at, seen_at)
      values (${seen.networkId}::uuid, ${newId(seen.at)}::uuid, ${seen.organisationId}::uuid, ${seen.connectionId}::uuid, ${line.verdict}, ${line.mark},
        ${line.ledgerMinor - line.bookMinor}, ${line.delivery?.id ?? null}::uuid, ${line.delivery?.tradeId ?? null}::uuid, ${evidence}::jsonb, ${seen.at}, ${seen.at})
      on conflict (network_id, organisation_id, mark) where state <> 'gone'
        do update set seen_at = excluded.seen_at, effect_minor = excluded.effect_minor, evidence = excluded.evidence`
  }
  await tx.discrepancy.updateMany({
    where: {
      networkId: seen.networkId,
      organisationId: seen.organisationId,
      state: { not: 'gone' },
      seenAt: { lt: seen.at },
    },
    data: { state: 'gone', closedAt: seen.at },
  })
  return lines.length
}

/** What a person accepted was that very difference; what is open or paid on it may change without a word. */
async function reopenChanged(
  tx: Tx,
  { networkId, organisationId }: { networkId: Uuid; organisationId: Uuid },
  lines: Line[],
): Promise<void> {
  const accepted = await tx.discrepancy.findMany({ where: { networkId, organisationId, state: 'accepted' } })
  for (const row of accepted) {
    const line = lines.find((one) => one.mark === row.mark)
    const { theirs } = row.evidence as Discrepancy['evidence']
    const isSame =
      line === undefined ||
      (line.ledgerMinor - line.bookMinor === row.effectMinor &&
        ['totalMinor', 'vatMinor', 'datedOn', 'contact'].every((name) => line.theirs?.[name] === theirs?.[name]))
    if (isSame) continue
    await tx.discrepancy.update({
      where: { networkId_id: { networkId, id: row.id } },
      data: { state: 'open', closedAt: null, closedBy: null, closingWords: null },
    })
  }
}

export async function acceptDiscrepancy(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; id: Uuid; actor: string; words: string },
): Promise<void> {
  const row = await openRow(tx, ask)
  await tx.discrepancy.update({
    where: { networkId_id: { networkId: ask.networkId, id: ask.id } },
    data: { state: 'accepted', closedAt: clock.now(), closedBy: ask.actor, closingWords: ask.words },
  })
  await recordDeed(tx, clock, {
    networkId: ask.networkId,
    organisationId: row.organisationId,
    actor: ask.actor,
    what: 'discrepancy_accepted',
    facts: { id: ask.id, kind: row.kind, words: ask.words },
  })
}

export async function ownDiscrepancy(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; id: Uuid; actor: string; owner: string },
): Promise<void> {
  const row = await openRow(tx, ask)
  await tx.discrepancy.update({
    where: { networkId_id: { networkId: ask.networkId, id: ask.id } },
    data: { owner: ask.owner },
  })
  await recordDeed(tx, clock, {
    networkId: ask.networkId,
    organisationId: row.organisationId,
    actor: ask.actor,
    what: 'discrepancy_assigned',
    facts: { id: ask.id, owner: ask.owner },
  })
}

async function openRow(tx: Tx, ask: { networkId: Uuid; id: Uuid }): Promise<Row> {
  const row = await tx.discrepancy.findUnique({ where: { networkId_id: { networkId: ask.networkId, id: ask.id } } })
  if (!row) throw new Refusal('not_found', { thing: 'discrepancy' })
  if (row.state !== 'open') throw new Refusal('discrepancy_closed', {})
  return row
}
