-- Delivery at the books' own speed limit: what is next for a book is read from an index in its order, however much waits
-- there, and the calls that all books of one vendor share are counted in one row.

-- An id decides among what was promised in one instant, so that the first of a hundred thousand are found without a sort.
create index delivery_next on delivery (organisation_id, live desc, promised_at, id) where state in ('waiting','sending');
drop index delivery_open;
create index delivery_sending on delivery (organisation_id) where state = 'sending';

create table app_calls (
  kind text not null primary key,
  thousandths integer not null,
  counted_at timestamptz not null
);
alter table app_calls enable row level security;
alter table app_calls force row level security;
create policy worker on app_calls to quits_worker using (true) with check (true);
grant select, insert, update on app_calls to quits_worker;

-- include src/outbox/app-calls.sql
