-- keep_refusals(): refusals that were found before anything was asked of the ledger, kept under their keys where they are answers.
--
-- In: [{actor, route, key, bodyHash, status, body}]. Out, in order: null, or the answer that the key had before: {status, body, isOther};
-- isOther when that was the answer to another request.
create or replace function keep_refusals(p_refusals jsonb) returns jsonb
language plpgsql volatile
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare refusal jsonb; kept answer%rowtype; told jsonb[] := '{}';
begin
  for refusal in select r.value from jsonb_array_elements(p_refusals) r(value) loop
    select * into kept from answer a
     where a.actor = refusal ->> 'actor' and a.route = refusal ->> 'route' and a.key = refusal ->> 'key';
    if found and kept.body_hash <> decode(refusal ->> 'bodyHash', 'hex') then
      told := told || '{"status": 422, "body": null, "isOther": true}'::jsonb;
    elsif found and kept.status is not null then
      told := told || jsonb_build_object('status', kept.status, 'body', kept.body, 'isOther', false);
    else
      told := told || 'null'::jsonb;
      if (refusal ->> 'status')::integer in (409, 422) then
        insert into answer (actor, route, key, body_hash, status, body, kept_at)
          values (refusal ->> 'actor', refusal ->> 'route', refusal ->> 'key', decode(refusal ->> 'bodyHash', 'hex'),
            (refusal ->> 'status')::integer, refusal -> 'body', quits_now())
          on conflict (actor, route, key) do nothing;
      end if;
    end if;
  end loop;
  return to_jsonb(told);
end $$;
