-- key_holders(): who asks with each of these secrets, and when each was seen last, for all of them in one statement. Null where the key
-- is none of ours, has ended or was revoked: it is asked anew each time, so that what is revoked is dead at once.
create or replace function key_holders(p_secret_hashes bytea[]) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare holders jsonb; unseen uuid[]; at timestamptz := quits_now();
begin
  select jsonb_agg(case when k.id is not null then jsonb_build_object('id', k.id, 'name', k.name, 'role', k.role, 'networkId', k.network_id,
           'organisationId', k.organisation_id, 'mayWrite', k.may_write) end order by asked.place),
         array_agg(k.id) filter (where k.id is not null and (k.seen_at is null or k.seen_at <= at - interval '1 minute'))
    into holders, unseen
    from unnest(p_secret_hashes) with ordinality asked(secret_hash, place)
    left join lateral (select * from api_key held
      where held.secret_hash = asked.secret_hash and held.revoked_at is null and held.expires_at > at limit 1) k on true;
  if unseen is not null then
    -- Who is just being written by another asking need not be written again; so nobody waits here.
    update api_key k set seen_at = at
      from (select free.id from api_key free where free.id = any (unseen) for no key update skip locked) free
     where k.id = free.id;
  end if;
  return coalesce(holders, '[]');
end $$;

create or replace function key_holder(p_secret_hash bytea) returns jsonb language sql volatile as $$
  select nullif(key_holders(array[p_secret_hash]) -> 0, 'null')
$$;
