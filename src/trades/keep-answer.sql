-- What stands beside every change of a trade: the answer kept for the caller's key, and a line in the trail of deeds.

-- The status of a refusal, as kit/refusal.ts gives it (a test proves that they agree). 403 and 404 are not kept.
create or replace function refusal_status(p_code text) returns integer language sql immutable as $$
  select case
    when p_code in ('not_yours_to_answer', 'not_yours_to_withdraw', 'not_allowed') then 403
    when p_code in ('not_found', 'account_unknown', 'transfer_unknown', 'hold_unknown') then 404
    when p_code in ('accounts_must_differ', 'amount_must_be_positive', 'amount_too_large', 'hold_exceeded', 'day_in_future',
      'key_of_other_body', 'reason_missing', 'transfer_leaves_no_document', 'transfer_kind_does_not_fit') then 422
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

-- Kept in the same commit as what it tells: for a yes its template with the outcome, for a no {code, facts}.
create or replace function keep_answer(p_answer jsonb, p_verdict jsonb) returns void language plpgsql volatile as $$
declare answered integer; told jsonb;
begin
  if p_answer is null or jsonb_typeof(p_answer) = 'null' then return; end if;
  if (p_verdict ->> 'ok')::boolean then
    answered := coalesce((p_answer ->> 'status')::integer, 200);
    told := coalesce(p_answer -> 'template', '{}') || (p_verdict - 'ok' - 'replayed' - 'warnings' - 'tradeId');
  else
    answered := refusal_status(p_verdict ->> 'code');
    if answered not in (409, 422) or p_verdict ->> 'code' = 'key_of_other_body' or p_answer ? 'onlyYes' then return; end if;
    told := jsonb_build_object('code', p_verdict -> 'code', 'facts', p_verdict -> 'facts');
  end if;
  insert into answer (actor, route, key, body_hash, status, body, kept_at)
    values (p_answer ->> 'actor', p_answer ->> 'route', p_answer ->> 'key', decode(p_answer ->> 'bodyHash', 'hex'), answered, told, quits_now())
    on conflict (actor, route, key) do update set status = excluded.status, body = excluded.body, kept_at = excluded.kept_at
      where answer.status is null;
end $$;

-- Ids of deeds sort by time: the milliseconds stand in their first 48 bits, the parts of one in the twelve that follow.
create or replace function record_deed(p_network uuid, p_organisation uuid, p_actor text, p_what text, p_facts jsonb) returns void
language plpgsql volatile as $$
declare
  at timestamptz := quits_now();
  micros bigint := (extract(epoch from at) * 1000000)::bigint;
  parts integer := ((micros % 1000) * 4096 / 1000)::integer;
  bytes bytea := uuid_send(gen_random_uuid());
begin
  bytes := substring(int8send(micros / 1000) from 3 for 6) || substring(bytes from 7);
  bytes := set_byte(set_byte(bytes, 6, 112 | (parts >> 8)), 7, parts & 255);
  insert into deed (id, network_id, organisation_id, actor, what, facts, done_at)
    values (encode(bytes, 'hex')::uuid, p_network, p_organisation, p_actor, p_what, jsonb_strip_nulls(p_facts), at);
end $$;
