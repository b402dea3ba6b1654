-- trade_grounds(): who asks with a key, and all that proposals and answers of its are judged on, in one call for many askers.
--
-- In: [{secretHash, proposals: [[network, seller, buyer]], trades: [[network, trade]]}]. Out, in order: null for a dead key, or
-- {key, own, networks, trades, members, consents}; what is not there is left out.
--
-- Keeps: members are read behind the second wall, as whoever asks; the worker reads only what is asked before it is known who does.
create or replace function trade_grounds(p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  ask jsonb; asker jsonb; own uuid[];
  networks_found jsonb; trades_found jsonb; members_found jsonb; organisations_found jsonb; consents_found jsonb;
  grounds jsonb[] := '{}';
  place integer;
begin
  for place in 1..jsonb_array_length(p_asks) loop
    ask := p_asks -> (place - 1);
    asker := key_holder(decode(ask ->> 'secretHash', 'hex'));
    if asker is null then
      grounds[place] := 'null';
      continue;
    end if;
    own := array(select m.network_id from member m where m.organisation_id = (asker ->> 'organisationId')::uuid);
    select jsonb_agg(jsonb_build_object('id', n.id, 'name', n.name, 'organisationId', n.organisation_id, 'currency', n.currency,
        'scale', n.scale, 'timeZone', n.time_zone, 'state', n.state,
        'termsVersion', (select t.version from network_terms t where t.network_id = n.id order by t.version desc limit 1)))
      into networks_found from network n
     where n.id = any (array(select (w.value ->> 0)::uuid from jsonb_array_elements((ask -> 'proposals') || (ask -> 'trades')) w(value)));
    trades_found := null; consents_found := null;
    if ask -> 'trades' <> '[]' then
      select jsonb_agg(jsonb_build_array(t.network_id, t.id, t.proposed_by, seller.organisation_id, buyer.organisation_id))
        into trades_found from jsonb_array_elements(ask -> 'trades') w(value)
        join trade t on t.network_id = (w.value ->> 0)::uuid and t.id = (w.value ->> 1)::uuid
        join member seller on seller.network_id = t.network_id and seller.id = t.seller_member_id
        join member buyer on buyer.network_id = t.network_id and buyer.id = t.buyer_member_id;
    end if;
    if ask -> 'proposals' <> '[]' then
      select jsonb_agg(jsonb_build_array(c.network_id, c.id, c.member_id, c.from_member_id, c.side))
        into consents_found from jsonb_array_elements(ask -> 'proposals') w(value)
        cross join lateral (values (w.value ->> 2, w.value ->> 1, 'buyer'), (w.value ->> 1, w.value ->> 2, 'seller')) p(accepts, proposes, side)
        join standing_consent c on c.network_id = (w.value ->> 0)::uuid and c.member_id = p.accepts::uuid
         and c.from_member_id = p.proposes::uuid and c.side = p.side and c.revoked_at is null;
    end if;

    perform set_config('quits.networks', array_to_string(own || (asker ->> 'networkId')::uuid, ','), true),
            set_config('quits.organisations', coalesce(asker ->> 'organisationId', ''), true),
            set_config('role', 'quits_app', true);
    select jsonb_agg(jsonb_build_array(m.network_id, m.id, m.organisation_id, m.account_id, m.standing))
      into members_found from (
        select distinct (w.value ->> 0)::uuid as network_id, (w.value ->> s.place)::uuid as id
          from jsonb_array_elements(ask -> 'proposals') w(value) cross join (values (1), (2)) s(place)) named
      join member m on m.network_id = named.network_id and m.id = named.id;
    perform set_config('role', 'quits_worker', true);
    select jsonb_agg(jsonb_build_array(o.id, o.name, o.vat_registered))
      into organisations_found from organisation o
     where o.id = any (array(select (m.value ->> 2)::uuid from jsonb_array_elements(members_found) m(value)));

    grounds[place] := jsonb_build_object('key', asker, 'own', to_jsonb(own), 'networks', coalesce(networks_found, '[]'),
      'trades', coalesce(trades_found, '[]'), 'members', coalesce(members_found, '[]'),
      'organisations', coalesce(organisations_found, '[]'), 'consents', coalesce(consents_found, '[]'));
  end loop;
  return to_jsonb(grounds);
end $$;
