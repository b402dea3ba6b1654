-- ledger_post(): the one place where transfers and entries are written.
--
-- In: postings of one network, in order, each {id, transfers: [{id, kind, debit, credit, amountMinor, causeKind, causeId,
-- reversesId?, holdId?, holdExpiresAt?, holdPromised?, optional?}], bookedOn?, passCreditLimit?, mayBuyFrozen?}.
-- Out: a verdict for each, in order: {ok: true, replayed, bookedOn, recordedAt, transfers: [{id, number, leftOut}], warnings}
-- or {ok: false, code, facts}. A refusal is the verdict of its own posting alone; its neighbours stand.
--
-- Keeps: the head row is locked first, then all accounts in the order of their ids, so that writers in several processes
-- neither wait for each other in a ring nor cross a limit. Volatile under READ COMMITTED: what was committed while it
-- waited for the lock is seen by every statement after it.
-- Never: reads an account outside the lock, or writes anything for a posting that is refused.

-- The verdict on a posting of which a transfer stands already, in the ledger or among those that this call will write; null when
-- none does. Then all must stand with this very content, or it is another posting.
create or replace function ledger_earlier(p_network uuid, p_posting jsonb, p_written transfer[]) returns jsonb
language sql stable as $$
  select case
    when count(stood.number) = 0 then null
    when bool_and(case when stood.number is null then coalesce(x.optional, false) or x.kind = 'fee' else
        stood.posting_id = (p_posting ->> 'id')::uuid and stood.kind = x.kind and stood.debit_account_id = x.debit
        and stood.credit_account_id = x.credit
        and stood.amount_minor = case when x.kind in ('hold_release', 'hold_expire') then 0 else x."amountMinor" end
        and stood.cause_kind = x."causeKind" and stood.cause_id = x."causeId" and stood.reverses_id is not distinct from x."reversesId"
        and stood.hold_id is not distinct from x."holdId"
        and stood.hold_expires_at is not distinct from date_trunc('milliseconds', x."holdExpiresAt")
        and stood.hold_promised = coalesce(x."holdPromised", false)
        and stood.booked_on = coalesce((p_posting ->> 'bookedOn')::date, stood.booked_on) end)
      then jsonb_build_object('ok', true, 'replayed', true, 'bookedOn', max(stood.booked_on), 'recordedAt', max(stood.recorded_at),
        'transfers', jsonb_agg(jsonb_build_object('id', x.id, 'number', stood.number, 'leftOut', stood.number is null) order by t.place),
        'warnings', '[]'::jsonb)
    else '{"ok": false, "code": "transfer_of_other_content", "facts": {}}' end
    from jsonb_array_elements(p_posting -> 'transfers') with ordinality t(value, place)
   cross join lateral jsonb_to_record(t.value) x(id uuid, kind text, debit uuid, credit uuid, "amountMinor" numeric, "causeKind" text,
     "causeId" uuid, "reversesId" uuid, "holdId" uuid, "holdExpiresAt" timestamptz, "holdPromised" boolean, optional boolean)
    left join lateral (
      select * from transfer s where s.network_id = p_network and s.id = x.id
      union all
      select * from unnest(p_written) s where s.id = x.id
      limit 1) stood on true
$$;

