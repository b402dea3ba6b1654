/**
 * Named truths about what stands beside the ledger because of a trade: its transfers, its promised documents, the months of
 * standing consents, invoice numbers and kept answers. Each is one query over the network $1 with one column `offender`.
 */
import type { NamedTruth } from './audit.ts'

export const truthsOfTrades: readonly NamedTruth[] = [
  {
    name: 'trades_are_in_the_ledger',
    says: 'An accepted trade has its own transfer of just its part in credits; one that nobody accepted has none.',
    offenders: `
      select 'trade ' || t.id as offender from trade t
        left join transfer f on f.network_id = t.network_id and f.id = (t.posting #>> '{transfers,0,id}')::uuid
       where t.network_id = $1::uuid and case when t.state in ('accepted', 'reversed')
         then f.id is null or f.amount_minor <> t.credit_minor or f.cause_id <> t.id or f.booked_on <> t.booked_on
           or f.kind not in ('trade', 'hold_post')
         else f.id is not null end`,
  },
  {
    name: 'reversed_trades_are_undone',
    says: 'A reversed trade has its transfer reversed, and no other has.',
    offenders: `
      select 'trade ' || t.id as offender from trade t
        left join transfer r on r.network_id = t.network_id and r.reverses_id = (t.posting #>> '{transfers,0,id}')::uuid
       where t.network_id = $1::uuid and (t.state = 'reversed') <> (r.id is not null)`,
  },
  {
    name: 'documents_are_promised',
    says: 'Each document that an accepted trade must leave in a book was promised: with a fee that was posted, or its bill instead.',
    offenders: `
      select 'trade ' || t.id || ' document ' || (p.value ->> 'reference') as offender from trade t
       cross join lateral jsonb_array_elements(t.promises) p(value)
        left join transfer f on f.network_id = t.network_id and f.id = coalesce(p.value ->> 'ifPosted', p.value ->> 'ifLeftOut')::uuid
        left join delivery d on d.network_id = t.network_id and d.organisation_id = (p.value ->> 'organisationId')::uuid
         and d.reference = p.value ->> 'reference'
       where t.network_id = $1::uuid and t.state in ('accepted', 'reversed') and not t.ledger_only and d.id is null
         and not (p.value ? 'ifPosted' and f.id is null) and not (p.value ? 'ifLeftOut' and f.id is not null)`,
  },
  {
    name: 'months_of_consents_add_up',
    says: 'What a month has used of a standing consent is the sum of the trades accepted on it, and never more than it allows.',
    offenders: `
      with used as (
        select consent_id, date_trunc('month', booked_on)::date as month, sum(credit_minor) as total from trade
         where network_id = $1::uuid and consent_id is not null and state in ('accepted', 'reversed') group by 1, 2)
      select 'consent ' || coalesce(m.consent_id, u.consent_id) || ' month ' || to_char(coalesce(m.month, u.month), 'YYYY-MM') as offender
        from (select * from standing_consent_month where network_id = $1::uuid) m
        full join used u on u.consent_id = m.consent_id and u.month = m.month
        left join standing_consent c on c.network_id = $1::uuid and c.id = coalesce(m.consent_id, u.consent_id)
       where coalesce(m.used_minor, 0) <> coalesce(u.total, 0) or c.id is null or coalesce(m.used_minor, 0) > c.a_month_minor`,
  },
  {
    name: 'invoice_numbers_once',
    says: 'No seller has given one invoice number twice, and the next one has not been given yet.',
    offenders: `
      select 'seller ' || seller_member_id || ' number ' || invoice_number as offender from trade
       where network_id = $1::uuid and invoice_number is not null group by seller_member_id, invoice_number having count(*) > 1
      union all
      select 'seller ' || m.id || ' number ' || t.invoice_number from member m
        join trade t on t.network_id = m.network_id and t.seller_member_id = m.id
       cross join lateral (select m.invoice_prefix
           || case when m.invoice_series > 26 then chr(64 + (m.invoice_series - 1) / 26) else '' end
           || case when m.invoice_series > 1 then chr(65 + (m.invoice_series - 1) % 26) else '' end as text) run
       where m.network_id = $1::uuid and not t.ledger_only and starts_with(t.invoice_number, run.text)
         and substring(t.invoice_number from length(run.text) + 1) ~ '^[0-9]{1,12}$'
         and substring(t.invoice_number from length(run.text) + 1)::bigint >= m.invoice_next`,
  },
  {
    name: 'kept_answers_are_true',
    says: 'A kept answer that says that a trade was accepted, and under which number, tells of one that was.',
    offenders: `
      select 'answer ' || a.key || ' to ' || a.actor as offender from answer a
        join trade t on t.reference = a.body ->> 'reference'
       where t.network_id = $1::uuid and a.body ->> 'state' = 'accepted'
         and (t.state not in ('accepted', 'reversed')
           or a.body ->> 'invoiceNumber' is distinct from coalesce(t.invoice_number, t.linked_invoice ->> 'number'))`,
  },
]
