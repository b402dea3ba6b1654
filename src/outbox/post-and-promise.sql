-- post_and_promise(): postings that are no trades, what the books must hold because of them, their lines in the trail and the
-- answers kept for their askers' keys, in one commit.
--
-- In: asks of one network, in order, each {posting, promises?, deed? {organisationId?, actor, what, facts}, answer?, idTaken?}.
-- `idTaken` is the code to say when the posting's id stands already with other content.
-- Out: a verdict for each, in order, as ledger_post() gives it; or the answer that was kept under its key before.
--
-- Keeps: the head is locked before an earlier answer is looked for, so of two who ask under one key the second hears the first.
-- Never: promises, tells or keeps anything twice for a posting that stood before.
create or replace function post_and_promise(p_network uuid, p_asks jsonb) returns jsonb
language plpgsql volatile
-- Plans kept from a time when the tables were small would read them whole.
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  verdicts jsonb[]; first_at integer[]; posted_at integer[]; postings jsonb; posted jsonb;
  verdict jsonb; place integer; i integer; now_at timestamptz;
begin
  perform 1 from ledger_head h where h.network_id = p_network for update;
  now_at := quits_now();

  -- A key that comes twice in one call: the same request follows the first one, another is refused; what was kept before says first
  -- which of them is the other.
  select array_agg(coalesce(earlier_answer(a.answer), case when a.hash <> a.first_hash
                        then jsonb_build_object('ok', false, 'code', 'key_of_other_body', 'facts', '{}'::jsonb) end) order by a.place),
         array_agg(a.first_place order by a.place)
    into verdicts, first_at
    from (
      select k.place::integer, k.answer, k.hash, first_value(k.hash) over same_key as first_hash,
             case when k.answer is null then k.place else first_value(k.place) over same_key end::integer as first_place
        from (select p.place, p.value -> 'answer' as answer, p.value #>> '{answer,bodyHash}' as hash, p.value #>> '{answer,actor}' as actor,
                     p.value #>> '{answer,route}' as route, p.value #>> '{answer,key}' as key
                from jsonb_array_elements(p_asks) with ordinality p(value, place)) k
      window same_key as (partition by k.actor, k.route, k.key order by k.place)) a;

  select coalesce(jsonb_agg(p.value -> 'posting' order by p.place), '[]'), array_agg(p.place::integer order by p.place)
    into postings, posted_at
    from jsonb_array_elements(p_asks) with ordinality p(value, place)
   where verdicts[p.place] is null and first_at[p.place] = p.place;

  if posted_at is not null then
    posted := ledger_post(p_network, postings);
    for i in 1..cardinality(posted_at) loop
      verdict := posted -> i - 1;
      place := posted_at[i];
      if verdict ->> 'code' = 'transfer_of_other_content' then
        verdict := verdict || jsonb_build_object('code', coalesce(p_asks -> (place - 1) ->> 'idTaken', 'transfer_of_other_content'));
      end if;
      verdicts[place] := verdict;
    end loop;

    -- What stood before has promised, and is told, already.
    perform promise_many(p_network, array_agg((verdicts[p.place] ->> 'bookedOn')::date order by p.place), array_agg(null::text),
              array_agg(null::jsonb), array_agg(p.value -> 'promises' order by p.place))
       from jsonb_array_elements(p_asks) with ordinality p(value, place)
      where p.place = any (posted_at) and jsonb_typeof(p.value -> 'promises') = 'array'
        and verdicts[p.place] @> '{"ok": true, "replayed": false}';
    insert into deed (id, network_id, organisation_id, actor, what, facts, done_at)
      select deed_id(now_at), p_network, (p.value #>> '{deed,organisationId}')::uuid, p.value #>> '{deed,actor}', p.value #>> '{deed,what}',
             jsonb_strip_nulls(coalesce(p.value #> '{deed,facts}', '{}')), now_at
        from jsonb_array_elements(p_asks) with ordinality p(value, place)
       where p.place = any (posted_at) and jsonb_typeof(p.value -> 'deed') = 'object'
         and verdicts[p.place] @> '{"ok": true, "replayed": false}'
       order by p.place;
    -- A yes is told with its first transfer's number, its ledger day and its instant.
    perform keep_answers(array_agg(p.value -> 'answer' order by p.place), array_agg(
              case when (verdicts[p.place] ->> 'ok')::boolean
                   then jsonb_build_object('ok', true, 'number', verdicts[p.place] #>> '{transfers,0,number}',
                          'bookedOn', verdicts[p.place] ->> 'bookedOn',
                          'recordedAt', to_char((verdicts[p.place] ->> 'recordedAt')::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                   else verdicts[p.place] end order by p.place))
       from jsonb_array_elements(p_asks) with ordinality p(value, place)
      where p.place = any (posted_at) and jsonb_typeof(p.value -> 'answer') = 'object';
  end if;

  for place in 1..coalesce(cardinality(verdicts), 0) loop
    if verdicts[place] is null then
      verdict := verdicts[first_at[place]];
      verdicts[place] := case when (verdict ->> 'ok')::boolean then verdict || '{"replayed": true}' else verdict end;
    end if;
  end loop;
  return coalesce(to_jsonb(verdicts), '[]');
end $$;
