-- Postings that are no trades are written many at once, each with its promises, its line in the trail and its kept answer.

drop function if exists post_and_promise(uuid, jsonb, jsonb);

-- include src/outbox/post-and-promise.sql

revoke execute on function post_and_promise(uuid, jsonb) from public;
grant execute on function post_and_promise(uuid, jsonb) to quits_writer;

-- Holds are few among transfers: those of a network in order, and those whose time has come, are found without reading the rest.
create index hold_in_order on transfer (network_id, number) where kind = 'hold';
create index hold_due on transfer (hold_expires_at) where kind = 'hold' and not hold_promised and hold_expires_at is not null;

-- What a hold is for stands in the trail, under its id.
create index deed_of_hold on deed (network_id, (facts ->> 'hold')) where facts ? 'hold';
