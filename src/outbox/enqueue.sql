-- promise_many(): adds deliveries inside the caller's transaction, and wakes the lanes that will keep them.
--
-- In: [{bookedOn, number?, leftOut?: [transfer ids], deliveries: [{id, organisationId, tradeId, kind, reference, document, dependsOn,
-- live, ifPosted?, ifLeftOut?}]}], a group for each posting. What was promised already (a contact that another trade needed) stays as
-- it is. A document without a number gets its group's; one without a day gets the ledger day; an invoice or bill is never dated later
-- than the day on which it was accepted. `ifPosted` names a transfer that must not have been left out, `ifLeftOut` one that must.
--
-- @path trade 4/7 promises what each book must hold
create or replace function promise_many(p_network uuid, p_groups jsonb) returns void
language plpgsql volatile
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  now_at timestamptz := quits_now();
begin
  insert into delivery (network_id, id, organisation_id, trade_id, kind, reference, document, depends_on, live, state, due_at, promised_at)
    select p_network, x.id, x."organisationId", x."tradeId", x.kind, x.reference,
           x.document
             || case when x.document ? 'number' and x.document ->> 'number' is null
                     then jsonb_build_object('number', g.value -> 'number') else '{}' end
             || case when x.document ? 'datedOn' then jsonb_build_object('datedOn', dated.on_day) else '{}' end
             || case when x.kind in ('invoice', 'bill')
                     then jsonb_build_object('dueOn', greatest((x.document ->> 'dueOn')::date, dated.on_day)) else '{}' end,
           coalesce(x."dependsOn", '{}'), coalesce(x.live, true), 'waiting', now_at, now_at
      from jsonb_array_elements(p_groups) with ordinality g(value, place)
     cross join lateral jsonb_array_elements(g.value -> 'deliveries') with ordinality d(value, place)
     cross join lateral jsonb_to_record(d.value) x(id uuid, "organisationId" uuid, "tradeId" uuid, kind text, reference text, document jsonb,
       "dependsOn" uuid[], live boolean, "ifPosted" text, "ifLeftOut" text)
     cross join lateral (select (g.value ->> 'bookedOn')::date as booked_on) booked
     cross join lateral (select case
       when x.document ->> 'datedOn' is null then booked.booked_on
       when x.kind in ('invoice', 'bill') then least((x.document ->> 'datedOn')::date, booked.booked_on)
       else (x.document ->> 'datedOn')::date end as on_day) dated
     where not coalesce(g.value -> 'leftOut' ? x."ifPosted", false)
       and (x."ifLeftOut" is null or coalesce(g.value -> 'leftOut' ? x."ifLeftOut", false))
     order by g.place, d.place
    on conflict (network_id, id) do nothing;
  perform wake_lanes(array(
    select distinct (d.value ->> 'organisationId')::uuid
      from jsonb_array_elements(p_groups) g(value), jsonb_array_elements(g.value -> 'deliveries') d(value)));
end $$;

-- The same for the deliveries of one ledger day.
create or replace function promise_deliveries(p_network uuid, p_booked_on date, p_number text, p_deliveries jsonb) returns void
language sql volatile as $$
  select promise_many(p_network, jsonb_build_array(jsonb_build_object('bookedOn', p_booked_on, 'number', p_number, 'deliveries', p_deliveries)))
$$;
