-- The first floor plan of the database, room by room.
--
-- What belongs to a network has network_id first in its key. Organisations, persons, books and web sessions do not.
-- Three roles without login do all the work; each transaction names its role and its networks (kit/db.ts).
-- The posting tables carry no per-row foreign keys: only ledger_post() writes there and the audit proves the references.

do $$
declare r text;
begin
  foreach r in array array['quits_app', 'quits_writer', 'quits_worker'] loop
    if not exists (select 1 from pg_roles where rolname = r) then
      execute format('create role %I nologin', r);
    end if;
    if not pg_has_role(current_user, r, 'member') or not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to current_user', r);
    end if;
  end loop;
end $$;

-- The one clock of everything that two processes compare.
create function quits_now() returns timestamptz language sql stable as $$ select clock_timestamp() $$;

create function quits_networks() returns uuid[] language sql stable as $$
  select coalesce(string_to_array(nullif(current_setting('quits.networks', true), ''), ',')::uuid[], '{}'::uuid[])
$$;
create function quits_organisations() returns uuid[] language sql stable as $$
  select coalesce(string_to_array(nullif(current_setting('quits.organisations', true), ''), ',')::uuid[], '{}'::uuid[])
$$;

-- ── networks ────────────────────────────────────────────────────────────────────────────────────────────────────────

create table organisation (
  id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  legal_form text not null check (legal_form in ('company','llp','cic','cio','registered_society','public_body','partnership','sole_trader','unincorporated_association')),
  partners integer check (partners between 2 and 1000),
  registration_number text,
  -- How the legal form was shown: a number in a public register, or a statement with its day.
  evidence_kind text check (evidence_kind in ('registration_number','statement')),
  evidence_text text,
  evidence_on date,
  review_due_at timestamptz,
  email text,
  address text,
  country text not null default 'GB',
  vat_registered boolean not null default false,
  vat_number text,
  vat_from_on date,
  vat_scheme text check (vat_scheme in ('accrual','cash','flat_rate','unknown')),
  vat_confirmed_at timestamptz,
  vat_confirmed_by uuid,
  created_at timestamptz not null,
  check ((legal_form = 'partnership') = (partners is not null)),
  check (not vat_registered or vat_number is not null)
);

create table form_change (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  from_form text not null, from_partners integer, to_form text not null, to_partners integer,
  evidence_kind text not null, evidence_text text not null, evidence_on date not null,
  changed_by text not null, changed_at timestamptz not null
);

create table person (
  id uuid primary key,
  email text not null unique check (email = lower(email)),
  name text,
  is_operator boolean not null default false,
  created_at timestamptz not null
);

create table acts_for (
  person_id uuid not null references person,
  organisation_id uuid not null references organisation,
  role text not null check (role in ('owner','staff','bookkeeper')),
  since_at timestamptz not null,
  ended_at timestamptz,
  primary key (person_id, organisation_id)
);

create table network (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{1,40}$'),
  name text not null check (length(name) between 1 and 100),
  -- The legal person that runs the network: the other side of its fees.
  organisation_id uuid not null references organisation,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  scale integer not null default 2 check (scale between 0 and 3),
  time_zone text not null,
  state text not null default 'open' check (state in ('open','paused','closed')),
  created_at timestamptz not null
);

create table network_terms (
  network_id uuid not null references network,
  version integer not null check (version > 0),
  default_credit_limit_minor bigint not null check (default_credit_limit_minor >= 0),
  default_exposure_limit_minor bigint not null check (default_exposure_limit_minor >= 0),
  max_credit_limit_minor bigint not null check (max_credit_limit_minor >= default_credit_limit_minor),
  max_exposure_limit_minor bigint not null check (max_exposure_limit_minor >= default_exposure_limit_minor),
  -- Part of a hard limit at which a member is warned, in hundredths of a per cent.
  soft_limit_basis_points integer not null check (soft_limit_basis_points between 1 and 10000),
  largest_credit_share_basis_points integer not null check (largest_credit_share_basis_points between 1 and 10000),
  vat_in text not null check (vat_in in ('money','credits')),
  proposal_life_days integer not null check (proposal_life_days between 1 and 365),
  fees jsonb not null,
  fees_back_on_reversal boolean not null,
  settlement_mode text not null check (settlement_mode in ('running','periods')),
  settlement_day integer check (settlement_day between 1 and 28),
  words text not null default '',
  made_by text not null,
  from_at timestamptz not null,
  primary key (network_id, version),
  check ((settlement_mode = 'periods') = (settlement_day is not null))
);

