-- Stores bells and makes the look at each known book due, all in one call: a burst of them costs a trip each, and only the first one
-- of a burst moves the book's lane. The same bell rings once. A bell for a book that nobody keeps has nothing to wake: it is kept
-- as answered, so that it is known again, until it is forgotten.
-- Keeps: the lane is locked, and only then asked whether it is due. Whoever answers bells holds it while it gives it back, so it has
-- either been given back by then, and is made due here, or is given back after this bell can be seen.
create or replace function ring_bells(p_kind text, p_bells jsonb) returns integer language plpgsql volatile as $$
declare stored integer; waiting uuid[]; opened integer; woken integer;
begin
  with rung as (
    insert into bell (kind, id, book_id, what, thing_id, rung_at, received_at, answered_at)
    select p_kind, b.id, b."bookId", b.kind, b."thingId", coalesce(nullif(b.at, '')::timestamptz, quits_now()), quits_now(),
           case when exists (select 1 from connection c where c.kind = p_kind and c.book_id = b."bookId" and c.state in ('live','paused'))
                then null else quits_now() end
      from jsonb_to_recordset(p_bells) as b(id text, "bookId" text, kind text, "thingId" text, at text)
    on conflict (kind, id) do nothing returning book_id, answered_at)
  select (select count(*) from rung),
         array(select distinct c.id from rung r join connection c on c.kind = p_kind and c.book_id = r.book_id and c.state in ('live','paused')
                where r.answered_at is null)
    into stored, waiting;
  if cardinality(waiting) = 0 then return stored; end if;
  -- In the order of their ids, so that two bursts over the same books do not wait for each other in a ring.
  insert into lane (id, kind, due_at) select w.id, 'bell', quits_now() from unnest(waiting) as w(id)
   where not exists (select 1 from lane l where l.id = w.id) order by w.id
  on conflict (id) do nothing;
  get diagnostics opened = row_count;
  perform 1 from lane where id = any (waiting) order by id for no key update;
  -- One that is due, or will be soon, is left alone: its look comes after this bell. One that rests between two looks goes on resting.
  update lane set due_at = greatest(quits_now(), (budget ->> 'restUntil')::timestamptz) where id = any (waiting) and due_at = 'infinity';
  get diagnostics woken = row_count;
  if opened + woken > 0 then notify quits_lane; end if;
  return stored;
end $$;
