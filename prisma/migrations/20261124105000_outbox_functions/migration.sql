-- The outbox's own SQL functions; each stands beside its room's files.

-- include src/outbox/lane.sql
