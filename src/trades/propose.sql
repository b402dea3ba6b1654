-- propose_trades(): writes proposals, and holds what a buyer who proposes asked to have reserved.
--
-- In: [{proposal: a whole trade row, hold?: posting, answer?}]. Out: {ok: true, replayed, tradeId, state} or a refusal.
create or replace function propose_trades(p_network uuid, p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
as $$
declare
  ask jsonb; verdict jsonb; posted jsonb; postings jsonb[] := '{}';
  verdicts jsonb[]; hold_at integer[];
  t trade; stood trade; who uuid;
  place integer; n integer := jsonb_array_length(p_asks);
begin
  perform 1 from ledger_head where network_id = p_network for update;
  for place in 1..n loop
    ask := p_asks -> (place - 1);
    verdicts[place] := earlier_answer(ask -> 'answer');
    if verdicts[place] is null and exists (select 1 from trade o where o.reference = ask #>> '{proposal,reference}'
         and o.id <> (ask #>> '{proposal,id}')::uuid) then
      verdicts[place] := '{"ok": false, "code": "trade_name_taken", "facts": {}}';
    end if;
    continue when verdicts[place] is not null or ask -> 'hold' is null;
    hold_at[place] := cardinality(postings);
    postings := postings || (ask -> 'hold');
  end loop;
  posted := ledger_post(p_network, to_jsonb(postings));
  for place in 1..n loop
    ask := p_asks -> (place - 1);
    if verdicts[place] is null then
      verdict := case when hold_at[place] is null then '{"ok": true}' else posted -> hold_at[place] end;
      if (verdict ->> 'ok')::boolean then
        t := jsonb_populate_record(null::trade, ask -> 'proposal');
        select * into stood from trade where network_id = p_network and id = t.id;
        if not found then
          insert into trade values (t.*);
          select m.organisation_id into who from member m where m.network_id = p_network
             and m.id = case t.proposed_by when 'seller' then t.seller_member_id else t.buyer_member_id end;
          perform record_deed(p_network, who, t.proposed_by_actor, 'trade_proposed', jsonb_build_object('tradeId', t.id, 'creditMinor', t.credit_minor::text));
          verdict := jsonb_build_object('ok', true, 'replayed', false, 'tradeId', t.id, 'state', t.state);
        elsif stood.posting = t.posting and stood.lines = t.lines then
          verdict := jsonb_build_object('ok', true, 'replayed', true, 'tradeId', t.id, 'state', stood.state);
        else
          verdict := jsonb_build_object('ok', false, 'code', 'transfer_of_other_content', 'facts', '{}'::jsonb);
        end if;
      end if;
      perform keep_answer(ask -> 'answer', verdict);
      verdicts[place] := verdict;
    end if;
  end loop;
  return coalesce(to_jsonb(verdicts), '[]');
end $$;

-- close_trades(): declined by the other side, withdrawn by the side that proposed, or lapsed. What was reserved is freed.
--
-- In: [{tradeId, to, side, actor, reason, release?: posting, answer?}]. Out: {ok: true, replayed, tradeId, state} or a refusal.
create or replace function close_trades(p_network uuid, p_asks jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set jit = off
as $$
declare
  ask jsonb; verdict jsonb; posted jsonb; postings jsonb[] := '{}';
  verdicts jsonb[]; release_at integer[];
  t trade; code text; facts jsonb; closing text; who uuid; seen jsonb := '{}';
  place integer; n integer := jsonb_array_length(p_asks);
begin
  perform 1 from ledger_head where network_id = p_network for update;
  perform 1 from trade where network_id = p_network
     and id = any (array(select (a.value ->> 'tradeId')::uuid from jsonb_array_elements(p_asks) a(value))) order by id for update;
  for place in 1..n loop
    ask := p_asks -> (place - 1); closing := ask ->> 'to'; code := null; facts := '{}';
    verdicts[place] := earlier_answer(ask -> 'answer');
    continue when verdicts[place] is not null;
    select * into t from trade where network_id = p_network and id = (ask ->> 'tradeId')::uuid;
    if not found then
      code := 'not_found'; facts := '{"thing": "trade"}';
    elsif t.state = closing and t.decided_by = ask ->> 'actor' then
      verdicts[place] := jsonb_build_object('ok', true, 'replayed', true, 'tradeId', t.id, 'state', t.state);
      continue;
    elsif t.state <> 'proposed' or seen ? t.id::text then
      code := 'trade_not_open'; facts := jsonb_build_object('state', case when t.state = 'proposed' then seen ->> t.id::text else t.state end);
    elsif closing = 'declined' and ask ->> 'side' = t.proposed_by then
      code := 'not_yours_to_answer';
    elsif closing = 'withdrawn' and ask ->> 'side' <> t.proposed_by then
      code := 'not_yours_to_withdraw';
    elsif closing = 'lapsed' and (t.lapses_at > quits_now() or t.disputed) then
      code := 'trade_not_open'; facts := jsonb_build_object('state', t.state);
    end if;
    if code is not null then
      verdicts[place] := jsonb_build_object('ok', false, 'code', code, 'facts', facts);
      continue;
    end if;
    seen := seen || jsonb_build_object(t.id, closing);
    if t.hold_id is not null then
      release_at[place] := cardinality(postings);
      postings := postings || (ask -> 'release');
    end if;
  end loop;
  posted := ledger_post(p_network, to_jsonb(postings));
  for place in 1..n loop
    ask := p_asks -> (place - 1);
    if verdicts[place] is null then
      -- A hold that has run out holds nothing any more: the proposal is closed all the same.
      verdict := case when release_at[place] is null or posted -> release_at[place] ->> 'code' = 'hold_closed' then '{"ok": true}'
        else posted -> release_at[place] end;
      if (verdict ->> 'ok')::boolean then
        update trade set state = ask ->> 'to', decided_at = quits_now(), decided_by = ask ->> 'actor', decided_reason = nullif(ask ->> 'reason', ''),
               changed_at = quits_now()
         where network_id = p_network and id = (ask ->> 'tradeId')::uuid returning * into t;
        select m.organisation_id into who from member m where m.network_id = p_network
           and m.id = case ask ->> 'side' when 'seller' then t.seller_member_id when 'buyer' then t.buyer_member_id end;
        perform record_deed(p_network, who, ask ->> 'actor', 'trade_' || t.state, jsonb_build_object('tradeId', t.id, 'reason', t.decided_reason));
        verdict := jsonb_build_object('ok', true, 'replayed', false, 'tradeId', t.id, 'state', t.state);
      end if;
      verdicts[place] := verdict;
    end if;
    if verdicts[place] -> 'kept' is null then perform keep_answer(ask -> 'answer', verdicts[place]); end if;
  end loop;
  return coalesce(to_jsonb(verdicts), '[]');
end $$;
