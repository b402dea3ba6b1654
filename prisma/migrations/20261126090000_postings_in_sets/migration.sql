-- Tables that every posting writes are made lean. A check of one column becomes a domain, which a session reads once; a check is read
-- anew for each statement, and ten of them cost a lone posting a third of its time. Checks across columns of a row that only
-- ledger_post() writes become a truth of the audit (rows_are_well_formed), beside the references, which are proven there as well.

create domain account_kind as text
  check (value in ('member','fees','sponsor','gateway','staff_pool','staff','write_off_reserve','settlement'));
create domain minor_floor as bigint check (value <= 0);
create domain minor_ceiling as bigint check (value >= 0);
create domain transfer_kind as text
  check (value in ('trade','fee','reversal','hold','hold_post','hold_release','hold_expire','write_off','settlement','payroll','staff_spend',
    'set_off','contribution','gateway','opening'));
create domain minor_moved as bigint check (value <> 0);

alter table account
  drop constraint account_kind_check, drop constraint account_floor_minor_check, drop constraint account_ceiling_minor_check,
  drop constraint account_soft_floor_minor_check, drop constraint account_soft_ceiling_minor_check,
  drop constraint account_held_out_minor_check, drop constraint account_held_in_minor_check, drop constraint account_version_check,
  drop constraint account_check,
  alter column kind type account_kind,
  alter column floor_minor type minor_floor, alter column soft_floor_minor type minor_floor,
  alter column ceiling_minor type minor_ceiling, alter column soft_ceiling_minor type minor_ceiling,
  alter column held_out_minor type minor_ceiling, alter column held_in_minor type minor_ceiling, alter column version type minor_ceiling;

alter table transfer
  drop constraint transfer_kind_check, drop constraint transfer_amount_minor_check, drop constraint transfer_check,
  drop constraint transfer_check1, drop constraint transfer_check2, drop constraint transfer_check3,
  alter column kind type transfer_kind, alter column amount_minor type minor_ceiling;

alter table entry
  drop constraint entry_version_check, drop constraint entry_amount_minor_check, drop constraint entry_check,
  alter column version type minor_ceiling, alter column amount_minor type minor_moved;

-- Ids are made from their cause, so they fall anywhere: an index over them takes a page of its own for each row that is written.
-- The transfers of a trade are named in its posting; the entries of a transfer are found by its number, which only grows.
drop index entry_of_transfer, transfer_of_cause;
create index entry_in_order on entry (network_id, number);

-- include src/ledger/post.sql

-- What was agreed stands beside its row as it is: to press it together takes longer than all the rules.
alter table trade alter column lines set storage external, alter column posting set storage external, alter column promises set storage external;

drop type ledger_part;
revoke execute on function ledger_earlier(uuid, jsonb, transfer[]) from public;
grant execute on function ledger_earlier(uuid, jsonb, transfer[]) to quits_writer;

-- include src/outbox/lane.sql

-- include src/outbox/enqueue.sql

-- include src/trades/keep-answer.sql

-- include src/trades/record-trade.sql

-- include src/trades/propose.sql

do $$ declare f text; begin
  foreach f in array array['promise_many(uuid, date[], text[], jsonb[], jsonb[])', 'keep_answers(jsonb[], jsonb[])', 'deed_id(timestamptz)', 'wake_lanes(uuid[])'] loop
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to quits_app, quits_writer, quits_worker', f);
  end loop;
end $$;
