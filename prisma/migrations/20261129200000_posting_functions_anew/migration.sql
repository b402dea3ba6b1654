-- The head is read once, a request is told to what is promised with the ask, a consent is looked up by its key, and verdicts grow no text.

-- include src/ledger/post.sql
-- include src/outbox/enqueue.sql
-- include src/outbox/post-and-promise.sql
-- include src/trades/propose.sql
-- include src/trades/record-trade.sql
-- include src/trades/reverse-trade.sql

revoke execute on function promise_many(uuid, date[], text[], text[], jsonb[], jsonb[]) from public;
grant execute on function promise_many(uuid, date[], text[], text[], jsonb[], jsonb[]) to quits_app, quits_writer, quits_worker;
