/**
 * What a person takes up again: parked, or dropped, goes back to waiting.
 *
 * Keeps: whatever may have reached the book is looked for first. The key's generation moves on only where the vendor may
 * remember a refusal, or the body was corrected; after an unknown outcome the vendor may still know the key, so it stays.
 */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'

/** Causes that are about what stands in the book want a look first. */
const lookedAtFirst = ['outcome_unknown', 'same_reference_other_content', 'removed_by_person']

/** Gives the number taken up. Runs with the book's lane locked, so that no try begins beside it. */
export async function takeUpAgain(tx: Tx, ask: { networkId: Uuid; ids: Uuid[]; corrected?: boolean }): Promise<number> {
  return tx.$executeRaw`
    update delivery d set state = 'waiting', parked_cause = null, parked_facts = '{}', fails = 0, dropped_reason = null, dropped_with = null,
      settled_at = null,
      look_first = d.look_first or t.unknowns > 0 or (d.state = 'dropped' and t.tries > 0) or coalesce(d.parked_cause = any (${lookedAtFirst}::text[]), false),
      generation = d.generation + case
        when ${ask.corrected ?? false} then 1
        when d.state = 'dropped' and t.tries = 0 then 0
        when t.last_outcome = 'unknown' then 0 else 1 end,
      -- A look does not believe in an absence before the last try is long past.
      due_at = least(quits_now(), greatest(quits_now() - interval '1 minute', t.last_at))
    from (
      select p.id, count(a.number) filter (where a.outcome = 'unknown' or a.ended_at is null) as unknowns,
             count(a.number) filter (where a.verb <> 'look') as tries,
             max(coalesce(a.ended_at, a.started_at)) filter (where a.outcome = 'unknown' or a.ended_at is null) as last_at,
             (array_agg(coalesce(a.outcome, 'unknown') order by a.number desc) filter (where a.verb <> 'look'))[1] as last_outcome
      from delivery p left join attempt a on a.network_id = p.network_id and a.delivery_id = p.id
      where p.network_id = ${ask.networkId}::uuid and p.id = any (${ask.ids}::uuid[]) group by p.id) t
    where d.network_id = ${ask.networkId}::uuid and d.id = t.id`
}