create table serves (
  network_id uuid not null references network,
  person_id uuid not null references person,
  role text not null check (role in ('convener','auditor','sponsor')),
  since_at timestamptz not null,
  ended_at timestamptz,
  primary key (network_id, person_id, role)
);

create table member (
  network_id uuid not null references network,
  id uuid not null,
  organisation_id uuid not null references organisation,
  account_id uuid not null,
  standing text not null check (standing in ('invited','applied','admitted','suspended','leaving','left')),
  standing_reason text,
  -- Numbers of the invoices we issue in this member's name: prefix, series (a new one after a restore), next.
  invoice_prefix text not null check (invoice_prefix ~ '^[A-Z0-9]{2,8}$'),
  invoice_series integer not null default 1 check (invoice_series > 0),
  invoice_next integer not null default 1 check (invoice_next > 0),
  terms_agreed_version integer,
  invited_at timestamptz not null,
  admitted_at timestamptz,
  primary key (network_id, id),
  unique (network_id, organisation_id),
  unique (network_id, invoice_prefix),
  unique (network_id, account_id)
);
create index member_of_organisation on member (organisation_id);

create table invitation (
  network_id uuid not null,
  id uuid not null,
  member_id uuid not null,
  email text not null,
  token_hash bytea not null unique,
  sent_by text not null,
  made_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  cancelled_at timestamptz,
  primary key (network_id, id),
  foreign key (network_id, member_id) references member
);

create table limit_change (
  network_id uuid not null,
  id uuid not null,
  member_id uuid not null,
  what text not null check (what in ('credit_limit','exposure_limit','frozen','legal_floor')),
  from_minor bigint, to_minor bigint,
  reason text not null check (length(reason) between 1 and 500),
  changed_by text not null,
  changed_at timestamptz not null,
  primary key (network_id, id),
  foreign key (network_id, member_id) references member
);

create table limit_ask (
  network_id uuid not null,
  id uuid not null,
  member_id uuid not null,
  to_minor bigint not null check (to_minor >= 0),
  why text not null check (length(why) between 1 and 500),
  state text not null default 'open' check (state in ('open','granted','refused')),
  asked_by text not null, asked_at timestamptz not null,
  answered_by text, answered_at timestamptz, answer_words text,
  primary key (network_id, id),
  foreign key (network_id, member_id) references member
);

-- ── ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────

create table account (
  network_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('member','fees','sponsor','gateway','staff_pool','staff','write_off_reserve','settlement')),
  member_id uuid,
  -- All that posting asks stands on this row. Null: no limit.
  floor_minor bigint check (floor_minor <= 0),
  ceiling_minor bigint check (ceiling_minor >= 0),
  soft_floor_minor bigint check (soft_floor_minor <= 0),
  soft_ceiling_minor bigint check (soft_ceiling_minor >= 0),
  -- May not go down (buy), whatever its limits.
  frozen boolean not null default false,
  -- Legal form: never below zero, for no reason at all.
  never_below_zero boolean not null default false,
  balance_minor bigint not null default 0,
  -- Reserved by holds: what may still leave, what may still come.
  held_out_minor bigint not null default 0 check (held_out_minor >= 0),
  held_in_minor bigint not null default 0 check (held_in_minor >= 0),
  version bigint not null default 0 check (version >= 0),
  opened_at timestamptz not null,
  primary key (network_id, id),
  check ((kind in ('member','staff_pool','staff')) = (member_id is not null))
);
create unique index account_one_per_member on account (network_id, member_id) where kind = 'member';

-- One row a network: the order of all its transfers. Whoever posts locks it first.
create table ledger_head (
  network_id uuid primary key,
  number bigint not null default 0,
  hash bytea not null,
  recorded_at timestamptz not null,
  booked_on date not null
);

