-- The posting function, and one asked transfer as it looks after everything about it was read (src/ledger/post.sql).

create type ledger_part as (
  n integer,
  id uuid, kind text, debit uuid, credit uuid, amount numeric, cause_kind text, cause_id uuid,
  reverses_id uuid, hold_id uuid, hold_expires_at timestamptz, hold_promised boolean, optional boolean,
  -- Places of its accounts among those locked; null when there is no such account.
  debit_place integer, credit_place integer,
  -- The first part of this call with the same id; with the id that this part names; that names the same id.
  id_key integer, named_key integer, names_key integer,
  -- What stands under this id already.
  old_number bigint, old_is_same boolean, old_booked_on date, old_recorded_at timestamptz,
  -- What stands under the id that it reverses, posts, releases or expires.
  named_kind text, named_debit uuid, named_credit uuid, named_amount bigint, named_expires_at timestamptz,
  named_promised boolean, named_is_done boolean
);

-- include src/ledger/post.sql

revoke execute on function ledger_post(uuid, jsonb) from public;
grant execute on function ledger_post(uuid, jsonb) to quits_writer;
