-- take_app_calls(): calls that all books of one vendor share, over all our processes. Gives the milliseconds to wait, 0 when they may go.
-- A bucket as each book has one, in thousandths of a call: a sixth may go at once, the rest comes evenly. A twentieth of that sixth is
-- kept for live trades.
create or replace function take_app_calls(p_kind text, p_calls integer, p_a_minute integer, p_live boolean) returns integer
language plpgsql volatile as $$
declare
  burst integer := greatest(1, p_a_minute / 6);
  per_ms float8 := (p_a_minute - burst) / 60.0;
  wanted integer := least(p_calls + case when p_live then 0 else burst / 20 end, burst) * 1000;
  now_at timestamptz := quits_now();
  held app_calls;
begin
  insert into app_calls (kind, thousandths, counted_at) values (p_kind, burst * 1000, now_at) on conflict (kind) do nothing;
  select * into held from app_calls where kind = p_kind for no key update;
  held.thousandths := least(burst * 1000, held.thousandths + greatest(0, extract(epoch from now_at - held.counted_at) * 1000) * per_ms);
  update app_calls
     set thousandths = held.thousandths - case when held.thousandths >= wanted then p_calls * 1000 else 0 end,
         counted_at = greatest(counted_at, now_at)
   where kind = p_kind;
  return case when held.thousandths >= wanted then 0 else ceil((wanted - held.thousandths) / per_ms) end;
end $$;
