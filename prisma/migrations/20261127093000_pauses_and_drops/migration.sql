-- Who paused what goes to the books, when and why: one book, or a whole network. A network whose sending is paused trades on; one
-- whose state is paused trades nothing. What hangs on a dropped delivery was dropped with it, and comes back with it.

alter table connection
  add column paused_by text,
  add column paused_at timestamptz,
  add column pause_reason text;

alter table network
  add column sending_paused_by text,
  add column sending_paused_at timestamptz,
  add column sending_pause_reason text,
  add constraint sending_pause_is_whole check (
    (sending_paused_at is null) = (sending_paused_by is null) and (sending_paused_at is null) = (sending_pause_reason is null));

alter table delivery add column dropped_with uuid;

-- All that are parked for one cause, in steps.
create index delivery_parked_for on delivery (network_id, organisation_id, parked_cause, id) where state = 'parked';
drop index delivery_parked;
