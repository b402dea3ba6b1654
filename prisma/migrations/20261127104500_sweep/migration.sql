-- How far a book's changes have been read by the sweep, and when it was last read whole. Emptied by a restore: then every
-- book is read whole first.

create table sweep (
  connection_id uuid primary key references connection,
  -- Where the next reading of changes begins: the vendor's own mark.
  cursor text,
  swept_at timestamptz not null,
  whole_at timestamptz not null
);

alter table sweep enable row level security;
alter table sweep force row level security;
create policy worker on sweep to quits_worker using (true) with check (true);
create policy app on sweep to quits_app using (exists (select 1 from connection c where c.id = connection_id));
grant select, insert, update, delete on sweep to quits_worker;
grant select on sweep to quits_app;
