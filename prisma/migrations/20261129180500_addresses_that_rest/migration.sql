-- What is new for an address that rests after a failure waits until its rest is over.

-- include src/outbox/notices.sql