create table transfer (
  network_id uuid not null,
  id uuid not null,
  number bigint not null,
  posting_id uuid not null,
  kind text not null check (kind in ('trade','fee','reversal','hold','hold_post','hold_release','hold_expire','write_off','settlement','payroll','staff_spend','set_off','contribution','gateway','opening')),
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null check (amount_minor >= 0),
  -- What it was done for: the id of a trade, a run, a request.
  cause_kind text not null,
  cause_id uuid not null,
  reverses_id uuid,
  hold_id uuid,
  hold_expires_at timestamptz,
  hold_promised boolean not null default false,
  booked_on date not null,
  recorded_at timestamptz not null,
  hash bytea not null,
  primary key (network_id, id),
  check (debit_account_id <> credit_account_id),
  -- Only a release or an expiry moves nothing.
  check (amount_minor > 0 or kind in ('hold_release','hold_expire')),
  check ((kind in ('hold_post','hold_release','hold_expire')) = (hold_id is not null)),
  check ((kind = 'reversal') = (reverses_id is not null))
);
create unique index transfer_in_order on transfer (network_id, number);
create unique index transfer_reversed_once on transfer (network_id, reverses_id) where reverses_id is not null;
create unique index hold_closed_once on transfer (network_id, hold_id) where hold_id is not null;
create index transfer_of_cause on transfer (network_id, cause_id);

create table entry (
  network_id uuid not null,
  account_id uuid not null,
  version bigint not null check (version > 0),
  transfer_id uuid not null,
  number bigint not null,
  -- Credit above zero, debit below.
  amount_minor bigint not null check (amount_minor <> 0),
  before_minor bigint not null,
  after_minor bigint not null,
  booked_on date not null,
  primary key (network_id, account_id, version),
  check (after_minor = before_minor + amount_minor)
);
create index entry_by_day on entry (network_id, account_id, booked_on desc, version desc);
create index entry_of_transfer on entry (network_id, transfer_id);

create table audit_run (
  network_id uuid not null,
  id uuid not null,
  ran_at timestamptz not null,
  holds boolean not null,
  truths jsonb not null,
  head_number bigint not null,
  head_hash bytea not null,
  primary key (network_id, id)
);

-- ── books ───────────────────────────────────────────────────────────────────────────────────────────────────────────

create table connection (
  id uuid primary key,
  organisation_id uuid not null references organisation,
  kind text not null check (kind in ('xero','quickbooks','fake')),
  book_id text not null,
  book_name text not null,
  state text not null check (state in ('choosing','mapping','live','paused','needs_sign_in','ended')),
  -- How many trades wait for a yes after a preview; null: always ask.
  ask_first integer check (ask_first >= 0),
  yes_given integer not null default 0,
  profile jsonb not null,
  profile_read_at timestamptz not null,
  last_good_call_at timestamptz,
  last_error jsonb,
  made_by text not null,
  made_at timestamptz not null,
  ended_at timestamptz
);
create unique index book_belongs_to_one on connection (kind, book_id) where state <> 'ended';
create unique index one_book_an_organisation on connection (organisation_id) where state <> 'ended';

create table book_grant (
  connection_id uuid primary key references connection,
  -- Sealed for this row and column (kit/seal.ts).
  sealed text not null,
  previous_sealed text,
  previous_until timestamptz,
  access_ends_at timestamptz not null,
  refresh_ends_at timestamptz not null,
  hard_ends_at timestamptz,
  refreshed_at timestamptz not null,
  refresh_count integer not null default 0,
  dead_at timestamptz
);

-- One try at consent: its state is used once, by the one who began it.
create table consent (
  id uuid primary key,
  state_hash bytea not null unique,
  kind text not null check (kind in ('xero','quickbooks','fake')),
  organisation_id uuid not null references organisation,
  network_id uuid not null references network,
  connection_id uuid references connection,
  begun_by text not null,
  -- Hash of the web session that may finish it; null when an API key began it.
  session_hash bytea,
  verifier_sealed text not null,
  grants_sealed text,
  made_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  chosen_at timestamptz
);

create table mapping (
  connection_id uuid not null references connection,
  network_id uuid not null references network,
  version integer not null default 1,
  body jsonb not null,
  confirmed_by text,
  confirmed_at timestamptz,
  checked_at timestamptz,
  problem jsonb,
  primary key (connection_id, network_id)
);

