-- What has happened since the last look becomes notices, one for each address that asked for its kind: read from what is committed (the
-- ledger in its own order, the rest by its instant with an overlap), so nothing is added to the path of a trade, nothing is forgotten,
-- and nothing is told twice. A network without an address costs nothing. An address of a member hears of that member alone. For one that
-- is switched off it stands as given up, so that it can be sent anew.
create or replace function gather_notices(p_limit integer) returns integer language plpgsql volatile as $$
declare network record; made integer := 0; added integer; read_to bigint; looked_at timestamptz := quits_now();
begin
  for network in
    select t.network_id, t.number, t.seen_at, h.number as head from told_until t join ledger_head h on h.network_id = t.network_id
     where exists (select 1 from webhook_address a where a.network_id = t.network_id)
     order by t.network_id for update of t skip locked
  loop
    select coalesce(max(n.number), network.number) into read_to
      from (select x.number from transfer x where x.network_id = network.network_id and x.number > network.number order by x.number limit p_limit) n;
    with happened as (
      select case when x.kind = 'reversal' then 'trade.reversed' else 'trade.accepted' end as what, x.recorded_at as at,
             t.id::text as cause, jsonb_build_object('tradeId', t.id) as facts, array[s.organisation_id, b.organisation_id] as about
        from transfer x
        join trade t on t.network_id = x.network_id and t.id = x.cause_id
        join member s on s.network_id = t.network_id and s.id = t.seller_member_id
        join member b on b.network_id = t.network_id and b.id = t.buyer_member_id
       where x.network_id = network.network_id and x.number > network.number and x.number <= read_to
         and x.cause_kind = 'trade' and x.kind in ('trade', 'hold_post', 'reversal')
      union all
      select 'delivery.parked', (d.parked_facts ->> 'at')::timestamptz, d.id::text || ' ' || (d.parked_facts ->> 'at'),
             jsonb_build_object('deliveryId', d.id, 'tradeId', d.trade_id, 'cause', d.parked_cause), array[d.organisation_id]
        from delivery d
       where d.network_id = network.network_id and d.state = 'parked' and (d.parked_facts ->> 'at')::timestamptz > network.seen_at - interval '2 minutes'
      union all
      select 'discrepancy.opened', x.opened_at, x.id::text || ' ' || x.opened_at::text,
             jsonb_build_object('discrepancyId', x.id, 'tradeId', x.trade_id, 'kind', x.kind), array[x.organisation_id]
        from discrepancy x
       where x.network_id = network.network_id and x.state = 'open' and x.opened_at > network.seen_at - interval '2 minutes'
      union all
      select 'connection.needs_sign_in', e.done_at, e.id::text, jsonb_build_object('organisationId', e.organisation_id), array[e.organisation_id]
        from deed e join member m on m.network_id = network.network_id and m.organisation_id = e.organisation_id
         and m.standing in ('admitted', 'suspended', 'leaving')
       where e.network_id is null and e.what = 'connection_needs_sign_in' and e.done_at > network.seen_at - interval '2 minutes'),
    fresh as (
      insert into notice (network_id, id, address_id, what, cause, facts, happened_at, due_at, given_up_at)
      select network.network_id, gen_random_uuid(), a.id, h.what, h.cause, h.facts, h.at, looked_at, case when a.off_at is not null then looked_at end
        from happened h join webhook_address a on a.network_id = network.network_id and h.what = any (a.whats)
         and h.at >= a.made_at and (a.organisation_id is null or a.organisation_id = any (h.about))
      on conflict (network_id, address_id, what, cause) do nothing returning address_id, given_up_at),
    due as (
      -- One that rests after a failure goes on resting; one that is being served is due again after it. The row is locked in any case, so
      -- that nobody serves the lane without seeing these.
      update lane set due_at = least(due_at, case when leased_by is null
               then greatest(looked_at, (budget ->> 'restUntil')::timestamptz) else looked_at end)
       where id in (select address_id from fresh where given_up_at is null) returning id)
    select (select count(*) from fresh) + 0 * (select count(*) from due) into added;
    update told_until set number = read_to, seen_at = looked_at where network_id = network.network_id;
    made := made + added;
  end loop;
  return made;
end $$;
