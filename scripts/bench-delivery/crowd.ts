/** A crowd of old trades waiting in one book: invoices as that book already has one, under markers and numbers of their own. */
import type { Pair, Scene } from './scene.ts'

/** Carried over, not live; the first of them goes at once. */
export async function crowdInto(scene: Scene, { seller }: Pair, documents: number): Promise<void> {
  await scene.db.pool.query(
    `insert into delivery (network_id, id, organisation_id, trade_id, kind, reference, document, depends_on, live, state, due_at, promised_at)
     select d.network_id, gen_random_uuid(), d.organisation_id, d.trade_id, d.kind, 'CROWD-' || n,
            d.document || jsonb_build_object('number', 'OLD-' || n), d.depends_on, false, 'waiting', quits_now(), quits_now()
       from (select * from delivery where organisation_id = $1 and kind = 'invoice' order by promised_at limit 1) d,
            generate_series(1, $2::integer) n`,
    [seller.organisationId, documents],
  )
  await scene.db.pool.query('vacuum analyze delivery')
  await scene.db.pool.query('select wake_lane($1)', [seller.organisationId])
}