create table book_contact (
  connection_id uuid not null references connection,
  counterpart_id uuid not null references organisation,
  role text not null check (role in ('customer','supplier')),
  book_contact_id text not null,
  book_name text not null,
  version text,
  -- The cost account kept for this supplier.
  account_id text,
  chosen_by text,
  since_at timestamptz not null,
  primary key (connection_id, counterpart_id, role)
);

-- ── outbox ──────────────────────────────────────────────────────────────────────────────────────────────────────────

-- What is served in turn under one lease: the book of one organisation, or the mail box.
create table lane (
  id uuid primary key,
  kind text not null check (kind in ('book','mail')),
  due_at timestamptz not null,
  leased_by text,
  leased_until timestamptz,
  fence bigint not null default 0,
  -- Tokens left, the day's allowance, what the vendor last said: read and written by the holder of the lease only.
  budget jsonb not null default '{}'
);
create index lane_due on lane (due_at);

create table delivery (
  network_id uuid not null,
  id uuid not null,
  organisation_id uuid not null,
  trade_id uuid,
  kind text not null check (kind in ('contact','invoice','bill','credit_note','supplier_credit','payment','allocation','refund','money_spent','money_received','journal')),
  reference text not null check (length(reference) between 1 and 21),
  -- What must exist, in our words (trades/documents.ts); the book's own words are found when it is sent.
  document jsonb not null,
  depends_on uuid[] not null default '{}',
  live boolean not null default true,
  state text not null check (state in ('waiting','sending','delivered','parked','undone','dropped')),
  generation integer not null default 1 check (generation > 0),
  attempts integer not null default 0,
  fails integer not null default 0,
  -- An earlier try's outcome is not known: look before putting.
  look_first boolean not null default false,
  due_at timestamptz not null,
  fence bigint,
  parked_cause text,
  parked_facts jsonb,
  receipt jsonb,
  warnings jsonb,
  dropped_reason text,
  promised_at timestamptz not null,
  settled_at timestamptz,
  primary key (network_id, id),
  unique (network_id, organisation_id, reference)
);
create index delivery_open on delivery (organisation_id, live desc, promised_at) where state in ('waiting','sending');
create index delivery_of_trade on delivery (network_id, trade_id);
create index delivery_parked on delivery (network_id, organisation_id) where state = 'parked';

create table attempt (
  network_id uuid not null,
  delivery_id uuid not null,
  number integer not null,
  key text not null check (length(key) <= 36),
  verb text not null,
  body_hash bytea not null,
  fence bigint not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  outcome text check (outcome in ('done','refused','unknown','found','absent','waiting')),
  cause text,
  said text,
  status integer,
  call_id text,
  primary key (network_id, delivery_id, number)
);

-- A person's yes to the first trades of a new connection.
create table approval (
  network_id uuid not null,
  trade_id uuid not null,
  organisation_id uuid not null,
  given_by text not null,
  given_at timestamptz not null,
  primary key (network_id, trade_id, organisation_id)
);

create table mail (
  id uuid primary key,
  kind text not null,
  recipient text not null,
  subject text not null,
  body text not null,
  made_at timestamptz not null,
  due_at timestamptz not null,
  attempts integer not null default 0,
  sent_at timestamptz,
  failed text
);
create index mail_waiting on mail (due_at) where sent_at is null;

-- ── inbox ───────────────────────────────────────────────────────────────────────────────────────────────────────────

create table bell (
  kind text not null,
  id text not null,
  book_id text not null,
  what text not null,
  thing_id text,
  rung_at timestamptz not null,
  received_at timestamptz not null,
  answered_at timestamptz,
  primary key (kind, id)
);
create index bell_waiting on bell (received_at) where answered_at is null;

-- ── trades ──────────────────────────────────────────────────────────────────────────────────────────────────────────

