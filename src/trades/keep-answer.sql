-- What stands beside every change of a trade: the answer kept for the caller's key, and a line in the trail of deeds.

-- The status of a refusal, as kit/refusal.ts gives it (a test proves that they agree). 403 and 404 are not kept.
create or replace function refusal_status(p_code text) returns integer language sql immutable as $$
  select case
    when p_code in ('not_yours_to_answer', 'not_yours_to_withdraw', 'not_allowed') then 403
    when p_code in ('not_found', 'account_unknown', 'transfer_unknown', 'hold_unknown') then 404
    when p_code in ('accounts_must_differ', 'amount_must_be_positive', 'amount_too_large', 'hold_exceeded', 'day_in_future',
      'key_of_other_body', 'reason_missing', 'transfer_leaves_no_document', 'transfer_kind_does_not_fit', 'hold_ends_in_past') then 422
    else 409 end
$$;

-- An earlier answer under this key as a verdict; null when there is none yet. p_answer: {actor, route, key, bodyHash, …}.
create or replace function earlier_answer(p_answer jsonb) returns jsonb language plpgsql stable as $$
declare kept answer%rowtype;
begin
  if p_answer is null or jsonb_typeof(p_answer) = 'null' then return null; end if;
  select * into kept from answer a
   where a.actor = p_answer ->> 'actor' and a.route = p_answer ->> 'route' and a.key = p_answer ->> 'key';
  if not found then return null; end if;
  if kept.body_hash <> decode(p_answer ->> 'bodyHash', 'hex') then
    return jsonb_build_object('ok', false, 'code', 'key_of_other_body', 'facts', '{}'::jsonb);
  end if;
  if kept.status is null then return null; end if;
  return jsonb_build_object('ok', true, 'replayed', true, 'kept', jsonb_build_object('status', kept.status, 'body', kept.body));
end $$;

-- Kept in the same commit as what they tell: for a yes its template with the outcome, for a no {code, facts}. In: answers and
-- verdicts, place by place; an answer that is null, or whose verdict was itself kept before, is passed over.
create or replace function keep_answers(p_answers jsonb[], p_verdicts jsonb[]) returns void language sql volatile as $$
  insert into answer (actor, route, key, body_hash, status, body, kept_at)
    select distinct on (x.actor, x.route, x.key) x.actor, x.route, x.key, decode(x."bodyHash", 'hex'),
           case when yes.yes then coalesce(x.status, 200) else refusal.status end,
           case when yes.yes then coalesce(x.template, '{}') || (k.verdict - '{ok,replayed,warnings,tradeId}'::text[])
                else jsonb_build_object('code', k.verdict -> 'code', 'facts', k.verdict -> 'facts') end,
           quits_now()
      from unnest(p_answers, p_verdicts) with ordinality k(answer, verdict, place)
     cross join lateral jsonb_to_record(k.answer) x(actor text, route text, key text, "bodyHash" text, template jsonb, status integer, "onlyYes" boolean)
     cross join lateral (select (k.verdict ->> 'ok')::boolean as yes) yes
     cross join lateral (select case when not yes.yes then refusal_status(k.verdict ->> 'code') end as status) refusal
     where jsonb_typeof(k.answer) = 'object' and not k.verdict ? 'kept'
       and (yes.yes or (refusal.status in (409, 422) and k.verdict ->> 'code' <> 'key_of_other_body' and x."onlyYes" is not true))
     order by x.actor, x.route, x.key, k.place
    on conflict (actor, route, key) do update set status = excluded.status, body = excluded.body, kept_at = excluded.kept_at
      -- A no that was kept while this very request was decided is no answer to what stands now.
      where answer.status is null or (excluded.status < 400 and answer.status >= 400 and answer.body_hash = excluded.body_hash)
$$;

create or replace function keep_answer(p_answer jsonb, p_verdict jsonb) returns void language sql volatile as $$
  select keep_answers(array[p_answer], array[p_verdict])
$$;

-- Ids of deeds sort by time: the milliseconds stand in their first 48 bits, the parts of one in the twelve that follow.
create or replace function deed_id(p_at timestamptz) returns uuid language plpgsql volatile as $$
declare
  micros bigint := (extract(epoch from p_at) * 1000000)::bigint;
  parts integer := ((micros % 1000) * 4096 / 1000)::integer;
  bytes bytea := substring(int8send(micros / 1000) from 3 for 6) || substring(uuid_send(gen_random_uuid()) from 7);
begin
  return encode(set_byte(set_byte(bytes, 6, 112 | (parts >> 8)), 7, parts & 255), 'hex')::uuid;
end $$;

create or replace function record_deed(p_network uuid, p_organisation uuid, p_actor text, p_what text, p_facts jsonb) returns void
language plpgsql volatile as $$
declare
  at timestamptz := quits_now();
begin
  insert into deed (id, network_id, organisation_id, actor, what, facts, done_at)
    values (deed_id(at), p_network, p_organisation, p_actor, p_what, jsonb_strip_nulls(p_facts), at);
end $$;
