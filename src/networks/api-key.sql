-- key_holder(): who asks with a secret, and when it was seen last, in one statement. Null when the key is none of ours, has ended
-- or was revoked: it is asked anew each time, so that what is revoked is dead at once.
create or replace function key_holder(p_secret_hash bytea) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare held api_key%rowtype; at timestamptz := quits_now();
begin
  select * into held from api_key k where k.secret_hash = p_secret_hash and k.revoked_at is null and k.expires_at > at;
  if not found then return null; end if;
  if held.seen_at is null or held.seen_at <= at - interval '1 minute' then
    -- Who is just being written by another asking need not be written again; so nobody waits here.
    update api_key k set seen_at = at
     where k.id = (select free.id from api_key free where free.id = held.id for no key update skip locked);
  end if;
  return jsonb_build_object('id', held.id, 'name', held.name, 'role', held.role, 'networkId', held.network_id,
    'organisationId', held.organisation_id, 'mayWrite', held.may_write);
end $$;
