-- promise_deliveries(): adds deliveries inside the caller's transaction, and wakes the lanes that will keep them.
--
-- In: [{id, organisationId, tradeId, kind, reference, document, dependsOn, live}]. What was promised already (a contact that
-- another trade needed) stays as it is. A document without a number gets p_number; one without a day gets the ledger day; an
-- invoice or bill is never dated later than the day on which it was accepted.
--
-- @path trade 4/7 promises what each book must hold
create or replace function promise_deliveries(p_network uuid, p_booked_on date, p_number text, p_deliveries jsonb) returns void
language plpgsql volatile as $$
begin
  insert into delivery (network_id, id, organisation_id, trade_id, kind, reference, document, depends_on, live, state, due_at, promised_at)
    select p_network, (d.value ->> 'id')::uuid, (d.value ->> 'organisationId')::uuid, (d.value ->> 'tradeId')::uuid, d.value ->> 'kind',
           d.value ->> 'reference',
           d.value -> 'document'
             || case when d.value -> 'document' ? 'number' and d.value #>> '{document,number}' is null
                     then jsonb_build_object('number', p_number) else '{}' end
             || case when d.value -> 'document' ? 'datedOn' then jsonb_build_object('datedOn', dated.on_day) else '{}' end
             || case when d.value ->> 'kind' in ('invoice', 'bill')
                     then jsonb_build_object('dueOn', greatest((d.value #>> '{document,dueOn}')::date, dated.on_day)) else '{}' end,
           array(select n.value::uuid from jsonb_array_elements_text(d.value -> 'dependsOn') n(value)),
           coalesce((d.value ->> 'live')::boolean, true), 'waiting', quits_now(), quits_now()
      from jsonb_array_elements(p_deliveries) with ordinality d(value, place),
           lateral (select case
             when d.value #>> '{document,datedOn}' is null then p_booked_on
             when d.value ->> 'kind' in ('invoice', 'bill') then least((d.value #>> '{document,datedOn}')::date, p_booked_on)
             else (d.value #>> '{document,datedOn}')::date end as on_day) dated
     order by d.place
    on conflict do nothing;
  perform wake_lane(o.id) from (
    select distinct (d.value ->> 'organisationId')::uuid as id from jsonb_array_elements(p_deliveries) d(value) order by 1) o;
end $$;
