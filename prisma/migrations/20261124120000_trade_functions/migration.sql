-- Promises, and what happens to a trade: each in one transaction with the ledger, the answer kept beside it.

-- include src/outbox/enqueue.sql
-- include src/trades/keep-answer.sql
-- include src/trades/record-trade.sql
-- include src/trades/propose.sql
-- include src/trades/reverse-trade.sql

do $$
declare f text;
begin
  foreach f in array array['promise_deliveries(uuid, date, text, jsonb)', 'accept_trades(uuid, jsonb)', 'propose_trades(uuid, jsonb)',
      'close_trades(uuid, jsonb)', 'reverse_trades(uuid, jsonb)'] loop
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to quits_writer', f);
  end loop;
end $$;
grant execute on function promise_deliveries(uuid, date, text, jsonb) to quits_app, quits_worker;
