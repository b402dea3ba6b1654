/**
 * Keeps what a sweep found: takes over what agrees, remembers each disagreement, and opens a new series of invoice numbers
 * where a book holds numbers that our ledger would give again.
 *
 * Never: writes into a book.
 */
import { createHash } from 'node:crypto'
import type { BookDocument } from '../../connectors/port.ts'
import { asWorker, inTransaction, type Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { plainError } from '../kit/log.ts'
import { receiptToJson } from '../outbox/delivery.ts'
import { giveBack, type Lease, stillOurs, takeLeaseOf } from '../outbox/lease.ts'
import { receiptOf } from '../outbox/look-up.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'
import { place } from './compare.ts'
import type { Adoption, Finding } from './sweep-judge.ts'

/** COMMIT POINT: under the lane's lease, so that no worker is sending what is taken over. Gives what was. */
export async function adoptAll(deps: OutboxDeps, organisationId: Uuid, adopt: Adoption[]): Promise<Adoption[]> {
  if (adopt.length === 0) return []
  const lease = await takeLeaseOf(deps, `${deps.worker}/sweep`, organisationId)
  try {
    return await inTransaction(
      deps.db,
      asWorker,
      async (tx) => {
        if (!(await stillOurs(tx, lease))) return []
        const taken: Adoption[] = []
        for (const one of adopt) if (await adoptOne(tx, deps, lease, one)) taken.push(one)
        return taken
      },
      120_000,
    )
  } finally {
    // What stood behind it may go now.
    await giveBack(deps.db, lease, lease.budget, 1)
  }
}

async function adoptOne(tx: Tx, deps: OutboxDeps, lease: Lease, { delivery, document }: Adoption): Promise<boolean> {
  const { networkId, id } = delivery
  const receipt = JSON.stringify(receiptToJson(receiptOf(document)))
  const rows = await tx.$queryRaw<{ attempts: number }[]>`
    update delivery set state = 'delivered', receipt = ${receipt}::jsonb, settled_at = ${deps.clock.now()}, look_first = false,
           parked_cause = null, parked_facts = null, attempts = attempts + 1, fence = ${lease.fence}
     where network_id = ${networkId}::uuid and id = ${id}::uuid and state in ('waiting', 'sending', 'parked')
       and reference = ${delivery.reference}
    returning attempts`
  const number = rows[0]?.attempts
  if (number === undefined) return false
  await tx.$executeRaw`
    update attempt set ended_at = quits_now(), outcome = 'unknown'
     where network_id = ${networkId}::uuid and delivery_id = ${id}::uuid and ended_at is null`
  const seen = Uint8Array.from(createHash('sha256').update(place(document.kind, document.id)).digest())
  await tx.$executeRaw`
    insert into attempt (network_id, delivery_id, number, key, verb, body_hash, fence, started_at, ended_at, outcome)
    values (${networkId}::uuid, ${id}::uuid, ${number}, ${id.replaceAll('-', '')}, 'look', ${seen}, ${lease.fence}, quits_now(), quits_now(), 'found')`
  return true
}

type Looked = {
  organisationId: Uuid
  connectionId: Uuid
  networks: Uuid[]
  deliveryIds: Uuid[]
  documents: BookDocument[]
}

/** The same disagreement is the same row, here and in the reconciliation; of what was looked at, whatever agrees now is gone. */
export async function keepFindings(tx: Tx, at: Date, looked: Looked, found: Finding[]): Promise<void> {
  const { organisationId, connectionId } = looked
  for (const { networkId, line } of found) {
    const evidence = JSON.stringify({ ours: line.ours, theirs: line.theirs })
    await tx.$executeRaw`
      insert into discrepancy (network_id, id, organisation_id, connection_id, kind, mark, effect_minor, delivery_id, trade_id, evidence, opened_at, seen_at)
      values (${networkId}::uuid, ${newId(at)}::uuid, ${organisationId}::uuid, ${connectionId}::uuid, ${line.verdict}, ${line.mark},
        ${line.ledgerMinor - line.bookMinor}, ${line.delivery?.id ?? null}::uuid, ${line.delivery?.tradeId ?? null}::uuid, ${evidence}::jsonb, ${at}, ${at})
      on conflict (network_id, organisation_id, mark) where state <> 'gone'
        do update set seen_at = excluded.seen_at, effect_minor = excluded.effect_minor, evidence = excluded.evidence`
  }
  const places = looked.documents.map((document) => place(document.kind, document.id))
  for (const networkId of looked.networks) {
    const marks = found.filter((one) => one.networkId === networkId).map((one) => one.line.mark)
    await tx.$executeRaw`
      update discrepancy set state = 'gone', closed_at = ${at}
       where network_id = ${networkId}::uuid and organisation_id = ${organisationId}::uuid and state <> 'gone'
         and kind not in ('on_its_way', 'dated_ahead', 'opening_balance')
         and (delivery_id = any (${looked.deliveryIds}::uuid[]) or split_part(mark, ' ', 2) = any (${places}::text[]))
         and mark <> all (${marks}::text[])`
  }
}

/**
 * A document that we forgot bears a number of the series that we give now: a second restore of the same backup, say. Then the
 * next series begins. Gives the members for whom it does.
 */
export async function openNewSeries(tx: Tx, organisationId: Uuid, found: Finding[]): Promise<number> {
  const numbers = found.flatMap(({ what, line }) =>
    what === 'foreign' && line.document?.kind === 'invoice' && line.document.number ? [line.document.number] : [],
  )
  if (numbers.length === 0) return 0
  const members = await tx.member.findMany({ where: { organisationId } })
  let opened = 0
  for (const { networkId, id, invoicePrefix, invoiceSeries, invoiceNext } of members) {
    const given = numbers.flatMap((number) => givenIn(number, invoicePrefix) ?? [])
    const isAhead = given.some(
      ({ series, count }) => series > invoiceSeries || (series === invoiceSeries && count >= invoiceNext),
    )
    if (!isAhead) continue
    const series = Math.max(...given.map((one) => one.series)) + 1
    opened += await tx.$executeRaw`
      update member set invoice_series = ${series}, invoice_next = 1
       where network_id = ${networkId}::uuid and id = ${id}::uuid and invoice_series < ${series}`
  }
  return opened
}

/** Series one has no letter, two to twenty-six have one (B to Z), the later ones two (from AA). */
export function givenIn(number: string, prefix: string): { series: number; count: number } | null {
  if (!number.startsWith(prefix)) return null
  const [, letters = '', digits] = /^([A-Z]{0,2})(\d{5,9})$/.exec(number.slice(prefix.length)) ?? []
  if (digits === undefined || letters === 'A') return null
  const [first = 0, second = 0] = [...letters].map((letter) => letter.charCodeAt(0) - 64)
  const series = letters.length === 2 ? first * 26 + second : Math.max(1, first)
  return { series, count: Number(digits) }
}

/** Told in the log, and the next sweep tries again. */
export function toldLater(deps: OutboxDeps, organisationId: Uuid, error: unknown): void {
  deps.log.error({ error: plainError(error), organisationId }, 'a sweep failed')
}