create table trade (
  network_id uuid not null,
  id uuid not null,
  -- Names the trade in every book; globally unique, ten letters and digits.
  reference text not null unique check (reference ~ '^[0-9A-Z]{10}$'),
  seller_member_id uuid not null,
  buyer_member_id uuid not null,
  proposed_by text not null check (proposed_by in ('seller','buyer')),
  state text not null check (state in ('proposed','accepted','declined','withdrawn','lapsed','reversed')),
  terms_version integer not null,
  traded_on date not null,
  due_on date not null,
  description text not null check (length(description) between 1 and 500),
  buyer_reference text,
  currency char(3) not null,
  net_minor bigint not null check (net_minor > 0),
  vat_minor bigint not null check (vat_minor >= 0),
  total_minor bigint not null,
  credit_minor bigint not null check (credit_minor > 0),
  money_minor bigint not null check (money_minor >= 0),
  -- Lines with treatment and rate, as agreed.
  lines jsonb not null,
  -- The seller has said yes to the VAT treatment (and to the invoice in its name).
  treatment_confirmed boolean not null,
  -- An invoice already in the seller's book, or a bill in the buyer's, that this trade pays instead of making one.
  linked_invoice jsonb,
  linked_bill jsonb,
  -- Worked out when proposed, so that acceptance reads nothing of its own (trades/documents.ts).
  posting jsonb not null,
  promises jsonb not null,
  hold_id uuid,
  ledger_only boolean not null default false,
  source text not null check (source in ('page','api','import','inbox')),
  lapses_at timestamptz not null,
  invoice_number text check (length(invoice_number) <= 21),
  booked_on date,
  proposed_by_actor text not null,
  recorded_at timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  decided_reason text,
  consent_id uuid,
  reversal_asked_by text check (reversal_asked_by in ('seller','buyer')),
  reversal_asked_at timestamptz,
  reversal_reason text,
  reversed_at timestamptz,
  reversed_by text,
  disputed boolean not null default false,
  changed_at timestamptz not null,
  primary key (network_id, id),
  check (seller_member_id <> buyer_member_id),
  check (total_minor = net_minor + vat_minor),
  check (credit_minor + money_minor = total_minor),
  check ((state in ('accepted','reversed')) = (booked_on is not null)),
  check ((state = 'reversed') = (reversed_at is not null))
);
create index trade_by_time on trade (network_id, recorded_at desc, id desc);
create index trade_of_seller on trade (network_id, seller_member_id, recorded_at desc, id desc);
create index trade_of_buyer on trade (network_id, buyer_member_id, recorded_at desc, id desc);
create index trade_lapsing on trade (lapses_at) where state = 'proposed';
create unique index trade_invoice_number on trade (network_id, seller_member_id, invoice_number) where invoice_number is not null;

create table trade_word (
  network_id uuid not null,
  id uuid not null,
  trade_id uuid not null,
  said_by text not null,
  said_at timestamptz not null,
  what text not null check (what in ('dispute','word','resolved')),
  words text not null check (length(words) between 1 and 2000),
  primary key (network_id, id)
);
create index trade_word_of_trade on trade_word (network_id, trade_id, said_at);

create table standing_consent (
  network_id uuid not null,
  id uuid not null,
  -- Who accepts without being asked, from whom, and up to how much of the part in credits a calendar month.
  member_id uuid not null,
  from_member_id uuid not null,
  side text not null check (side in ('seller','buyer')),
  a_month_minor bigint not null check (a_month_minor > 0),
  given_by text not null,
  given_at timestamptz not null,
  revoked_at timestamptz,
  primary key (network_id, id)
);
create unique index standing_consent_once on standing_consent (network_id, member_id, from_member_id, side) where revoked_at is null;

create table standing_consent_month (
  network_id uuid not null,
  consent_id uuid not null,
  month date not null,
  used_minor bigint not null check (used_minor >= 0),
  primary key (network_id, consent_id, month)
);

-- ── reconcile ───────────────────────────────────────────────────────────────────────────────────────────────────────

create table reconciliation (
  network_id uuid not null,
  id uuid not null,
  connection_id uuid not null,
  organisation_id uuid not null,
  asked_by text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  state text not null check (state in ('running','done','failed')),
  failure jsonb,
  as_of date not null,
  ledger_minor bigint,
  book_minor bigint,
  drift_minor bigint,
  matches integer,
  discrepancies integer,
  primary key (network_id, id)
);
create index reconciliation_latest on reconciliation (network_id, organisation_id, started_at desc);

create table reconciliation_line (
  network_id uuid not null,
  reconciliation_id uuid not null,
  position integer not null,
  verdict text not null,
  delivery_id uuid,
  reference text,
  book_kind text,
  book_document_id text,
  -- What stands on the mutual-credit account on each side because of it.
  ledger_minor bigint not null,
  book_minor bigint not null,
  ours jsonb,
  theirs jsonb,
  primary key (network_id, reconciliation_id, position)
);

