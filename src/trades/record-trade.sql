-- accept_trades(): the decision. Ledger, promised deliveries, invoice number, the trade's state and the kept answer change
-- together or not at all; many trades share one call, and a refused one leaves its neighbours untouched.
--
-- In: [{tradeId, actor, side, confirmTreatment, bookedOn?, consentId?, proposal?, answer?, trace?}] of one network. `proposal` is a
-- whole trade row that does not stand yet: it is written only if it is accepted.
-- Out, in order: {ok: true, replayed, tradeId, state, invoiceNumber, bookedOn, acceptedAt, warnings}, or {ok: true, replayed,
-- kept: {status, body}} for a key that was answered before, or {ok: false, code, facts}.
--
-- Keeps: locks in one order, head, trades, members, accounts, so that no two callers wait for each other. All that a rule asks is read
-- in one query for all of them, and all that follows from their yes is written in one statement for each table.
create or replace function accept_trades(p_network uuid, p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
-- To plan these statements anew for each call costs more than to run them.
set plan_cache_mode = force_generic_plan
as $$
declare
  net network%rowtype; today date; now_at timestamptz; this_month date;
  t trade; place integer; first integer; k integer; asked integer; warning jsonb;
  code text; facts jsonb; verdict jsonb; posted jsonb; left_minor bigint; given text;
  -- The members concerned, by place.
  m_id uuid[]; m_organisation uuid[]; m_account uuid[]; m_standing text[]; m_name text[]; m_prefix text[]; m_series integer[]; m_next integer[];
  -- What was asked, by place; `firsts`: the place at which the same trade is asked for first.
  ids uuid[]; actors text[]; sides text[]; confirms boolean[]; days date[]; consents uuid[]; answers jsonb[]; traces text[]; proposals jsonb[]; firsts integer[];
  -- What was found for it; members and accounts by their own places.
  found trade[]; stood trade[]; sellers integer[]; buyers integer[]; left_of_month bigint[]; namesakes boolean[];
  -- What became of it. `passed`: the place of the ask that is posted for the same trade.
  verdicts jsonb[]; trades trade[]; is_new boolean[]; posting_at integer[]; passed integer[];
  -- The ledger's own word; who was refused because of another in this call, which the ledger may refuse in its turn.
  told jsonb[]; waits integer[] := '{}'; is_free boolean;
  postings jsonb[] := '{}';
  seen jsonb := '{}'; planned jsonb := '{}';
  -- What will be written.
  made trade[] := '{}'; changed trade[] := '{}';
  used_consents uuid[] := '{}'; used_minors bigint[] := '{}'; used_months date[] := '{}';
  p_day date[] := '{}'; p_number text[] := '{}'; p_trace text[] := '{}'; p_left_out jsonb[] := '{}'; p_promises jsonb[] := '{}';
  d_organisation uuid[] := '{}'; d_actor text[] := '{}'; d_what text[] := '{}'; d_facts jsonb[] := '{}';
begin
  -- ── what was asked: read before the lock is taken, beside whoever holds it ──
  select array_agg(x."tradeId" order by a.place), array_agg(x.actor order by a.place), array_agg(x.side order by a.place),
         array_agg(coalesce(x."confirmTreatment", false) order by a.place), array_agg(x."bookedOn" order by a.place),
         array_agg(x."consentId" order by a.place), array_agg(x.answer order by a.place), array_agg(x.trace order by a.place),
         array_agg(x.proposal order by a.place)
    into ids, actors, sides, confirms, days, consents, answers, traces, proposals
    from jsonb_array_elements(p_asks) with ordinality a(value, place)
   cross join lateral jsonb_to_record(a.value) x("tradeId" uuid, actor text, side text, "confirmTreatment" boolean, "bookedOn" date,
     "consentId" uuid, answer jsonb, trace text, proposal jsonb);
  asked := coalesce(cardinality(ids), 0);
  for place in 1..asked loop
    stood[place] := jsonb_populate_record(null::trade, proposals[place]);
  end loop;

  -- ── what stands: one read for all, under the lock ──
  select h.booked_on into today from ledger_head h where h.network_id = p_network for update;
  select n.* into net from network n where n.id = p_network;
  now_at := quits_now();
  today := greatest((now_at at time zone net.time_zone)::date, today);
  this_month := date_trunc('month', today)::date;
  -- One look-up for each: as a list they are looked for through the whole network while the table is young.
  perform 1 from (select distinct i.id from unnest(ids) i(id) order by i.id) i
    cross join lateral (select 1 from trade x where x.network_id = p_network and x.id = i.id limit 1 for update) x;
  select array_agg(s.t order by a.place), array_agg(a.first order by a.place), array_agg(a.verdict order by a.place)
    into found, firsts, verdicts
    from (
      select i.id, i.place, (min(i.place) over (partition by i.id))::integer as first,
             case when k.status is not null and k.body_hash = decode(i.answer ->> 'bodyHash', 'hex')
                  then jsonb_build_object('ok', true, 'replayed', true, 'kept', jsonb_build_object('status', k.status, 'body', k.body))
                  when k.body_hash <> decode(i.answer ->> 'bodyHash', 'hex')
                    or i.answer ->> 'bodyHash' <> first_value(i.answer ->> 'bodyHash') over same_key
                  then '{"ok": false, "code": "key_of_other_body", "facts": {}}'::jsonb end as verdict
        from unnest(ids, answers) with ordinality i(id, answer, place)
        left join answer k on k.actor = i.answer ->> 'actor' and k.route = i.answer ->> 'route' and k.key = i.answer ->> 'key'
      window same_key as (partition by i.answer ->> 'actor', i.answer ->> 'route', coalesce(i.answer ->> 'key', i.place::text) order by i.place)) a
    left join lateral (select x as t from trade x where x.network_id = p_network and x.id = a.id limit 1) s on true;
  for place in 1..asked loop
    is_new[place] := (found[place]).id is null;
    if not is_new[place] then stood[place] := found[place]; end if;
  end loop;
  select array_agg(m.id), array_agg(m.organisation_id), array_agg(m.account_id), array_agg(m.standing), array_agg(m.invoice_prefix),
         array_agg(m.invoice_series), array_agg(m.invoice_next)
    into m_id, m_organisation, m_account, m_standing, m_prefix, m_series, m_next
    from (
      select * from member where network_id = p_network and id = any (array(
        select x.seller_member_id from unnest(stood) x union select x.buyer_member_id from unnest(stood) x))
       order by id for no key update) m;
  m_name := array(select o.name from unnest(m_organisation) with ordinality m(id, place) left join organisation o on o.id = m.id order by m.place);
  select array_agg(array_position(m_id, s.seller) order by s.place), array_agg(array_position(m_id, s.buyer) order by s.place),
         array_agg(c.a_month_minor - coalesce(used.used_minor, 0) order by s.place),
         array_agg(is_new[s.place] and namesake.found is not null order by s.place)
    into sellers, buyers, left_of_month, namesakes
    from (select x.seller_member_id as seller, x.buyer_member_id as buyer, x.reference, x.ordinality as place, sides[x.ordinality] as side, consents[x.ordinality] as consent_id
            from unnest(stood) with ordinality x) s
    -- By its key: a network may have many thousands.
    left join lateral (
      select c.a_month_minor, c.id from standing_consent c
       where c.network_id = p_network and c.id = s.consent_id and c.revoked_at is null and c.side = s.side
         and c.member_id = case s.side when 'seller' then s.seller else s.buyer end
         and c.from_member_id = case s.side when 'seller' then s.buyer else s.seller end
       limit 1) c on true
    left join lateral (
      select u.used_minor from standing_consent_month u where u.network_id = p_network and u.consent_id = c.id and u.month = this_month
       limit 1) used on true
    left join lateral (select true as found from trade o where o.reference = s.reference limit 1) namesake on true;

  -- ── every rule of trades, each ask on its own; then the ledger, once for all of them ──
  loop
    for place in 1..asked loop
      continue when verdicts[place] is not null or passed[place] is not null;
      first := firsts[place]; code := null; facts := '{}';
      if passed[first] is not null then
        passed[place] := passed[first];
        continue;
      end if;
      t := stood[place];
      if t.id is null then
        verdicts[place] := jsonb_build_object('ok', false, 'code', 'not_found', 'facts', jsonb_build_object('thing', 'trade'));
        continue;
      end if;
      if t.state = 'accepted' and (t.decided_by = actors[place] or proposals[place] is not null) then
        verdicts[place] := jsonb_build_object('ok', true, 'replayed', true, 'tradeId', t.id, 'state', t.state,
          'invoiceNumber', coalesce(t.invoice_number, t.linked_invoice ->> 'number'), 'bookedOn', t.booked_on, 'acceptedAt', t.decided_at,
          'warnings', '[]'::jsonb);
        continue;
      end if;

      if net.state <> 'open' then code := 'network_paused';
      elsif sellers[place] is null or m_standing[sellers[place]] not in ('admitted', 'suspended', 'leaving') then
        code := 'member_not_admitted'; facts := jsonb_build_object('member', m_name[sellers[place]]);
      elsif m_standing[buyers[place]] = 'suspended' then
        code := 'member_may_not_buy'; facts := jsonb_build_object('member', m_name[buyers[place]]);
      elsif buyers[place] is null or m_standing[buyers[place]] not in ('admitted', 'leaving') then
        code := 'member_not_admitted'; facts := jsonb_build_object('member', m_name[buyers[place]]);
      elsif t.state <> 'proposed' then
        code := 'trade_not_open'; facts := jsonb_build_object('state', t.state);
      elsif namesakes[place] then
        code := 'trade_name_taken';
      elsif sides[place] <> 'import' and t.lapses_at <= now_at then
        code := 'trade_lapsed';
      elsif sides[place] <> 'import' and (sides[place] not in ('seller', 'buyer') or sides[place] = t.proposed_by) then
        code := 'not_yours_to_answer';
      elsif sides[place] <> 'import' and not t.treatment_confirmed and not (sides[place] = 'seller' and confirms[place]) then
        code := 'treatment_not_confirmed';
      elsif t.disputed then
        code := 'trade_disputed';
      end if;
      if code is null and (t.linked_invoice is not null or t.linked_bill is not null) then
        if seen ? (t.seller_member_id || ' ' || (t.linked_invoice ->> 'id')) or seen ? (t.buyer_member_id || ' ' || (t.linked_bill ->> 'id')) or exists (
            select 1 from trade o where t.linked_invoice is not null and o.network_id = p_network and o.seller_member_id = t.seller_member_id
               and o.state = 'accepted' and o.linked_invoice ->> 'id' = t.linked_invoice ->> 'id') or exists (
            select 1 from trade o where t.linked_bill is not null and o.network_id = p_network and o.buyer_member_id = t.buyer_member_id
               and o.state = 'accepted' and o.linked_bill ->> 'id' = t.linked_bill ->> 'id') then
          code := 'invoice_does_not_fit'; facts := jsonb_build_object('why', 'another trade has it already');
          waits := waits || place;
        end if;
      end if;
      if code is null and consents[place] is not null then
        -- The sum of the month counts what stands and what this call has asked before.
        left_minor := coalesce(left_of_month[place] - coalesce((planned ->> consents[place]::text)::bigint, 0), 0);
        if t.credit_minor > left_minor then
          code := 'consent_used_up'; facts := jsonb_build_object('leftMinor', left_minor::text);
          waits := waits || place;
        else
          planned := planned || jsonb_build_object(consents[place], coalesce((planned ->> consents[place]::text)::bigint, 0) + t.credit_minor);
        end if;
      end if;
      if code is not null then
        verdicts[place] := jsonb_build_object('ok', false, 'code', code, 'facts', facts);
        continue;
      end if;

      passed[first] := place; passed[place] := place;
      if t.linked_invoice is not null then seen := seen || jsonb_build_object(t.seller_member_id || ' ' || (t.linked_invoice ->> 'id'), place); end if;
      if t.linked_bill is not null then seen := seen || jsonb_build_object(t.buyer_member_id || ' ' || (t.linked_bill ->> 'id'), place); end if;
      posting_at[place] := cardinality(postings);
      postings[cardinality(postings) + 1] := case when days[place] is null then t.posting
        else t.posting || jsonb_build_object('bookedOn', days[place]) end;
      t.consent_id := consents[place];
      trades[place] := t;
    end loop;
    posted := ledger_post(p_network, to_jsonb(postings));
    exit when cardinality(waits) = 0;

    -- What the ledger refused uses nothing up: those who were refused because of it, in this call, are judged again.
    is_free := false;
    for place in 1..asked loop
      continue when posting_at[place] is null or told[place] is not null;
      told[place] := posted -> posting_at[place];
      continue when (told[place] ->> 'ok')::boolean;
      t := trades[place];
      is_free := is_free or t.consent_id is not null or t.linked_invoice is not null or t.linked_bill is not null;
      if t.consent_id is not null then
        planned := planned || jsonb_build_object(t.consent_id, (planned ->> t.consent_id::text)::bigint - t.credit_minor);
      end if;
      seen := seen - coalesce(t.seller_member_id || ' ' || (t.linked_invoice ->> 'id'), '')
        - coalesce(t.buyer_member_id || ' ' || (t.linked_bill ->> 'id'), '');
    end loop;
    exit when not is_free;
    foreach place in array waits loop verdicts[place] := null; end loop;
    waits := '{}'; postings := '{}';
  end loop;

  -- ── what follows from each yes ──
  for place in 1..asked loop
    continue when posting_at[place] is null;
    verdict := coalesce(told[place], posted -> posting_at[place]);
    verdicts[place] := verdict;
    continue when not (verdict ->> 'ok')::boolean;

    t := trades[place]; k := sellers[place];
    if t.linked_invoice is null and not t.ledger_only then
      t.invoice_number := m_prefix[k]
        || case when m_series[k] > 26 then chr(64 + (m_series[k] - 1) / 26) else '' end
        || case when m_series[k] > 1 then chr(65 + (m_series[k] - 1) % 26) else '' end
        || case when m_next[k] < 100000 then lpad(m_next[k]::text, 5, '0') else m_next[k]::text end;
      m_next[k] := m_next[k] + 1;
    end if;
    if t.consent_id is not null then
      used_consents := used_consents || t.consent_id; used_minors := used_minors || t.credit_minor;
      -- Of the ledger's own day: midnight may have fallen since the rules were asked.
      used_months := used_months || date_trunc('month', (verdict ->> 'bookedOn')::date)::date;
    end if;
    given := coalesce(t.invoice_number, t.linked_invoice ->> 'number');
    t.state := 'accepted';
    t.booked_on := (verdict ->> 'bookedOn')::date;
    t.decided_at := (verdict ->> 'recordedAt')::timestamptz;
    t.decided_by := actors[place];
    t.treatment_confirmed := true;
    t.changed_at := now_at;
    if is_new[place] then made := made || t; else changed := changed || t; end if;
    if not t.ledger_only then
      p_day := p_day || t.booked_on;
      p_number := p_number || given;
      p_trace := p_trace || traces[place];
      p_left_out := p_left_out || jsonb_path_query_array(verdict, '$.transfers[*] ? (@.leftOut == true).id');
      p_promises := p_promises || t.promises;
    end if;
    k := case sides[place] when 'seller' then sellers[place] when 'buyer' then buyers[place] end;
    d_organisation := d_organisation || m_organisation[k];
    d_actor := d_actor || actors[place];
    d_what := d_what || case sides[place] when 'import' then 'trade_imported' else 'trade_accepted' end;
    d_facts := d_facts || jsonb_build_object('tradeId', t.id, 'invoiceNumber', given, 'creditMinor', t.credit_minor::text, 'consentId', t.consent_id);
    if verdict -> 'warnings' <> '[]' and not t.ledger_only then
      for warning in select w.value from jsonb_array_elements(verdict -> 'warnings') w(value) loop
        k := array_position(m_account, (warning ->> 'accountId')::uuid);
        continue when k is null;
        d_organisation := d_organisation || m_organisation[k];
        d_actor := d_actor || 'quits'::text;
        d_what := d_what || ((warning ->> 'kind') || '_passed');
        d_facts := d_facts || jsonb_build_object('memberId', m_id[k], 'balanceMinor', warning ->> 'balanceMinor', 'tradeId', t.id);
      end loop;
    end if;
    verdicts[place] := jsonb_build_object('ok', true, 'replayed', false, 'tradeId', t.id, 'state', t.state, 'invoiceNumber', given,
      'bookedOn', t.booked_on, 'acceptedAt', t.decided_at, 'warnings', verdict -> 'warnings');
  end loop;
  -- The same trade twice in one call: the second finds what the first left.
  for place in 1..asked loop
    continue when verdicts[place] is not null;
    verdict := verdicts[passed[place]];
    if (verdict ->> 'ok')::boolean then
      verdict := case when actors[passed[place]] = actors[place] or proposals[place] is not null
        then verdict || jsonb_build_object('replayed', true, 'warnings', '[]'::jsonb)
        else jsonb_build_object('ok', false, 'code', 'trade_not_open', 'facts', jsonb_build_object('state', 'accepted')) end;
    end if;
    verdicts[place] := verdict;
  end loop;

  if cardinality(d_what) > 0 then
    insert into trade select s.* from unnest(made) s;
    update trade x set state = s.state, booked_on = s.booked_on, invoice_number = s.invoice_number, decided_at = s.decided_at,
           decided_by = s.decided_by, treatment_confirmed = true, consent_id = s.consent_id, changed_at = s.changed_at
      from unnest(changed) s where x.network_id = p_network and x.id = s.id;
    update member x set invoice_next = s.next from unnest(m_id, m_next) s(id, next)
     where x.network_id = p_network and x.id = s.id and x.invoice_next <> s.next;
    if planned <> '{}' then
      insert into standing_consent_month as s (network_id, consent_id, month, used_minor)
        select p_network, u.consent_id, u.month, sum(u.credit_minor)
          from unnest(used_consents, used_months, used_minors) u(consent_id, month, credit_minor) group by u.consent_id, u.month
        on conflict (network_id, consent_id, month) do update set used_minor = s.used_minor + excluded.used_minor;
    end if;
    perform promise_many(p_network, p_day, p_number, p_trace, p_left_out, p_promises);
    insert into deed (id, network_id, organisation_id, actor, what, facts, done_at)
      select deed_id(done.at), p_network, d.organisation, d.actor, d.what, jsonb_strip_nulls(d.facts), done.at
        from unnest(d_organisation, d_actor, d_what, d_facts) with ordinality d(organisation, actor, what, facts, place),
             lateral (select now_at + d.place * interval '1 microsecond' as at) done;
  end if;
  perform keep_answers(answers, verdicts);
  return coalesce(to_jsonb(verdicts), '[]');
end $$;
