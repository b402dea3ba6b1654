-- ledger_post(): the one place where transfers and entries are written.
--
-- In: postings of one network, in order, each {id, transfers: [{id, kind, debit, credit, amountMinor, causeKind, causeId,
-- reversesId?, holdId?, holdExpiresAt?, holdPromised?, optional?}], bookedOn?, passCreditLimit?, mayBuyFrozen?}.
-- Out: a verdict for each, in order. A refusal is the verdict of its own posting alone; its neighbours stand.
--
-- Keeps: the head row is locked first, then all accounts in the order of their ids, so that writers in several processes
-- neither wait for each other in a ring nor cross a limit. Volatile under READ COMMITTED: what was committed while it
-- waited for the lock is seen by every statement after it.
-- Never: reads an account outside the lock, or writes anything for a posting that is refused.
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
  recorded timestamptz;
  posting record;
  part ledger_part;
  -- The accounts concerned, by place.
  a_id uuid[]; a_balance bigint[]; a_out bigint[]; a_in bigint[]; a_version bigint[];
  a_floor bigint[]; a_ceiling bigint[]; a_soft_floor bigint[]; a_soft_ceiling bigint[]; a_frozen boolean[]; a_never boolean[];
  -- Transfers to be written. What is above t_n belongs to a refused posting and is overwritten.
  t_n integer := 0;
  t_id uuid[]; t_number bigint[]; t_posting uuid[]; t_kind text[]; t_debit uuid[]; t_credit uuid[]; t_amount bigint[];
  t_cause_kind text[]; t_cause_id uuid[]; t_reverses uuid[]; t_hold uuid[]; t_expires timestamptz[]; t_promised boolean[];
  t_booked date[]; t_hash bytea[]; t_debit_place integer[]; t_credit_place integer[]; t_freed bigint[];
  t_id_key integer[]; t_names_key integer[];
  -- Entries to be written.
  e_n integer := 0;
  e_place integer[]; e_version bigint[]; e_transfer integer[]; e_amount bigint[]; e_before bigint[]; e_after bigint[];
  -- Where an id of this call was written, and where it was named by a reversal or by what ends a hold; 0 for nowhere.
  made integer[]; done_by integer[];
  t_mark integer; e_mark integer; head_mark ledger_head%rowtype;
  code text; facts jsonb; is_limit boolean;
  asked_on date; booked date;
  found_at integer; found_count integer; found_recorded timestamptz;
  named_kind text; named_debit uuid; named_credit uuid; named_amount bigint; named_expires timestamptz;
  named_promised boolean; named_is_done boolean;
  has_entries boolean; freed bigint; amount bigint; after_minor bigint;
  place integer; other integer; i integer; k integer;
  answers jsonb[] := '{}'; said jsonb; warnings jsonb;
