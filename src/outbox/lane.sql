-- A lane is due at once. Called by whoever promises, approves or mends something for it.
create or replace function wake_lane(p_lane uuid) returns void language plpgsql as $$
begin
  update lane set due_at = quits_now() where id = p_lane and due_at > quits_now();
  perform pg_notify('quits_lane', p_lane::text);
end $$;
