/**
 * The trail of what people did: one line for each deed, append only.
 *
 * Never: holds a secret, a token or anything out of a book.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'

export type DeedFacts = Record<string, string | number | boolean | null>

export type DeedDone = {
  networkId?: Uuid | null
  organisationId?: Uuid | null
  /** `per_…`, `key_…` or `quits`. */
  actor: string
  what: string
  facts?: DeedFacts
}

export async function recordDeed(tx: Tx, clock: Clock, deed: DeedDone): Promise<void> {
  const at = clock.now()
  await tx.deed.create({
    data: {
      id: newId(at),
      networkId: deed.networkId ?? null,
      organisationId: deed.organisationId ?? null,
      actor: deed.actor,
      what: deed.what,
      facts: deed.facts ?? {},
      doneAt: at,
    },
  })
}

export type Deed = {
  id: Uuid
  networkId: Uuid | null
  organisationId: Uuid | null
  actor: string
  what: string
  facts: DeedFacts
  doneAt: Date
}

/** Newest first; `after` is the id of the last one seen. */
export async function deedsOf(
  tx: Tx,
  asked: { networkId?: Uuid; organisationId?: Uuid; after?: Uuid | null; limit: number },
): Promise<Deed[]> {
  const rows = await tx.deed.findMany({
    where: {
      ...(asked.networkId ? { networkId: asked.networkId } : {}),
      ...(asked.organisationId ? { organisationId: asked.organisationId } : {}),
      ...(asked.after ? { id: { lt: asked.after } } : {}),
    },
    orderBy: { id: 'desc' },
    take: asked.limit,
  })
  return rows.map((row) => ({ ...row, facts: row.facts as DeedFacts }))
}