begin
  select * into head from ledger_head where network_id = p_network for update;
  if not found then
    raise exception 'network % has no ledger head', p_network using errcode = 'QI001';
  end if;
  select (quits_now() at time zone n.time_zone)::date into today from network n where n.id = p_network;
  if today is null then
    raise exception 'network % is not there', p_network using errcode = 'QI001';
  end if;
  -- Milliseconds, so that a chain can be worked out again by a program that counts in them.
  recorded := greatest(date_trunc('milliseconds', quits_now()), head.recorded_at);

  select array_agg(l.id), array_agg(l.balance_minor), array_agg(l.held_out_minor), array_agg(l.held_in_minor), array_agg(l.version),
         array_agg(l.floor_minor), array_agg(l.ceiling_minor), array_agg(l.soft_floor_minor), array_agg(l.soft_ceiling_minor),
         array_agg(l.frozen), array_agg(l.never_below_zero)
    into a_id, a_balance, a_out, a_in, a_version, a_floor, a_ceiling, a_soft_floor, a_soft_ceiling, a_frozen, a_never
    from (
      select a.* from account a
       where a.network_id = p_network
         and a.id = any (array(
           select (t.value ->> side.name)::uuid
             from jsonb_array_elements(p_postings) p(value), jsonb_array_elements(p.value -> 'transfers') t(value),
                  (values ('debit'), ('credit')) side(name)))
       order by a.id
       for update
    ) l;

  for posting in
    with asked as materialized (
      select p.place as posting_place, p.value as posting, t.place, (row_number() over (order by p.place, t.place))::integer as n,
             (t.value ->> 'id')::uuid as id, t.value ->> 'kind' as kind,
             (t.value ->> 'debit')::uuid as debit, (t.value ->> 'credit')::uuid as credit,
             case when t.value ->> 'kind' in ('hold_release', 'hold_expire') then 0 else (t.value ->> 'amountMinor')::numeric end as amount,
             t.value ->> 'causeKind' as cause_kind, (t.value ->> 'causeId')::uuid as cause_id,
             (t.value ->> 'reversesId')::uuid as reverses_id, (t.value ->> 'holdId')::uuid as hold_id,
             date_trunc('milliseconds', (t.value ->> 'holdExpiresAt')::timestamptz) as hold_expires_at,
             coalesce((t.value ->> 'holdPromised')::boolean, false) as hold_promised,
             coalesce((t.value ->> 'optional')::boolean, false) as optional,
             coalesce((t.value ->> 'reversesId')::uuid, (t.value ->> 'holdId')::uuid) as names_id
        from jsonb_array_elements(p_postings) with ordinality p(value, place)
        left join lateral jsonb_array_elements(p.value -> 'transfers') with ordinality t(value, place) on true
    ), firsts as materialized (
      select a.id, min(a.n) as n from asked a group by a.id
    ), places as materialized (
      select l.id, l.place::integer as place from unnest(a_id) with ordinality l(id, place)
    )
    select a.posting_place, min(a.posting ->> 'id')::uuid as id, min(a.posting ->> 'bookedOn')::date as booked_on,
           bool_or(coalesce((a.posting ->> 'passCreditLimit')::boolean, false)) as pass_credit_limit,
           bool_or(coalesce((a.posting ->> 'mayBuyFrozen')::boolean, false)) as may_buy_frozen,
           array_agg(row(a.n, a.id, a.kind, a.debit, a.credit, a.amount, a.cause_kind, a.cause_id, a.reverses_id, a.hold_id,
             a.hold_expires_at, a.hold_promised, a.optional, debit.place, credit.place, same.n, named_here.n, a.names_key,
             old.number,
             old.posting_id = (a.posting ->> 'id')::uuid and old.kind = a.kind and old.debit_account_id = a.debit
               and old.credit_account_id = a.credit and old.amount_minor = a.amount and old.cause_kind = a.cause_kind
               and old.cause_id = a.cause_id and old.reverses_id is not distinct from a.reverses_id
               and old.hold_id is not distinct from a.hold_id and old.hold_expires_at is not distinct from a.hold_expires_at
               and old.hold_promised = a.hold_promised
               and old.booked_on = coalesce((a.posting ->> 'bookedOn')::date, old.booked_on),
             old.booked_on, old.recorded_at,
             named.kind, named.debit_account_id, named.credit_account_id, named.amount_minor, named.hold_expires_at,
             named.hold_promised, undone.is_done)::ledger_part order by a.n) as parts
      from (select x.*, min(x.n) over (partition by x.names_id) as names_key from asked x) a
      left join firsts same on same.id = a.id
      left join firsts named_here on named_here.id = a.names_id
      left join places debit on debit.id = a.debit
      left join places credit on credit.id = a.credit
      left join lateral (select * from transfer t where t.network_id = p_network and t.id = a.id limit 1) old on true
      left join lateral (select * from transfer t where t.network_id = p_network and t.id = a.names_id limit 1) named on true
      left join lateral (
        select true as is_done from transfer t where t.network_id = p_network and t.reverses_id = a.reverses_id
        union all
        select true from transfer t where t.network_id = p_network and t.hold_id = a.hold_id
        limit 1) undone on true
     group by a.posting_place
     order by a.posting_place
  loop
    if posting.parts[1].id is null or posting.id is null then
      raise exception 'a posting without an id or without transfers' using errcode = 'QI001';
    end if;
    t_mark := t_n; e_mark := e_n; head_mark := head;
    code := null; facts := '{}'; said := '[]'; warnings := '[]';
    asked_on := posting.booked_on;
    booked := coalesce(asked_on, greatest(today, head.booked_on));

    -- ── the same again? Any id that stands decides: then all must stand with this content, or it is another posting. ──
    found_count := 0;
    foreach part in array posting.parts loop
      if part.old_number is not null or made[part.id_key] > 0 then found_count := found_count + 1; end if;
    end loop;
    if found_count > 0 then
      found_recorded := recorded;
      foreach part in array posting.parts loop
        found_at := coalesce(made[part.id_key], 0);
        if part.old_number is not null then
          if not part.old_is_same then code := 'transfer_of_other_content'; end if;
          said := said || jsonb_build_object('id', part.id, 'number', part.old_number, 'leftOut', false);
          booked := part.old_booked_on; found_recorded := part.old_recorded_at;
        elsif found_at > 0 then
          if t_posting[found_at] <> posting.id or t_kind[found_at] <> part.kind or t_debit[found_at] <> part.debit
             or t_credit[found_at] <> part.credit or t_amount[found_at] <> part.amount or t_cause_kind[found_at] <> part.cause_kind
             or t_cause_id[found_at] <> part.cause_id or t_reverses[found_at] is distinct from part.reverses_id
             or t_hold[found_at] is distinct from part.hold_id or t_expires[found_at] is distinct from part.hold_expires_at
             or t_promised[found_at] <> part.hold_promised or t_booked[found_at] <> coalesce(asked_on, t_booked[found_at]) then
            code := 'transfer_of_other_content';
          end if;
          said := said || jsonb_build_object('id', part.id, 'number', t_number[found_at], 'leftOut', false);
          booked := t_booked[found_at];
        else
          if not part.optional then code := 'transfer_of_other_content'; end if;
          said := said || jsonb_build_object('id', part.id, 'number', null, 'leftOut', true);
        end if;
      end loop;
      answers[posting.posting_place] := case when code is null
        then jsonb_build_object('ok', true, 'replayed', true, 'bookedOn', booked, 'recordedAt', found_recorded, 'transfers', said, 'warnings', warnings)
        else jsonb_build_object('ok', false, 'code', code, 'facts', facts) end;
      continue;
    end if;

    -- ── each transfer in turn, on the balances as the ones before it leave them ──
    foreach part in array posting.parts loop
      code := null; is_limit := false; freed := 0; named_kind := null; named_is_done := false;
      has_entries := part.kind not in ('hold', 'hold_release', 'hold_expire');
      -- A second part of this posting under one id.
      if coalesce(made[part.id_key], 0) > 0 then code := 'transfer_of_other_content'; exit; end if;
      if part.debit = part.credit then code := 'accounts_must_differ'; exit; end if;
      if part.kind not in ('hold_release', 'hold_expire') and part.amount <= 0 then code := 'amount_must_be_positive'; exit; end if;
      if part.amount > largest then code := 'amount_too_large'; exit; end if;
      if part.debit_place is null or part.credit_place is null then
        code := 'account_unknown';
        facts := jsonb_build_object('accountId', case when part.debit_place is null then part.debit else part.credit end);
        exit;
      end if;
      amount := part.amount::bigint;

      if part.reverses_id is not null or part.hold_id is not null then
        named_kind := part.named_kind; named_debit := part.named_debit; named_credit := part.named_credit;
        named_amount := part.named_amount; named_expires := part.named_expires_at; named_promised := part.named_promised;
        named_is_done := coalesce(part.named_is_done, false) or coalesce(done_by[part.names_key], 0) > 0;
        found_at := coalesce(made[part.named_key], 0);
        if named_kind is null and found_at > 0 then
          named_kind := t_kind[found_at]; named_debit := t_debit[found_at]; named_credit := t_credit[found_at];
          named_amount := t_amount[found_at]; named_expires := t_expires[found_at]; named_promised := t_promised[found_at];
        end if;
      end if;
      if part.kind = 'reversal' then
        -- It mirrors what it names to the penny, and nothing is reversed that moved nothing or was a reversal itself.
        if named_kind is null or named_kind in ('hold', 'hold_release', 'hold_expire', 'reversal')
           or named_debit <> part.credit or named_credit <> part.debit or named_amount <> amount then
          code := 'transfer_unknown'; facts := jsonb_build_object('transferId', part.reverses_id); exit;
        end if;
        if named_is_done then
          code := 'transfer_already_reversed'; facts := jsonb_build_object('transferId', part.reverses_id); exit;
        end if;
      elsif part.kind in ('hold_post', 'hold_release', 'hold_expire') then
        if named_kind is distinct from 'hold' or named_debit <> part.debit or named_credit <> part.credit then
          code := 'hold_unknown'; facts := jsonb_build_object('holdId', part.hold_id); exit;
        end if;
        if named_is_done then
          code := 'hold_closed'; facts := jsonb_build_object('holdId', part.hold_id); exit;
        end if;
        if part.kind = 'hold_expire' and (named_promised or named_expires is null or named_expires > recorded) then
          code := 'hold_not_expired'; facts := jsonb_build_object('holdId', part.hold_id); exit;
        end if;
        if amount > named_amount then
          code := 'hold_exceeded';
          facts := jsonb_build_object('heldMinor', named_amount::text, 'askedMinor', amount::text); exit;
        end if;
        freed := named_amount;
      end if;

      if asked_on < head.booked_on then
        code := 'day_runs_backwards'; facts := jsonb_build_object('bookedOn', head.booked_on, 'askedOn', asked_on); exit;
      end if;
      if asked_on > greatest(today, head.booked_on) then
        code := 'day_in_future'; facts := jsonb_build_object('askedOn', asked_on); exit;
      end if;

      -- The rules on the two accounts. Posting what is held meets the legal floor alone, and only when the form has changed since.
      place := part.debit_place; other := part.credit_place;
      if part.kind in ('hold_release', 'hold_expire') then
        null;
      elsif part.kind = 'hold_post' then
        after_minor := a_balance[place] - amount;
        if a_never[place] and after_minor < 0 then
          code := 'legal_floor'; facts := jsonb_build_object('accountId', part.debit, 'afterMinor', after_minor::text);
        end if;
      else
        after_minor := a_balance[place] - a_out[place] - amount;
        if a_never[place] and after_minor < 0 then
          code := 'legal_floor'; facts := jsonb_build_object('accountId', part.debit, 'afterMinor', after_minor::text);
        elsif a_frozen[place] and not posting.may_buy_frozen then
          code := 'account_frozen'; facts := jsonb_build_object('accountId', part.debit);
        elsif after_minor < a_floor[place] and not (part.kind = 'reversal' and posting.pass_credit_limit) then
          code := 'credit_limit_exceeded';
          facts := jsonb_build_object('accountId', part.debit, 'afterMinor', after_minor::text, 'limitMinor', a_floor[place]::text,
            'headroomMinor', greatest(a_balance[place] - a_out[place] - a_floor[place], 0)::text);
        else
          after_minor := a_balance[other] + a_in[other] + amount;
          if after_minor > a_ceiling[other] and part.kind <> 'reversal' then
            code := 'exposure_limit_exceeded';
            facts := jsonb_build_object('accountId', part.credit, 'afterMinor', after_minor::text, 'limitMinor', a_ceiling[other]::text,
              'headroomMinor', greatest(a_ceiling[other] - a_balance[other] - a_in[other], 0)::text);
          end if;
        end if;
      end if;
      if code is not null then
        if part.optional then
          said := said || jsonb_build_object('id', part.id, 'number', null, 'leftOut', true);
          code := null; facts := '{}';
          continue;
        end if;
        exit;
      end if;

      -- It stands, as far as this posting stands.
      head.number := head.number + 1;
      head.booked_on := booked;
      head.hash := sha256(head.hash || convert_to(concat_ws('|', p_network, head.number, part.id, posting.id, part.kind, part.debit, part.credit,
        amount, part.cause_kind, part.cause_id, coalesce(part.reverses_id::text, '-'), coalesce(part.hold_id::text, '-'),
        coalesce(((extract(epoch from part.hold_expires_at) * 1000)::bigint)::text, '-'), case when part.hold_promised then 'promised' else '-' end,
        to_char(booked, 'YYYY-MM-DD'), (extract(epoch from recorded) * 1000)::bigint), 'UTF8'));
      t_n := t_n + 1;
      t_id[t_n] := part.id; t_number[t_n] := head.number; t_posting[t_n] := posting.id; t_kind[t_n] := part.kind;
      t_debit[t_n] := part.debit; t_credit[t_n] := part.credit; t_amount[t_n] := amount;
      t_cause_kind[t_n] := part.cause_kind; t_cause_id[t_n] := part.cause_id;
      t_reverses[t_n] := part.reverses_id; t_hold[t_n] := part.hold_id; t_expires[t_n] := part.hold_expires_at;
      t_promised[t_n] := part.hold_promised; t_booked[t_n] := booked; t_hash[t_n] := head.hash;
      t_debit_place[t_n] := place; t_credit_place[t_n] := other; t_freed[t_n] := freed;
      t_id_key[t_n] := part.id_key; t_names_key[t_n] := part.names_key;
      made[part.id_key] := t_n;
      if part.reverses_id is not null or part.hold_id is not null then done_by[part.names_key] := t_n; end if;
      if part.kind = 'hold' then
        a_out[place] := a_out[place] + amount; a_in[other] := a_in[other] + amount;
      else
        a_out[place] := a_out[place] - freed; a_in[other] := a_in[other] - freed;
      end if;
      if has_entries then
        for k in 0..1 loop
          if k = 1 then place := other; end if;
          e_n := e_n + 1;
          a_version[place] := a_version[place] + 1;
          e_place[e_n] := place; e_version[e_n] := a_version[place]; e_transfer[e_n] := t_n;
          e_amount[e_n] := case k when 0 then -amount else amount end;
          e_before[e_n] := a_balance[place];
          a_balance[place] := a_balance[place] + e_amount[e_n];
          e_after[e_n] := a_balance[place];
        end loop;
      end if;
      said := said || jsonb_build_object('id', part.id, 'number', head.number, 'leftOut', false);
    end loop;

    if code is not null then
      -- Undone alone: balances, holds, versions, numbers and the chain go back to where this posting found them.
      for i in reverse e_n..e_mark + 1 loop
        place := e_place[i];
        a_balance[place] := e_before[i]; a_version[place] := a_version[place] - 1;
      end loop;
      for i in t_mark + 1..t_n loop
        amount := case when t_kind[i] = 'hold' then t_amount[i] else -t_freed[i] end;
        a_out[t_debit_place[i]] := a_out[t_debit_place[i]] - amount;
        a_in[t_credit_place[i]] := a_in[t_credit_place[i]] - amount;
        made[t_id_key[i]] := 0;
        if t_reverses[i] is not null or t_hold[i] is not null then done_by[t_names_key[i]] := 0; end if;
      end loop;
      t_n := t_mark; e_n := e_mark; head := head_mark;
      answers[posting.posting_place] := jsonb_build_object('ok', false, 'code', code, 'facts', facts);
      continue;
    end if;

    -- ── a soft limit is told once per deepening: this posting leaves the account beyond it, and further than it was ──
    for i in e_mark + 1..e_n loop
      place := e_place[i];
      continue when place = any (e_place[e_mark + 1:i - 1]);
      if a_balance[place] < a_soft_floor[place] and a_balance[place] < e_before[i] then
        warnings := warnings || jsonb_build_object('accountId', a_id[place], 'kind', 'soft_floor', 'balanceMinor', a_balance[place]::text);
      end if;
      if a_balance[place] > a_soft_ceiling[place] and a_balance[place] > e_before[i] then
        warnings := warnings || jsonb_build_object('accountId', a_id[place], 'kind', 'soft_ceiling', 'balanceMinor', a_balance[place]::text);
      end if;
    end loop;
    answers[posting.posting_place] := jsonb_build_object('ok', true, 'replayed', false, 'bookedOn', booked, 'recordedAt', recorded,
      'transfers', said, 'warnings', warnings);
  end loop;

  if t_n = 0 then return to_jsonb(answers); end if;

  -- ── all of it, in four statements ──
  insert into transfer (network_id, id, number, posting_id, kind, debit_account_id, credit_account_id, amount_minor, cause_kind, cause_id,
      reverses_id, hold_id, hold_expires_at, hold_promised, booked_on, recorded_at, hash)
    select p_network, t.id, t.number, t.posting, t.kind, t.debit, t.credit, t.amount, t.cause_kind, t.cause_id,
           t.reverses, t.hold, t.expires, t.promised, t.booked, recorded, t.hash
      from unnest(t_id[1:t_n], t_number[1:t_n], t_posting[1:t_n], t_kind[1:t_n], t_debit[1:t_n], t_credit[1:t_n], t_amount[1:t_n],
             t_cause_kind[1:t_n], t_cause_id[1:t_n], t_reverses[1:t_n], t_hold[1:t_n], t_expires[1:t_n], t_promised[1:t_n],
             t_booked[1:t_n], t_hash[1:t_n])
           t(id, number, posting, kind, debit, credit, amount, cause_kind, cause_id, reverses, hold, expires, promised, booked, hash);
  if e_n > 0 then
    insert into entry (network_id, account_id, version, transfer_id, number, amount_minor, before_minor, after_minor, booked_on)
      select p_network, a_id[e.place], e.version, t_id[e.at], t_number[e.at], e.amount, e.before, e.after, t_booked[e.at]
        from unnest(e_place[1:e_n], e_version[1:e_n], e_transfer[1:e_n], e_amount[1:e_n], e_before[1:e_n], e_after[1:e_n])
             e(place, version, at, amount, before, after);
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