create or replace function ledger_post(p_network uuid, p_postings jsonb) returns jsonb
language plpgsql volatile
-- Plans kept from a time when the tables were small would read them whole.
set enable_seqscan = off
set jit = off
-- To plan these statements anew for each call costs more than to run them.
set plan_cache_mode = force_generic_plan
as $$
declare
  largest constant numeric := 999999999999;
  head ledger_head%rowtype;
  today date;
  recorded timestamptz; recorded_ms bigint;
  part record;
  -- The accounts concerned, by place; and as they were before a posting of several parts.
  a_id uuid[]; a_balance bigint[]; a_out bigint[]; a_in bigint[]; a_version bigint[];
  a_floor bigint[]; a_ceiling bigint[]; a_soft_floor bigint[]; a_soft_ceiling bigint[]; a_frozen boolean[]; a_never boolean[];
  balance_mark bigint[]; out_mark bigint[]; in_mark bigint[]; version_mark bigint[];
  -- What will be written. Above t_n and e_n stand remains of refused postings, which are overwritten.
  t_n integer := 0; t_rows transfer[];
  e_n integer := 0; e_rows entry[];
  t_mark integer; e_mark integer; head_mark ledger_head%rowtype;
  code text; facts jsonb; is_over boolean; is_rule boolean;
  booked date;
  named transfer%rowtype; entry_row entry%rowtype;
  freed bigint; amount bigint; after_minor bigint;
  place integer; other integer; i integer;
  has_soft_limits boolean;
  answers jsonb[] := '{}'; said jsonb; warnings jsonb;
