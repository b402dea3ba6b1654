-- promise_many(): adds deliveries inside the caller's transaction, and wakes the lanes that will keep them.
--
-- In, for each posting at its place: its ledger day, the number for its papers or null, the request that made it real or null, the
-- transfers that were left out or null, and [{id, organisationId, tradeId, kind, reference, document, dependsOn, live, trace?, ifPosted?,
-- ifLeftOut?}]. What was promised already (a contact that another trade needed) stays as it is. A document without a number gets its
-- posting's; one without a day gets the ledger day; an invoice or bill is never dated later than the day on which it was accepted.
-- `trace` is the request that asked for it; `ifPosted` names a transfer that must not have been left out, `ifLeftOut` one that must.
--
-- @path trade 4/7 promises what each book must hold
create or replace function promise_many(p_network uuid, p_booked_on date[], p_numbers text[], p_traces text[], p_left_out jsonb[], p_deliveries jsonb[])
returns void
language plpgsql volatile
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  now_at timestamptz := quits_now();
  lanes uuid[];
begin
  with made as (
    insert into delivery (network_id, id, organisation_id, trade_id, kind, reference, document, depends_on, live, state, due_at, promised_at, trace)
      select p_network, x.id, x."organisationId", x."tradeId", x.kind, x.reference,
             x.document || jsonb_strip_nulls(jsonb_build_object(
               'number', case when x.document ->> 'number' is null and x.document ? 'number' then g.number end,
               'datedOn', case when x.document ? 'datedOn' then dated.on_day end,
               'dueOn', case when x.kind in ('invoice', 'bill') then greatest((x.document ->> 'dueOn')::date, dated.on_day) end)),
             coalesce(x."dependsOn", '{}'), coalesce(x.live, true), 'waiting', now_at, now_at,
             nullif(concat_ws(' ', x.trace, nullif(g.trace, x.trace)), '')
        from unnest(p_booked_on, p_numbers, p_traces, p_left_out, p_deliveries) g(booked_on, number, trace, left_out, deliveries)
       cross join lateral jsonb_to_recordset(g.deliveries) x(id uuid, "organisationId" uuid, "tradeId" uuid, kind text, reference text,
         document jsonb, "dependsOn" uuid[], live boolean, trace text, "ifPosted" text, "ifLeftOut" text)
       cross join lateral (select case
         when x.document ->> 'datedOn' is null then g.booked_on
         when x.kind in ('invoice', 'bill') then least((x.document ->> 'datedOn')::date, g.booked_on)
         else (x.document ->> 'datedOn')::date end as on_day) dated
       where not coalesce(g.left_out ? x."ifPosted", false) and (x."ifLeftOut" is null or coalesce(g.left_out ? x."ifLeftOut", false))
      on conflict (network_id, id) do nothing
      returning organisation_id)
  select array_agg(distinct m.organisation_id) into lanes from made m;
  perform wake_lanes(lanes);
end $$;

-- The same where no request is told.
create or replace function promise_many(p_network uuid, p_booked_on date[], p_numbers text[], p_left_out jsonb[], p_deliveries jsonb[])
returns void language sql volatile as $$
  select promise_many(p_network, p_booked_on, p_numbers, null::text[], p_left_out, p_deliveries)
$$;

-- The same for one posting.
create or replace function promise_deliveries(p_network uuid, p_booked_on date, p_number text, p_deliveries jsonb) returns void
language sql volatile as $$
  select promise_many(p_network, array[p_booked_on], array[p_number], array[null::jsonb], array[p_deliveries])
$$;
