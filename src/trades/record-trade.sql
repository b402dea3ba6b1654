-- accept_trades(): the decision. Ledger, promised deliveries, invoice number, the trade's state and the kept answer change
-- together or not at all; many trades share one call, and a refused one leaves its neighbours untouched.
--
-- In: [{tradeId, actor, side, confirmTreatment, bookedOn?, consentId?, proposal?, answer?}] of one network. `proposal` is a
-- whole trade row that does not stand yet: it is written only if it is accepted.
-- Out, in order: {ok: true, replayed, tradeId, state, invoiceNumber, bookedOn, acceptedAt, warnings}, or {ok: true, replayed,
-- kept: {status, body}} for a key that was answered before, or {ok: false, code, facts}.
--
-- Keeps: locks in one order, head, trades, members, accounts, so that no two callers wait for each other.
create or replace function accept_trades(p_network uuid, p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
-- To plan these statements anew for each call costs more than to run them.
set plan_cache_mode = force_generic_plan
as $$
declare
  head ledger_head%rowtype;
  net network%rowtype;
  today date;
  ask jsonb; verdict jsonb; posting jsonb; posted jsonb;
  trades trade[]; t trade;
  verdicts jsonb[]; is_new boolean[]; same_as integer[]; posting_at integer[];
  -- Arrays, not growing JSON, which would be written anew for each of many.
  postings jsonb[] := '{}';
  seen jsonb := '{}'; planned jsonb := '{}';
  seller record; buyer record; consent standing_consent%rowtype;
  code text; facts jsonb;
  side text; actor text;
  left_minor bigint; given text; who uuid;
  place integer; n integer := jsonb_array_length(p_asks);
begin
  select * into head from ledger_head h where h.network_id = p_network for update;
  select * into net from network where id = p_network;
  today := greatest((quits_now() at time zone net.time_zone)::date, head.booked_on);
  perform 1 from trade where network_id = p_network
     and id = any (array(select (a.value ->> 'tradeId')::uuid from jsonb_array_elements(p_asks) a(value))) order by id for update;
  perform 1 from member where network_id = p_network and id = any (array(
      select unnest(array[x.seller_member_id, x.buyer_member_id]) from trade x where x.network_id = p_network
         and x.id = any (array(select (a.value ->> 'tradeId')::uuid from jsonb_array_elements(p_asks) a(value)))
      union
      select (a.value #>> array['proposal', s.name])::uuid
        from jsonb_array_elements(p_asks) a(value), (values ('seller_member_id'), ('buyer_member_id')) s(name)
       where a.value ? 'proposal')) order by id for no key update;

  -- ── every rule of trades, each ask on its own ──
  for place in 1..n loop
    ask := p_asks -> (place - 1); side := ask ->> 'side'; actor := ask ->> 'actor';
    code := null; facts := '{}';
    verdicts[place] := earlier_answer(ask -> 'answer');
    continue when verdicts[place] is not null;
    if seen ? (ask ->> 'tradeId') then
      same_as[place] := (seen ->> (ask ->> 'tradeId'))::integer;
      continue;
    end if;

    select * into t from trade where network_id = p_network and id = (ask ->> 'tradeId')::uuid;
    is_new[place] := not found;
    if is_new[place] and ask ? 'proposal' then
      t := jsonb_populate_record(null::trade, ask -> 'proposal');
    elsif is_new[place] then
      verdicts[place] := jsonb_build_object('ok', false, 'code', 'not_found', 'facts', jsonb_build_object('thing', 'trade'));
      continue;
    end if;
    if t.state = 'accepted' and (t.decided_by = actor or ask ? 'proposal') then
      verdicts[place] := jsonb_build_object('ok', true, 'replayed', true, 'tradeId', t.id, 'state', t.state,
        'invoiceNumber', coalesce(t.invoice_number, t.linked_invoice ->> 'number'), 'bookedOn', t.booked_on, 'acceptedAt', t.decided_at,
        'warnings', '[]'::jsonb);
      continue;
    end if;

    select m.standing, o.name into seller from member m join organisation o on o.id = m.organisation_id
     where m.network_id = p_network and m.id = t.seller_member_id;
    select m.standing, o.name into buyer from member m join organisation o on o.id = m.organisation_id
     where m.network_id = p_network and m.id = t.buyer_member_id;
    if net.state <> 'open' then code := 'network_paused';
    elsif seller.standing is null or seller.standing not in ('admitted', 'suspended', 'leaving') then
      code := 'member_not_admitted'; facts := jsonb_build_object('member', seller.name);
    elsif buyer.standing = 'suspended' then
      code := 'member_may_not_buy'; facts := jsonb_build_object('member', buyer.name);
    elsif buyer.standing is null or buyer.standing not in ('admitted', 'leaving') then
      code := 'member_not_admitted'; facts := jsonb_build_object('member', buyer.name);
    elsif t.state <> 'proposed' then
      code := 'trade_not_open'; facts := jsonb_build_object('state', t.state);
    elsif side <> 'import' and t.lapses_at <= quits_now() then
      code := 'trade_lapsed';
    elsif side <> 'import' and (side not in ('seller', 'buyer') or side = t.proposed_by) then
      code := 'not_yours_to_answer';
    elsif side <> 'import' and not t.treatment_confirmed and not (side = 'seller' and coalesce((ask ->> 'confirmTreatment')::boolean, false)) then
      code := 'treatment_not_confirmed';
    elsif t.disputed then
      code := 'trade_disputed';
    elsif seen ? (t.seller_member_id || ' ' || (t.linked_invoice ->> 'id')) or seen ? (t.buyer_member_id || ' ' || (t.linked_bill ->> 'id')) or exists (
        select 1 from trade o where t.linked_invoice is not null and o.network_id = p_network and o.seller_member_id = t.seller_member_id
           and o.state = 'accepted' and o.linked_invoice ->> 'id' = t.linked_invoice ->> 'id') or exists (
        select 1 from trade o where t.linked_bill is not null and o.network_id = p_network and o.buyer_member_id = t.buyer_member_id
           and o.state = 'accepted' and o.linked_bill ->> 'id' = t.linked_bill ->> 'id') then
      code := 'invoice_does_not_fit'; facts := jsonb_build_object('why', 'another trade has it already');
    elsif ask ->> 'consentId' is not null then
      -- The sum of the month counts what stands and what this call has asked before: rather one too few than a penny too much.
      select * into consent from standing_consent c
       where c.network_id = p_network and c.id = (ask ->> 'consentId')::uuid and c.revoked_at is null and c.side = ask ->> 'side'
         and c.member_id = case c.side when 'seller' then t.seller_member_id else t.buyer_member_id end
         and c.from_member_id = case c.side when 'seller' then t.buyer_member_id else t.seller_member_id end;
      left_minor := 0;
      if found then
        left_minor := consent.a_month_minor - coalesce((planned ->> consent.id::text)::bigint, 0) - coalesce((
          select s.used_minor from standing_consent_month s
           where s.network_id = p_network and s.consent_id = consent.id and s.month = date_trunc('month', today)::date), 0);
      end if;
      if t.credit_minor > left_minor then
        code := 'consent_used_up'; facts := jsonb_build_object('leftMinor', left_minor::text);
      else
        planned := planned || jsonb_build_object(consent.id, coalesce((planned ->> consent.id::text)::bigint, 0) + t.credit_minor);
      end if;
    end if;
    if code is not null then
      verdicts[place] := jsonb_build_object('ok', false, 'code', code, 'facts', facts);
      continue;
    end if;

    seen := seen || jsonb_build_object(ask ->> 'tradeId', place);
    if t.linked_invoice is not null then seen := seen || jsonb_build_object(t.seller_member_id || ' ' || (t.linked_invoice ->> 'id'), place); end if;
    if t.linked_bill is not null then seen := seen || jsonb_build_object(t.buyer_member_id || ' ' || (t.linked_bill ->> 'id'), place); end if;
    posting := t.posting || case when ask ->> 'bookedOn' is null then '{}' else jsonb_build_object('bookedOn', ask ->> 'bookedOn') end;
    if jsonb_array_length(posting -> 'transfers') > 1 then
      -- A fee never pushes a restricted member below zero: it is left out and becomes a bill in money.
      posting := jsonb_set(posting, '{transfers}', (
        select jsonb_agg(x.value || case when x.value ->> 'kind' = 'fee' and a.never_below_zero then '{"optional": true}' else '{}'::jsonb end order by x.place)
          from jsonb_array_elements(posting -> 'transfers') with ordinality x(value, place)
          left join account a on a.network_id = p_network and a.id = (x.value ->> 'debit')::uuid));
    end if;
    postings[cardinality(postings) + 1] := posting;
    posting_at[place] := cardinality(postings) - 1;
    trades[place] := t;
  end loop;

  -- ── the ledger, once for all of them ──
  posted := ledger_post(p_network, to_jsonb(postings));

  -- ── what follows from each yes ──
  for place in 1..n loop
    ask := p_asks -> (place - 1); side := ask ->> 'side'; actor := ask ->> 'actor';
    if same_as[place] is not null then
      -- The same trade twice in one call: the second finds what the first left.
      verdict := verdicts[same_as[place]];
      if (verdict ->> 'ok')::boolean then
        verdict := case when p_asks -> (same_as[place] - 1) ->> 'actor' = actor or ask ? 'proposal'
          then verdict || jsonb_build_object('replayed', true, 'warnings', '[]'::jsonb)
          else jsonb_build_object('ok', false, 'code', 'trade_not_open', 'facts', jsonb_build_object('state', 'accepted')) end;
      end if;
      verdicts[place] := verdict;
    elsif posting_at[place] is not null then
      verdict := posted -> posting_at[place];
      if (verdict ->> 'ok')::boolean then
        t := trades[place];
        if t.linked_invoice is null and not t.ledger_only then
          update member m set invoice_next = m.invoice_next + 1 where m.network_id = p_network and m.id = t.seller_member_id
            returning m.invoice_prefix
              || case when m.invoice_series > 26 then chr(64 + (m.invoice_series - 1) / 26) else '' end
              || case when m.invoice_series > 1 then chr(65 + (m.invoice_series - 1) % 26) else '' end
              || case when m.invoice_next <= 100000 then lpad((m.invoice_next - 1)::text, 5, '0') else (m.invoice_next - 1)::text end
            into t.invoice_number;
        end if;
        given := coalesce(t.invoice_number, t.linked_invoice ->> 'number');
        t.state := 'accepted';
        t.booked_on := (verdict ->> 'bookedOn')::date;
        t.decided_at := (verdict ->> 'recordedAt')::timestamptz;
        t.decided_by := actor;
        t.treatment_confirmed := true;
        t.consent_id := (ask ->> 'consentId')::uuid;
        t.changed_at := quits_now();
        if is_new[place] then
          insert into trade values (t.*);
        else
          update trade x set state = t.state, booked_on = t.booked_on, invoice_number = t.invoice_number, decided_at = t.decided_at,
                 decided_by = t.decided_by, treatment_confirmed = true, consent_id = t.consent_id, changed_at = t.changed_at
           where x.network_id = p_network and x.id = t.id;
        end if;
        if t.consent_id is not null then
          insert into standing_consent_month as s (network_id, consent_id, month, used_minor)
            values (p_network, t.consent_id, date_trunc('month', today)::date, t.credit_minor)
            on conflict (network_id, consent_id, month) do update set used_minor = s.used_minor + excluded.used_minor;
        end if;
        if not t.ledger_only then
          perform promise_deliveries(p_network, t.booked_on, given, coalesce((
            select jsonb_agg(p.value order by p.place) from jsonb_array_elements(t.promises) with ordinality p(value, place)
             where coalesce(p.value ->> 'ifPosted', p.value ->> 'ifLeftOut') is null
                or (p.value ? 'ifLeftOut') = (
                  select (r.value ->> 'leftOut')::boolean from jsonb_array_elements(verdict -> 'transfers') r(value)
                   where r.value ->> 'id' = coalesce(p.value ->> 'ifPosted', p.value ->> 'ifLeftOut'))), '[]'));
        end if;
        select m.organisation_id into who from member m where m.network_id = p_network
           and m.id = case side when 'seller' then t.seller_member_id when 'buyer' then t.buyer_member_id end;
        perform record_deed(p_network, who, actor, case side when 'import' then 'trade_imported' else 'trade_accepted' end,
          jsonb_build_object('tradeId', t.id, 'invoiceNumber', given, 'creditMinor', t.credit_minor::text, 'consentId', t.consent_id));
        perform record_deed(p_network, m.organisation_id, 'quits', w.value ->> 'kind' || '_passed',
          jsonb_build_object('memberId', m.id, 'balanceMinor', w.value ->> 'balanceMinor', 'tradeId', t.id))
           from jsonb_array_elements(verdict -> 'warnings') w(value)
           join member m on m.network_id = p_network and m.account_id = (w.value ->> 'accountId')::uuid
          where not t.ledger_only;
        verdict := jsonb_build_object('ok', true, 'replayed', false, 'tradeId', t.id, 'state', t.state, 'invoiceNumber', given,
          'bookedOn', t.booked_on, 'acceptedAt', t.decided_at, 'warnings', verdict -> 'warnings');
      end if;
      verdicts[place] := verdict;
    end if;
    if verdicts[place] -> 'kept' is null then perform keep_answer(ask -> 'answer', verdicts[place]); end if;
  end loop;
  return coalesce(to_jsonb(verdicts), '[]');
end $$;