begin
  select * into head from ledger_head where network_id = p_network for update;
  if not found then
    raise exception 'network % has no ledger head', p_network using errcode = 'QI001';
  end if;
  -- The lock may have been waited for until after midnight. Milliseconds, so that a chain can be worked out again by a program that
  -- counts in them.
  select greatest(date_trunc('milliseconds', now.now), head.recorded_at), (now.now at time zone n.time_zone)::date into recorded, today
    from network n, (select quits_now() as now) now where n.id = p_network;
  recorded_ms := (extract(epoch from recorded) * 1000)::bigint;

  select array_agg(l.id), array_agg(l.balance_minor), array_agg(l.held_out_minor), array_agg(l.held_in_minor), array_agg(l.version),
         array_agg(l.floor_minor), array_agg(l.ceiling_minor), array_agg(l.soft_floor_minor), array_agg(l.soft_ceiling_minor),
         array_agg(l.frozen), array_agg(l.never_below_zero), bool_or(coalesce(l.soft_floor_minor, l.soft_ceiling_minor) is not null)
    into a_id, a_balance, a_out, a_in, a_version, a_floor, a_ceiling, a_soft_floor, a_soft_ceiling, a_frozen, a_never, has_soft_limits
    from (
      select a.* from account a
       where a.network_id = p_network
         and a.id = any (array(
           select unnest(array[t.value ->> 'debit', t.value ->> 'credit'])::uuid
             from jsonb_array_elements(p_postings) p(value), jsonb_array_elements(p.value -> 'transfers') t(value)))
       order by a.id
       for update
    ) l;

  for part in
    with asked as materialized (
      select p.place as posting_place, p.value as posting, jsonb_array_length(p.value -> 'transfers') as parts, t.place as nth,
             (p.value ->> 'id')::uuid as posting_id, (p.value ->> 'bookedOn')::date as booked_on, x.id, x.kind, x.debit, x.credit,
             case when x.kind in ('hold_release', 'hold_expire') then 0 else x."amountMinor" end as amount,
             x."causeKind" as cause_kind, x."causeId" as cause_id, x."reversesId" as reverses_id, x."holdId" as hold_id,
             date_trunc('milliseconds', x."holdExpiresAt") as hold_expires_at, coalesce(x."holdPromised", false) as hold_promised,
             coalesce(x.optional, false) as optional
        from jsonb_array_elements(p_postings) with ordinality p(value, place)
        left join lateral jsonb_array_elements(p.value -> 'transfers') with ordinality t(value, place) on true
        left join lateral jsonb_to_record(t.value) x(id uuid, kind text, debit uuid, credit uuid, "amountMinor" numeric, "causeKind" text,
          "causeId" uuid, "reversesId" uuid, "holdId" uuid, "holdExpiresAt" timestamptz, "holdPromised" boolean, optional boolean) on true
    ), places as materialized (
      select l.id, l.place::integer as place from unnest(a_id) with ordinality l(id, place)
    )
    select a.*, debit.place as debit_place, credit.place as credit_place, again.id is not null as is_again,
           bool_or(again.id is not null or stood.found is not null) over (partition by a.posting_place) as may_stand
      from asked a
      left join (select b.id from asked b group by b.id having count(*) > 1) again on again.id = a.id
      left join places debit on debit.id = a.debit
      left join places credit on credit.id = a.credit
      left join lateral (select true as found from transfer s where s.network_id = p_network and s.id = a.id limit 1) stood on true
     order by a.posting_place, a.nth
  loop
    if coalesce(part.nth, 1) = 1 then
      if part.id is null or part.posting_id is null then
        raise exception 'a posting without an id or without transfers' using errcode = 'QI001';
      end if;
      is_over := false; said := '[]'; warnings := '[]';
      if part.may_stand then
        answers[part.posting_place] := ledger_earlier(p_network, part.posting, t_rows[1:t_n]);
        is_over := answers[part.posting_place] is not null;
      end if;
      booked := coalesce(part.booked_on, greatest(today, head.booked_on));
      t_mark := t_n; e_mark := e_n;
      if part.parts > 1 then
        head_mark := head; balance_mark := a_balance; out_mark := a_out; in_mark := a_in; version_mark := a_version;
      end if;
    end if;
    continue when is_over;
    if (part.reverses_id is not null and part.kind <> 'reversal')
       or (part.hold_id is not null and part.kind not in ('hold_post', 'hold_release', 'hold_expire')) then
      raise exception 'a % names what its kind does not', part.kind using errcode = 'QI001';
    end if;

    -- ── a transfer, on the balances as the ones before it leave them ──
    code := null; facts := '{}'; is_rule := false; freed := 0; place := part.debit_place; other := part.credit_place;
    <<judge>>
    begin
      -- One condition inside the other: a condition with a query in it is no simple expression, and costs as much as a statement.
      if part.is_again then
        if exists (select 1 from unnest(t_rows[t_mark + 1:t_n]) s where s.id = part.id) then
          code := 'transfer_of_other_content'; exit judge;
        end if;
      end if;
      if part.debit = part.credit then code := 'accounts_must_differ'; exit judge; end if;
      if part.amount <= 0 and part.kind not in ('hold_release', 'hold_expire') then code := 'amount_must_be_positive'; exit judge; end if;
      if part.amount > largest then code := 'amount_too_large'; exit judge; end if;
      if place is null or other is null then
        code := 'account_unknown';
        facts := jsonb_build_object('accountId', case when place is null then part.debit else part.credit end);
        exit judge;
      end if;
      amount := part.amount::bigint;

      if part.reverses_id is not null or part.hold_id is not null then
        select * into named from (
          select * from transfer s where s.network_id = p_network and s.id = coalesce(part.reverses_id, part.hold_id)
          union all
          select * from unnest(t_rows[1:t_n]) s where s.id = coalesce(part.reverses_id, part.hold_id)) s limit 1;
      end if;
      if part.kind = 'reversal' then
        -- It mirrors what it names to the penny, and nothing is reversed that moved nothing or was a reversal itself.
        if named.id is null or named.id is distinct from part.reverses_id or named.kind in ('hold', 'hold_release', 'hold_expire', 'reversal')
           or named.debit_account_id <> part.credit or named.credit_account_id <> part.debit or named.amount_minor <> amount then
          code := 'transfer_unknown'; facts := jsonb_build_object('transferId', part.reverses_id); exit judge;
        end if;
        if exists (select 1 from transfer s where s.network_id = p_network and s.reverses_id = part.reverses_id
                   union all select 1 from unnest(t_rows[1:t_n]) s where s.reverses_id = part.reverses_id) then
          code := 'transfer_already_reversed'; facts := jsonb_build_object('transferId', part.reverses_id); exit judge;
        end if;
      elsif part.kind in ('hold_post', 'hold_release', 'hold_expire') then
        if named.id is null or named.id is distinct from part.hold_id or named.kind <> 'hold' or named.debit_account_id <> part.debit
           or named.credit_account_id <> part.credit then
          code := 'hold_unknown'; facts := jsonb_build_object('holdId', part.hold_id); exit judge;
        end if;
        if exists (select 1 from transfer s where s.network_id = p_network and s.hold_id = part.hold_id
                   union all select 1 from unnest(t_rows[1:t_n]) s where s.hold_id = part.hold_id) then
          code := 'hold_closed'; facts := jsonb_build_object('holdId', part.hold_id); exit judge;
        end if;
        if part.kind = 'hold_expire' and (named.hold_promised or named.hold_expires_at is null or named.hold_expires_at > recorded) then
          code := 'hold_not_expired'; facts := jsonb_build_object('holdId', part.hold_id); exit judge;
        end if;
        if amount > named.amount_minor then
          code := 'hold_exceeded';
          facts := jsonb_build_object('heldMinor', named.amount_minor::text, 'askedMinor', amount::text); exit judge;
        end if;
        freed := named.amount_minor;
      end if;

      if part.booked_on < head.booked_on then
        code := 'day_runs_backwards'; facts := jsonb_build_object('bookedOn', head.booked_on, 'askedOn', part.booked_on); exit judge;
      end if;
      if part.booked_on > greatest(today, head.booked_on) then
        code := 'day_in_future'; facts := jsonb_build_object('askedOn', part.booked_on); exit judge;
      end if;

      -- The rules on the two accounts. Posting what is held meets the legal floor alone, and only when the form has changed since.
      is_rule := true;
      if part.kind in ('hold_release', 'hold_expire') then exit judge; end if;
      after_minor := a_balance[place] - amount - case when part.kind = 'hold_post' then 0 else a_out[place] end;
      if after_minor < 0 and a_never[place] then
        code := 'legal_floor'; facts := jsonb_build_object('accountId', part.debit, 'afterMinor', after_minor::text); exit judge;
      end if;
      if part.kind = 'hold_post' then exit judge; end if;
      if a_frozen[place] and not coalesce((part.posting ->> 'mayBuyFrozen')::boolean, false) then
        code := 'account_frozen'; facts := jsonb_build_object('accountId', part.debit); exit judge;
      end if;
      if after_minor < a_floor[place]
         and not (part.kind = 'reversal' and coalesce((part.posting ->> 'passCreditLimit')::boolean, false)) then
        code := 'credit_limit_exceeded';
        facts := jsonb_build_object('accountId', part.debit, 'afterMinor', after_minor::text, 'limitMinor', a_floor[place]::text,
          'headroomMinor', greatest(a_balance[place] - a_out[place] - a_floor[place], 0)::text);
        exit judge;
      end if;
      after_minor := a_balance[other] + a_in[other] + amount;
      if after_minor > a_ceiling[other] and part.kind <> 'reversal' then
        code := 'exposure_limit_exceeded';
        facts := jsonb_build_object('accountId', part.credit, 'afterMinor', after_minor::text, 'limitMinor', a_ceiling[other]::text,
          'headroomMinor', greatest(a_ceiling[other] - a_balance[other] - a_in[other], 0)::text);
      end if;
    end;

    if code is null then
      -- It stands, as far as this posting stands.
      head.number := head.number + 1;
      head.booked_on := booked;
      head.hash := sha256(head.hash || convert_to(concat_ws('|', p_network, head.number, part.id, part.posting_id, part.kind, part.debit,
        part.credit, amount, part.cause_kind, part.cause_id, coalesce(part.reverses_id::text, '-'), coalesce(part.hold_id::text, '-'),
        case when part.hold_expires_at is null then '-' else ((extract(epoch from part.hold_expires_at) * 1000)::bigint)::text end,
        case when part.hold_promised then 'promised' else '-' end, to_char(booked, 'YYYY-MM-DD'), recorded_ms), 'UTF8'));
      t_n := t_n + 1;
      t_rows[t_n] := row(p_network, part.id, head.number, part.posting_id, part.kind, part.debit, part.credit, amount, part.cause_kind,
        part.cause_id, part.reverses_id, part.hold_id, part.hold_expires_at, part.hold_promised, booked, recorded, head.hash)::transfer;
      if part.kind = 'hold' then
        a_out[place] := a_out[place] + amount; a_in[other] := a_in[other] + amount;
      else
        if freed > 0 then
          a_out[place] := a_out[place] - freed; a_in[other] := a_in[other] - freed;
        end if;
        if amount > 0 then
          a_version[place] := a_version[place] + 1;
          a_balance[place] := a_balance[place] - amount;
          e_rows[e_n + 1] := row(p_network, part.debit, a_version[place], part.id, head.number, -amount, a_balance[place] + amount,
            a_balance[place], booked)::entry;
          a_version[other] := a_version[other] + 1;
          a_balance[other] := a_balance[other] + amount;
          e_rows[e_n + 2] := row(p_network, part.credit, a_version[other], part.id, head.number, amount, a_balance[other] - amount,
            a_balance[other], booked)::entry;
          e_n := e_n + 2;
        end if;
      end if;
      said := said || jsonb_build_object('id', part.id, 'number', head.number, 'leftOut', false);
    elsif is_rule and (part.optional or (part.kind = 'fee' and a_never[place])) then
      -- A fee never pushes below zero who may not be there: it is left out, and becomes a bill in money.
      said := said || jsonb_build_object('id', part.id, 'number', null, 'leftOut', true);
    else
      -- Undone alone: balances, holds, versions, numbers and the chain go back to where this posting found them.
      if t_n > t_mark then
        t_n := t_mark; e_n := e_mark; head := head_mark;
        a_balance := balance_mark; a_out := out_mark; a_in := in_mark; a_version := version_mark;
      end if;
      answers[part.posting_place] := jsonb_build_object('ok', false, 'code', code, 'facts', facts);
      is_over := true;
      continue;
    end if;
    continue when part.nth < part.parts;

    -- ── a soft limit is told once per deepening: this posting leaves the account beyond it, and further than it was ──
    if has_soft_limits then
      for i in e_mark + 1..e_n loop
        entry_row := e_rows[i];
        -- The first of its entries tells where the posting found an account; a lone transfer has one for each.
        if i > e_mark + 2 then
          continue when exists (select 1 from unnest(e_rows[e_mark + 1:i - 1]) s where s.account_id = entry_row.account_id);
        end if;
        place := array_position(a_id, entry_row.account_id);
        if a_balance[place] < least(a_soft_floor[place], entry_row.before_minor) and a_soft_floor[place] is not null then
          warnings := warnings || jsonb_build_object('accountId', a_id[place], 'kind', 'soft_floor', 'balanceMinor', a_balance[place]::text);
        end if;
        if a_balance[place] > greatest(a_soft_ceiling[place], entry_row.before_minor) and a_soft_ceiling[place] is not null then
          warnings := warnings || jsonb_build_object('accountId', a_id[place], 'kind', 'soft_ceiling', 'balanceMinor', a_balance[place]::text);
        end if;
      end loop;
    end if;
    answers[part.posting_place] := jsonb_build_object('ok', true, 'replayed', false, 'bookedOn', booked, 'recordedAt', recorded,
      'transfers', said, 'warnings', warnings);
  end loop;

  if t_n = 0 then return to_jsonb(answers); end if;

  -- ── all of it, in four statements ──
  insert into transfer select s.* from unnest(t_rows[1:t_n]) s;
  if e_n > 0 then
    insert into entry select s.* from unnest(e_rows[1:e_n]) s;
  end if;
  update account a
     set balance_minor = s.balance, held_out_minor = s.held_out, held_in_minor = s.held_in, version = s.version
    from unnest(a_id, a_balance, a_out, a_in, a_version) s(id, balance, held_out, held_in, version)
   where a.network_id = p_network and a.id = s.id
     and (a.version, a.held_out_minor, a.held_in_minor) is distinct from (s.version, s.held_out, s.held_in);
  update ledger_head set number = head.number, hash = head.hash, recorded_at = recorded, booked_on = head.booked_on
   where network_id = p_network;
  return to_jsonb(answers);
end $$;
