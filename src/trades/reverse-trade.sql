-- reverse_trades(): the same as accepting, backwards. The ledger keeps both movements; nothing is ever taken away.
--
-- In: [{tradeId, side, actor, reason, posting, promises, answer?}]; each promise names in `after` the delivery that it undoes,
-- and in `ifPaid` or `ifUnpaid` the payment on which it hangs.
-- A book in which nothing of ours can stand (never tried, refused, dropped, or a linked document that we have not paid) hears
-- nothing of the end either: what is open there is undone. Otherwise its own documents follow, each after what it undoes; where
-- our payment was refused or dropped, the credit is set against all that is open, and nothing comes back from the account.
-- Out: {ok: true, replayed, tradeId, state, bookedOn, reversedAt} or a refusal.
create or replace function reverse_trades(p_network uuid, p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
as $$
declare
  ask jsonb; verdict jsonb; posted jsonb; postings jsonb[] := '{}'; wanted jsonb;
  verdicts jsonb[]; posting_at integer[]; seen jsonb := '{}';
  t trade; code text; facts jsonb; side text; who uuid;
  landed uuid[]; untouched uuid[]; present uuid[]; unpaid uuid[];
  place integer; n integer := jsonb_array_length(p_asks);
begin
  perform 1 from ledger_head where network_id = p_network for update;
  perform 1 from trade where network_id = p_network
     and id = any (array(select (a.value ->> 'tradeId')::uuid from jsonb_array_elements(p_asks) a(value))) order by id for update;
  for place in 1..n loop
    ask := p_asks -> (place - 1); side := ask ->> 'side'; code := null; facts := '{}';
    verdicts[place] := earlier_answer(ask -> 'answer');
    continue when verdicts[place] is not null;
    select * into t from trade where network_id = p_network and id = (ask ->> 'tradeId')::uuid;
    if not found then
      code := 'not_found'; facts := '{"thing": "trade"}';
    elsif t.state = 'reversed' and t.reversed_by = ask ->> 'actor' then
      verdicts[place] := jsonb_build_object('ok', true, 'replayed', true, 'tradeId', t.id, 'state', t.state, 'reversedAt', t.reversed_at);
      continue;
    elsif t.state = 'reversed' or seen ? t.id::text then
      code := 'trade_already_reversed';
    elsif t.state <> 'accepted' then
      code := 'trade_not_accepted'; facts := jsonb_build_object('state', t.state);
    elsif side <> 'convener' and (t.reversal_asked_by is null or t.reversal_asked_by = side) then
      code := 'reversal_needs_both';
    elsif coalesce(trim(ask ->> 'reason'), '') = '' then
      code := 'reason_missing';
    end if;
    if code is not null then
      verdicts[place] := jsonb_build_object('ok', false, 'code', code, 'facts', facts);
      continue;
    end if;
    seen := seen || jsonb_build_object(t.id, true);
    -- A fee that was left out has nothing to give back. Only a convener lets a reversal pass a credit limit.
    select coalesce(jsonb_agg(x.value order by x.place), '[]') into wanted
      from jsonb_array_elements(ask #> '{posting,transfers}') with ordinality x(value, place)
     where exists (select 1 from transfer o where o.network_id = p_network and o.id = (x.value ->> 'reversesId')::uuid);
    posting_at[place] := cardinality(postings);
    postings := postings || ((ask -> 'posting') || jsonb_build_object('transfers', wanted, 'passCreditLimit', side = 'convener'));
  end loop;

  posted := ledger_post(p_network, to_jsonb(postings));

  -- Who keeps a lane holds its row while it writes an outcome; with it locked, no try can begin beside us.
  perform 1 from lane where id = any (array(
      select m.organisation_id from trade x join member m on m.network_id = x.network_id and m.id in (x.seller_member_id, x.buyer_member_id)
       where x.network_id = p_network
         and x.id = any (array(select (a.value ->> 'tradeId')::uuid from jsonb_array_elements(p_asks) a(value))))) order by id for update;
  for place in 1..n loop
    ask := p_asks -> (place - 1); side := ask ->> 'side';
    if posting_at[place] is not null then
      verdict := posted -> posting_at[place];
      if (verdict ->> 'ok')::boolean then
        update trade set state = 'reversed', reversed_at = (verdict ->> 'recordedAt')::timestamptz, reversed_by = ask ->> 'actor',
               reversal_reason = ask ->> 'reason', disputed = false, changed_at = quits_now()
         where network_id = p_network and id = (ask ->> 'tradeId')::uuid returning * into t;
        perform 1 from delivery where network_id = p_network and trade_id = t.id order by id for update;
        -- What may stand in a book: it was taken, is being sent, or nobody knows what became of a try.
        select coalesce(array_agg(d.id), '{}') into landed from delivery d
         where d.network_id = p_network and d.trade_id = t.id
           and (d.receipt is not null or d.state in ('delivered', 'sending') or (d.state = 'waiting' and d.look_first)
             or exists (select 1 from attempt a where a.network_id = p_network and a.delivery_id = d.id and a.verb in ('documents', 'payments')
                        and coalesce(a.outcome, 'unknown') in ('unknown', 'done', 'found')));
        select coalesce(array_agg(d.id) filter (where d.is_untouched), '{}'), coalesce(array_agg(d.id) filter (where not d.is_untouched), '{}'),
               coalesce(array_agg(d.payment_id) filter (where not d.is_untouched and d.is_unpaid), '{}')
          into untouched, present, unpaid
          from (select p.id, pay.id as payment_id, pay.id <> all (landed) and pay.state in ('parked', 'dropped') as is_unpaid,
                       p.id <> all (landed) or (p.document ->> 'linkedId' is not null and coalesce(pay.id <> all (landed), true)) as is_untouched
                  from delivery p
                  left join delivery pay on pay.network_id = p_network and pay.trade_id = t.id and pay.kind = 'payment' and p.id = any (pay.depends_on)
                 where p.network_id = p_network and p.trade_id = t.id and p.kind in ('invoice', 'bill', 'money_spent')) d;
        update delivery set state = 'undone', settled_at = quits_now()
         where network_id = p_network and trade_id = t.id and state in ('waiting', 'parked', 'dropped') and id <> all (landed)
           and (id = any (untouched) or id = any (unpaid) or not depends_on && present);
        if cardinality(present) > 0 then
          perform promise_deliveries(p_network, (verdict ->> 'bookedOn')::date, null, coalesce((
            select jsonb_agg(p.value order by p.place) from jsonb_array_elements(ask -> 'promises') with ordinality p(value, place)
             where (p.value ->> 'after')::uuid = any (present)
               and (not p.value ? 'ifPaid' or (p.value ->> 'ifPaid')::uuid <> all (unpaid))
               and (not p.value ? 'ifUnpaid' or (p.value ->> 'ifUnpaid')::uuid = any (unpaid))), '[]'));
        end if;
        select m.organisation_id into who from member m where m.network_id = p_network
           and m.id = case side when 'seller' then t.seller_member_id when 'buyer' then t.buyer_member_id end;
        perform record_deed(p_network, who, ask ->> 'actor', 'trade_reversed', jsonb_build_object('tradeId', t.id, 'side', side, 'reason', t.reversal_reason));
        verdict := jsonb_build_object('ok', true, 'replayed', false, 'tradeId', t.id, 'state', t.state, 'bookedOn', verdict -> 'bookedOn',
          'reversedAt', t.reversed_at);
      end if;
      verdicts[place] := verdict;
    end if;
    if verdicts[place] -> 'kept' is null then perform keep_answer(ask -> 'answer', verdicts[place]); end if;
  end loop;
  return coalesce(to_jsonb(verdicts), '[]');
end $$;
