-- Lanes are due at once. Called by whoever promises, approves or mends something for them. One notice wakes the workers, who look for
-- every lane that is due; locked in the order of their ids, so that two who wake the same ones do not wait for each other in a ring.
create or replace function wake_lanes(p_lanes uuid[]) returns void language plpgsql as $$
begin
  if coalesce(cardinality(p_lanes), 0) = 0 then return; end if;
  update lane set due_at = quits_now()
   where id = any (array(select l.id from lane l where l.id = any (p_lanes) and l.due_at > quits_now() order by l.id for no key update));
  notify quits_lane;
end $$;

create or replace function wake_lane(p_lane uuid) returns void language sql as $$ select wake_lanes(array[p_lane]) $$;