create table discrepancy (
  network_id uuid not null,
  id uuid not null,
  organisation_id uuid not null,
  connection_id uuid not null,
  kind text not null check (kind in ('on_its_way','missing_in_book','missing_in_ledger','amount_differs','vat_differs','date_differs','contact_differs','changed_by_person','voided_by_person','doubled','wrong_account','paid_elsewhere','dated_ahead','opening_balance','foreign_currency')),
  -- The same disagreement seen again is the same row.
  mark text not null,
  state text not null default 'open' check (state in ('open','accepted','gone')),
  effect_minor bigint not null,
  delivery_id uuid,
  trade_id uuid,
  evidence jsonb not null,
  owner text,
  opened_at timestamptz not null,
  seen_at timestamptz not null,
  closed_at timestamptz,
  closed_by text,
  closing_words text,
  primary key (network_id, id)
);
create unique index discrepancy_once on discrepancy (network_id, organisation_id, mark) where state <> 'gone';

-- ── web, schedule ───────────────────────────────────────────────────────────────────────────────────────────────────

create table sign_in_link (
  token_hash bytea primary key,
  person_id uuid not null references person,
  -- Only the browser that asked may use it; null when a convener's invitation opened the door.
  browser_hash bytea,
  next_path text,
  made_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

create table web_session (
  id_hash bytea primary key,
  person_id uuid not null references person,
  made_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  browser text
);

create table api_key (
  id uuid primary key,
  secret_hash bytea not null unique,
  name text not null,
  role text not null check (role in ('operator','convener','owner','staff','bookkeeper','auditor')),
  network_id uuid references network,
  organisation_id uuid references organisation,
  may_write boolean not null default true,
  made_by text not null,
  made_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  seen_at timestamptz
);

create table answer (
  actor text not null,
  route text not null,
  key text not null check (length(key) between 1 and 255),
  body_hash bytea not null,
  -- Null while the first asking still runs.
  status integer,
  body jsonb,
  kept_at timestamptz not null,
  primary key (actor, route, key)
);
create index answer_age on answer (kept_at);

-- The trail of what people did; the ledger has its own chain.
create table deed (
  id uuid primary key,
  network_id uuid,
  organisation_id uuid,
  actor text not null,
  what text not null,
  facts jsonb not null,
  done_at timestamptz not null
);
create index deed_by_time on deed (network_id, done_at desc, id desc);

create table timed_task (
  name text not null,
  due_at timestamptz not null,
  claimed_by text not null,
  claimed_at timestamptz not null,
  ended_at timestamptz,
  outcome text,
  primary key (name, due_at)
);

create table import_run (
  network_id uuid not null,
  id uuid not null,
  what text not null check (what in ('members','trades')),
  file_name text not null,
  rows_done integer not null,
  total_minor bigint not null,
  stopped_at_line integer,
  stopped_because text,
  ran_by text not null,
  ran_at timestamptz not null,
  primary key (network_id, id)
);

-- ── append only ─────────────────────────────────────────────────────────────────────────────────────────────────────

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'table % is append only', tg_table_name using errcode = 'QA001';
end $$;

do $$
declare t text;
begin
  foreach t in array array['transfer','entry','limit_change','form_change','deed','audit_run','network_terms','trade_word','approval'] loop
    execute format('create trigger append_only before update or delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger append_only_whole before truncate on %I for each statement execute function refuse_change()', t);
  end loop;
  foreach t in array array['account','ledger_head','trade','attempt','delivery'] loop
    execute format('create trigger never_deleted before delete on %I for each row execute function refuse_change()', t);
    execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_change()', t);
  end loop;
end $$;

-- ── the second wall ─────────────────────────────────────────────────────────────────────────────────────────────────
-- Forced on every table. quits_app sees the networks and organisations it was given; quits_writer one network;
-- quits_worker all. A role that names nothing sees nothing.

do $$
declare t record; has_network boolean; has_organisation boolean; rule text;
begin
  for t in select c.relname as name, c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where n.nspname = 'public' and c.relkind = 'r' and c.relname <> '_prisma_migrations' loop
    execute format('alter table %I enable row level security', t.name);
    execute format('alter table %I force row level security', t.name);
    has_network := exists (select 1 from pg_attribute a where a.attrelid = t.oid and a.attname = 'network_id' and a.attnum > 0);
    has_organisation := exists (select 1 from pg_attribute a where a.attrelid = t.oid and a.attname = 'organisation_id' and a.attnum > 0);
    execute format('grant select, insert, update on %I to quits_worker', t.name);
    execute format('create policy worker on %I to quits_worker using (true) with check (true)', t.name);
    rule := case
      when t.name in ('person','acts_for','sign_in_link','web_session','api_key','consent','book_grant','mail','lane','bell','timed_task') then null
      when t.name = 'answer' then 'true'
      when t.name = 'network' then 'id = any (quits_networks())'
      when t.name = 'organisation' then 'id = any (quits_organisations()) or exists (select 1 from member m where m.organisation_id = organisation.id and m.network_id = any (quits_networks())) or exists (select 1 from network n where n.organisation_id = organisation.id and n.id = any (quits_networks()))'
      when t.name in ('connection','form_change') then 'organisation_id = any (quits_organisations())'
      when t.name in ('mapping','book_contact') then 'exists (select 1 from connection c where c.id = connection_id)'
      when t.name in ('deed') then 'network_id = any (quits_networks()) or organisation_id = any (quits_organisations())'
      when t.name in ('delivery','reconciliation','discrepancy','approval') then 'network_id = any (quits_networks()) and organisation_id = any (quits_organisations())'
      when t.name = 'attempt' then 'exists (select 1 from delivery d where d.network_id = attempt.network_id and d.id = attempt.delivery_id)'
      when t.name = 'reconciliation_line' then 'exists (select 1 from reconciliation r where r.network_id = reconciliation_line.network_id and r.id = reconciliation_line.reconciliation_id)'
      when has_network then 'network_id = any (quits_networks())'
      else null end;
    if rule is not null then
      execute format('create policy app on %I to quits_app using (%s) with check (%s)', t.name, rule, rule);
      if t.name in ('transfer','entry','ledger_head','audit_run') then
        execute format('grant select on %I to quits_app', t.name);
      elsif t.name = 'account' then
        execute 'grant select on account to quits_app';
        execute 'grant insert (network_id, id, kind, member_id, floor_minor, ceiling_minor, soft_floor_minor, soft_ceiling_minor, frozen, never_below_zero, opened_at) on account to quits_app';
        execute 'grant update (floor_minor, ceiling_minor, soft_floor_minor, soft_ceiling_minor, frozen, never_below_zero) on account to quits_app';
      else
        execute format('grant select, insert, update on %I to quits_app', t.name);
      end if;
    end if;
    -- The posting functions: one network at a time, and whatever stands beside a posting.
    if has_network and t.name not in ('api_key','consent','mapping','serves','invitation') then
      execute format('create policy writer on %I to quits_writer using (network_id = any (quits_networks())) with check (network_id = any (quits_networks()))', t.name);
      if t.name in ('transfer','entry','account','ledger_head','trade','delivery','member','standing_consent_month','deed','import_run','trade_word') then
        execute format('grant select, insert, update on %I to quits_writer', t.name);
      else
        execute format('grant select on %I to quits_writer', t.name);
      end if;
    elsif t.name in ('answer','lane') then
      execute format('create policy writer on %I to quits_writer using (true) with check (true)', t.name);
      execute format('grant select, insert, update on %I to quits_writer', t.name);
    elsif t.name in ('network','organisation') then
      execute format('create policy writer on %I to quits_writer using (true)', t.name);
      execute format('grant select on %I to quits_writer', t.name);
    end if;
  end loop;
  -- Nobody but the posting functions writes the ledger.
  revoke insert, update on transfer, entry from quits_worker;
  revoke update on account from quits_worker;
  grant update (floor_minor, ceiling_minor, soft_floor_minor, soft_ceiling_minor, frozen, never_below_zero) on account to quits_worker;
  revoke update on ledger_head from quits_worker;
  -- Whoever promises or approves makes a lane due; nothing on its row is anyone's secret.
  create policy app on lane to quits_app using (true) with check (true);
  grant select, update (due_at) on lane to quits_app;
  grant delete on answer, web_session, sign_in_link to quits_worker;
  grant delete on answer to quits_app;
end $$;
