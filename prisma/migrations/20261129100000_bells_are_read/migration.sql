-- Bells wake a look at their book. Each book that rings has a lane for it, under the connection's own id; what was answered long ago
-- may be forgotten.

alter table lane drop constraint lane_kind_check, add constraint lane_kind_check check (kind in ('book','mail','bell'));
create index bell_of_book on bell (kind, book_id) where answered_at is null;
create index bell_newest on bell (kind, received_at);
grant delete on bell to quits_worker;

-- include src/inbox/ring.sql

revoke execute on function ring_bells(text, jsonb) from public;
grant execute on function ring_bells(text, jsonb) to quits_worker;
