-- Programs of a network or a member are told of what happened: their addresses, what is told to each, and how far was looked.

create table webhook_address (
  network_id uuid not null references network,
  id uuid not null,
  -- Null: the network's own, which hears of all its members.
  organisation_id uuid references organisation,
  url text not null,
  whats text[] not null check (cardinality(whats) > 0),
  -- A list, newest first; each signs until its end.
  secrets_sealed text not null,
  made_by text not null,
  made_at timestamptz not null,
  -- Since when nothing that was sent has been taken.
  failing_at timestamptz,
  off_at timestamptz,
  off_cause text,
  check ((off_at is null) = (off_cause is null)),
  primary key (network_id, id)
);

create table notice (
  network_id uuid not null,
  id uuid not null,
  address_id uuid not null,
  what text not null,
  cause text not null,
  facts jsonb not null,
  happened_at timestamptz not null,
  due_at timestamptz not null,
  attempts integer not null default 0,
  last_status text,
  taken_at timestamptz,
  given_up_at timestamptz,
  primary key (network_id, id),
  unique (network_id, address_id, what, cause),
  foreign key (network_id, address_id) references webhook_address
);
create index notice_waiting on notice (address_id, happened_at) where taken_at is null and given_up_at is null;

create table told_until (
  network_id uuid primary key references network,
  number bigint not null,
  seen_at timestamptz not null
);

do $$ declare t text; begin
  foreach t in array array['webhook_address', 'notice', 'told_until'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy worker on %I to quits_worker using (true) with check (true)', t);
    execute format('grant select, insert, update on %I to quits_worker', t);
  end loop;
end $$;
grant delete on notice to quits_worker;

alter table lane drop constraint lane_kind_check, add constraint lane_kind_check check (kind in ('book','mail','bell','address'));

-- include src/outbox/notices.sql

revoke execute on function gather_notices(integer) from public;
grant execute on function gather_notices(integer) to quits_worker;
