-- A posting that is no trade (a write-off) promises documents too.

-- include src/outbox/post-and-promise.sql
