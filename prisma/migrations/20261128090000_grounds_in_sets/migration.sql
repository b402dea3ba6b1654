-- What proposals and answers are judged on is read for all who ask in one call in a handful of statements, not for one after the other.

-- include src/networks/api-key.sql
-- include src/trades/grounds.sql

revoke execute on function key_holders(bytea[]) from public;
grant execute on function key_holders(bytea[]) to quits_worker;
