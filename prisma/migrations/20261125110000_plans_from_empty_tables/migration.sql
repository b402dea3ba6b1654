-- What is planned while a table is empty is kept while it fills. There all indexes cost the same, and the planner takes the
-- youngest that could answer: a transfer was looked up by its id through the index of causes, a trade through that of its buyers,
-- and each of those walks through the whole network. So their keys become the youngest indexes of their tables.

alter table transfer drop constraint transfer_pkey, add primary key (network_id, id);
alter table trade drop constraint trade_pkey, add primary key (network_id, id);

-- Both plan their statements once for a connection.

-- include src/ledger/post.sql

-- include src/trades/record-trade.sql
