-- trade_grounds(): who asks with a key, and all that proposals and answers of its are judged on, for many askers in one call and in a
-- handful of statements, however many they are.
--
-- In: [{secretHash, proposals: [[network, seller, buyer]], trades: [[network, trade]]}]. Out, in order: null for a dead key, or
-- {key, own, networks, trades, members, organisations, consents}; what is not there is left out.
--
-- Keeps: two walls before the members. Each asker is told those of the networks that it sees itself (the statement says so), and they
-- are read as an app that sees no more than the askers of this call together; the worker reads only what is asked before it is known
-- who does. Each name is looked up by itself, through its key: what is planned while a table is empty holds when it is full.
create or replace function trade_grounds(p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  holders jsonb; grounds jsonb;
  -- Side by side: the place of an asker, a network that it sees, and whether its organisation is a member there.
  seer integer[]; seen uuid[]; is_own boolean[];
  -- Of askers whose key lives: the place of the asker, and what one proposal, or one answer, of its names.
  proposer integer[]; in_network uuid[]; seller uuid[]; buyer uuid[];
  answerer integer[]; of_network uuid[]; trade_named uuid[];
  -- The place of the asker, and a member that it may be told.
  hearer integer[]; its_network uuid[]; member_id uuid[]; its_organisation uuid[]; its_account uuid[]; its_standing text[];
begin
  holders := key_holders(array(
    select decode(a.value ->> 'secretHash', 'hex') from jsonb_array_elements(p_asks) with ordinality a(value, place) order by a.place));

  select array_agg(h.place), array_agg(s.network_id), array_agg(s.is_own) into seer, seen, is_own
    from jsonb_array_elements(holders) with ordinality h(value, place)
   cross join lateral (
      select m.network_id, true as is_own from member m where m.organisation_id = (h.value ->> 'organisationId')::uuid
       union all select (h.value ->> 'networkId')::uuid, false where h.value ->> 'networkId' is not null) s;
  select array_agg(a.place), array_agg((w.value ->> 0)::uuid), array_agg((w.value ->> 1)::uuid), array_agg((w.value ->> 2)::uuid)
    into proposer, in_network, seller, buyer
    from jsonb_array_elements(p_asks) with ordinality a(value, place) cross join lateral jsonb_array_elements(a.value -> 'proposals') w(value)
   where holders -> (a.place - 1)::integer <> 'null';
  if jsonb_path_exists(p_asks, '$[*].trades[0]') then
    select array_agg(a.place), array_agg((w.value ->> 0)::uuid), array_agg((w.value ->> 1)::uuid)
      into answerer, of_network, trade_named
      from jsonb_array_elements(p_asks) with ordinality a(value, place) cross join lateral jsonb_array_elements(a.value -> 'trades') w(value)
     where holders -> (a.place - 1)::integer <> 'null';
  end if;

  if proposer is not null then
    perform set_config('quits.networks', array_to_string(array(select distinct s.id from unnest(seen) s(id)), ','), true),
            set_config('role', 'quits_app', true);
    select array_agg(named.place), array_agg(m.network_id), array_agg(m.id), array_agg(m.organisation_id), array_agg(m.account_id), array_agg(m.standing)
      into hearer, its_network, member_id, its_organisation, its_account, its_standing
      from (select distinct w.place, w.network_id, side.id
              from unnest(proposer, in_network, seller, buyer) w(place, network_id, seller, buyer)
             cross join lateral (values (w.seller), (w.buyer)) side(id)
             where exists (select 1 from unnest(seer, seen) sees(place, network_id) where sees.place = w.place and sees.network_id = w.network_id)
           ) named
     -- The network is the wall's to name inside: named twice, an index of the network alone would look as good as the key.
     cross join lateral (select * from member m where m.id = named.id offset 0) m where m.network_id = named.network_id;
    perform set_config('role', 'quits_worker', true);
  end if;

  select jsonb_agg(case when h.value <> 'null' then jsonb_build_object('key', h.value,
      'own', coalesce(own.list, '[]'), 'networks', coalesce(networks.list, '[]'), 'trades', coalesce(trades.list, '[]'),
      'members', coalesce(members.list, '[]'), 'organisations', coalesce(members.organisations, '[]'),
      'consents', coalesce(consents.list, '[]')) end order by h.place)
    into grounds from jsonb_array_elements(holders) with ordinality h(value, place)
    left join (
      select s.place, jsonb_agg(s.network_id) as list
        from unnest(seer, seen, is_own) s(place, network_id, is_own) where s.is_own group by s.place) own on own.place = h.place
    left join (
      select named.place, jsonb_agg(n.told) as list
        from (select distinct w.place, w.network_id from unnest(proposer || answerer, in_network || of_network) w(place, network_id)) named
       cross join lateral (
          select jsonb_build_object('id', n.id, 'name', n.name, 'organisationId', n.organisation_id, 'currency', n.currency,
              'scale', n.scale, 'timeZone', n.time_zone, 'state', n.state, 'termsVersion',
              (select t.version from network_terms t where t.network_id = n.id order by t.version desc limit 1)) as told
            from network n where n.id = named.network_id limit 1) n
       group by named.place) networks on networks.place = h.place
    left join (
      select named.place, jsonb_agg(jsonb_build_array(t.network_id, t.id, t.proposed_by, s.organisation_id, b.organisation_id)) as list
        from unnest(answerer, of_network, trade_named) named(place, network_id, id)
       cross join lateral (select * from trade t where t.network_id = named.network_id and t.id = named.id limit 1) t
       cross join lateral (select m.organisation_id from member m where m.network_id = t.network_id and m.id = t.seller_member_id limit 1) s
       cross join lateral (select m.organisation_id from member m where m.network_id = t.network_id and m.id = t.buyer_member_id limit 1) b
       group by named.place) trades on trades.place = h.place
    left join (
      select m.place, jsonb_agg(jsonb_build_array(m.network_id, m.id, m.organisation_id, m.account_id, m.standing)) as list,
             jsonb_agg(jsonb_build_array(o.id, o.name, o.vat_registered)) as organisations
        from unnest(hearer, its_network, member_id, its_organisation, its_account, its_standing) m(place, network_id, id, organisation_id, account_id, standing)
       cross join lateral (select o.id, o.name, o.vat_registered from organisation o where o.id = m.organisation_id limit 1) o
       group by m.place) members on members.place = h.place
    left join (
      select w.place, jsonb_agg(jsonb_build_array(w.network_id, c.id, p.accepts, p.proposes, p.side)) as list
        from unnest(proposer, in_network, seller, buyer) w(place, network_id, seller, buyer)
       cross join lateral (values (w.buyer, w.seller, 'buyer'), (w.seller, w.buyer, 'seller')) p(accepts, proposes, side)
       cross join lateral (select c.id from standing_consent c where c.network_id = w.network_id and c.member_id = p.accepts
          and c.from_member_id = p.proposes and c.side = p.side and c.revoked_at is null limit 1) c
       group by w.place) consents on consents.place = h.place;
  return coalesce(grounds, '[]');
end $$;
