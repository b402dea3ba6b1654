-- Stores bells and makes the look at each known book due, all in one call: a burst of them costs a trip each, and only the first one
-- of a burst touches the book's lane. The same bell rings once. A bell for a book that nobody keeps has nothing to wake: it is kept
-- as answered, so that it is known again, until it is forgotten.
create or replace function ring_bells(p_kind text, p_bells jsonb) returns integer language plpgsql volatile as $$
declare stored integer; woken integer;
begin
  with rung as (
    insert into bell (kind, id, book_id, what, thing_id, rung_at, received_at, answered_at)
    select p_kind, b.id, b."bookId", b.kind, b."thingId", coalesce(nullif(b.at, '')::timestamptz, quits_now()), quits_now(),
           case when exists (select 1 from connection c where c.kind = p_kind and c.book_id = b."bookId" and c.state in ('live','paused'))
                then null else quits_now() end
      from jsonb_to_recordset(p_bells) as b(id text, "bookId" text, kind text, "thingId" text, at text)
    on conflict (kind, id) do nothing returning book_id, answered_at),
  waiting as (
    select distinct c.id from rung r join connection c on c.kind = p_kind and c.book_id = r.book_id and c.state in ('live','paused')
     where r.answered_at is null),
  opened as (
    insert into lane (id, kind, due_at) select w.id, 'bell', quits_now() from waiting w
     where not exists (select 1 from lane l where l.id = w.id)
    on conflict (id) do nothing returning id),
  -- One that is due, or will be soon, is left alone: its look comes after this bell.
  due as (
    update lane set due_at = quits_now() where id in (select id from waiting) and due_at = 'infinity' returning id)
  select (select count(*) from rung), (select count(*) from opened) + (select count(*) from due) into stored, woken;
  if woken > 0 then notify quits_lane; end if;
  return stored;
end $$;
