-- Who asks, and what a proposal or an answer is judged on, are read in one call; what is refused on it is kept in one.

-- include src/networks/api-key.sql
-- include src/trades/grounds.sql
-- include src/trades/keep-refusals.sql

do $$
declare f text;
begin
  foreach f in array array['key_holder(bytea)', 'trade_grounds(jsonb)', 'keep_refusals(jsonb)'] loop
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to quits_worker', f);
  end loop;
end $$;
