-- A network hears of its own members alone: not of who was only invited, or has left.

-- include src/outbox/notices.sql
