-- What the transfers of a ledger day amount to, kept once the day is over: a day that is over never changes, since the ledger
-- day never runs backwards. Totals and charts of any period add up these rows and read only what was posted since the last one.
-- Nothing is written here when something is posted (ledger/keep-days.ts).

create table ledger_day (
  network_id uuid not null,
  day date not null,
  -- Of the day's last transfer; whatever has a higher number was posted on a later day.
  last_number bigint not null check (last_number > 0),
  -- Those that moved something.
  transfers bigint not null check (transfers >= 0),
  turnover_minor bigint not null check (turnover_minor >= 0),
  reversed_minor bigint not null check (reversed_minor >= 0),
  -- The sum of all balances above zero at the end of the day.
  in_use_minor bigint not null check (in_use_minor >= 0),
  primary key (network_id, day)
);

create trigger append_only before update or delete on ledger_day for each row execute function refuse_change();
create trigger append_only_whole before truncate on ledger_day for each statement execute function refuse_change();

alter table ledger_day enable row level security;
alter table ledger_day force row level security;
create policy worker on ledger_day to quits_worker using (true) with check (true);
create policy app on ledger_day to quits_app using (network_id = any (quits_networks()));
create policy writer on ledger_day to quits_writer using (network_id = quits_network());
grant select, insert on ledger_day to quits_worker;
grant select on ledger_day to quits_app, quits_writer;

-- A cursor names an instant to the millisecond: what was promised or carried over in the same one as the last row of a page, but
-- some microseconds before, was in no page at all. So these instants are kept as cursors name them.

alter table delivery alter column promised_at type timestamptz(3);
alter table import_run alter column ran_at type timestamptz(3);
