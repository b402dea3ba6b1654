-- Which request made a delivery exist: its trace, or two with a space between, when one request proposed a trade and another accepted
-- it. Each attempt tells it to the log. Nothing is looked up by it in the database.
alter table delivery add column trace text;

-- include src/outbox/enqueue.sql
