/**
 * The audit: named truths about a whole network's ledger, each one query that finds whatever speaks against it.
 *
 * Keeps: nothing is mended here. A truth that does not hold is an alarm, and its offenders are named.
 */

import { type Clock, type Day, dayOf } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import { firstBreak, isSame } from './chain.ts'
import { truthsOfTrades } from './truths-of-trades.ts'

export type Truth = { name: string; says: string; holds: boolean; offenders: string[] }
export type Audit = {
  holds: boolean
  truths: Truth[]
  head: { number: bigint; hash: Uint8Array; bookedOn: Day; recordedAt: Date }
}

/** A run of it that stands in the table. */
export type KeptAudit = Audit & { id: Uuid; ranAt: Date }

/** Offenders shown of each truth; the rest would only repeat it. */
const mostOffenders = 20

/** `offenders`: a query over the network $1 with one column `offender`. */
export type NamedTruth = { name: string; says: string; offenders: string }

export const truths: readonly NamedTruth[] = [
  {
    name: 'sums_to_zero',
    says: 'All balances of the network sum to zero.',
    offenders: `
      select 'sum ' || sum(balance_minor) as offender from account where network_id = $1::uuid having sum(balance_minor) <> 0`,
  },
  {
    name: 'balance_is_sum_of_entries',
    says: 'Each balance is the sum of the account’s entries, and its version their number.',
    offenders: `
      select a.id::text as offender from account a
        left join (select account_id, sum(amount_minor) as total, count(*) as entries from entry
                    where network_id = $1::uuid group by account_id) e on e.account_id = a.id
       where a.network_id = $1::uuid
         and (a.balance_minor <> coalesce(e.total, 0) or a.version <> coalesce(e.entries, 0))`,
  },
  {
    name: 'entries_are_linked',
    says: 'The versions of an account have no gap, and each entry begins where the one before it ended.',
    offenders: `
      select e.account_id || ' version ' || e.version as offender from (
        select account_id, version, before_minor, after_minor, amount_minor,
               row_number() over account_order as place, coalesce(lag(after_minor) over account_order, 0) as was
          from entry where network_id = $1::uuid
        window account_order as (partition by account_id order by version)) e
       where e.version <> e.place or e.before_minor <> e.was or e.after_minor <> e.before_minor + e.amount_minor`,
  },
  {
    name: 'two_entries_a_transfer',
    says: 'Each transfer has one debit and one credit of the same amount on the accounts it names; one that only holds or frees has none.',
    offenders: `
      select t.id::text as offender from transfer t
        left join (select transfer_id, count(*) as entries, min(number) as lowest, max(number) as highest,
                          sum(amount_minor) filter (where amount_minor < 0) as debit, sum(amount_minor) filter (where amount_minor > 0) as credit,
                          min(account_id::text) filter (where amount_minor < 0) as debit_id, min(account_id::text) filter (where amount_minor > 0) as credit_id
                     from entry where network_id = $1::uuid group by transfer_id) e on e.transfer_id = t.id
       where t.network_id = $1::uuid and not case
         when t.kind in ('hold', 'hold_release', 'hold_expire') then e.entries is null
         else coalesce(e.entries = 2 and e.debit = -t.amount_minor and e.credit = t.amount_minor and e.lowest = t.number and e.highest = t.number
                and e.debit_id = t.debit_account_id::text and e.credit_id = t.credit_account_id::text, false) end`,
  },
  {
    // No check of the tables says this: it would be asked anew at every posting, of rows that one function alone writes.
    name: 'rows_are_well_formed',
    says: 'A transfer has two accounts and an amount, and names what it reverses or which hold it ends when its kind does; an entry adds up.',
    offenders: `
      select 'transfer ' || id as offender from transfer
       where network_id = $1::uuid and (debit_account_id = credit_account_id
          or (amount_minor = 0 and kind not in ('hold_release', 'hold_expire'))
          or (kind in ('hold_post', 'hold_release', 'hold_expire')) <> (hold_id is not null)
          or (kind = 'reversal') <> (reverses_id is not null))
      union all
      select 'entry ' || version || ' of ' || account_id from entry
       where network_id = $1::uuid and (after_minor <> before_minor + amount_minor or version < 1)
      union all
      select 'account ' || id from account
       where network_id = $1::uuid and (kind in ('member', 'staff_pool', 'staff')) <> (member_id is not null)`,
  },
  {
    name: 'held_is_what_holds_hold',
    says: 'What an account holds back is the sum of its open holds.',
    offenders: `
      with open_hold as (
        select h.debit_account_id, h.credit_account_id, h.amount_minor from transfer h
          left join transfer e on e.network_id = h.network_id and e.hold_id = h.id
         where h.network_id = $1::uuid and h.kind = 'hold' and e.id is null)
      select a.id::text as offender from account a
        left join (select debit_account_id as id, sum(amount_minor) as total from open_hold group by 1) o on o.id = a.id
        left join (select credit_account_id as id, sum(amount_minor) as total from open_hold group by 1) i on i.id = a.id
       where a.network_id = $1::uuid and (a.held_out_minor <> coalesce(o.total, 0) or a.held_in_minor <> coalesce(i.total, 0))`,
  },
  {
    name: 'legal_floor_stands',
    says: 'An account that may never be below zero is not, or is frozen since its legal form changed.',
    offenders: `
      select id::text as offender from account
       where network_id = $1::uuid and never_below_zero and balance_minor < 0 and not frozen`,
  },
  {
    // A limit may be lowered under a balance. A change is stamped before it is committed: a minute of grace.
    name: 'no_posting_crossed_a_limit',
    says: 'No posting since a limit was last changed has taken its account past it, or further past it.',
    offenders: `
      select a.id || ' transfer ' || e.transfer_id as offender from account a
        join entry e on e.network_id = a.network_id and e.account_id = a.id
        join transfer t on t.network_id = e.network_id and t.id = e.transfer_id
        left join (select member_id, max(changed_at) as at from limit_change where network_id = $1::uuid group by member_id) c
          on c.member_id = a.member_id
       where a.network_id = $1::uuid and t.kind not in ('reversal', 'hold_post')
         and ((e.amount_minor < 0 and e.after_minor < a.floor_minor) or (e.amount_minor > 0 and e.after_minor > a.ceiling_minor))
         and t.recorded_at > coalesce(c.at + interval '1 minute', '-infinity')`,
  },
  {
    name: 'numbers_without_gaps',
    says: 'The numbers of the transfers run from one to the head’s without a gap.',
    offenders: `
      select 'head ' || h.number || ', transfers ' || t.count || ', highest ' || coalesce(t.highest, 0) as offender
        from ledger_head h, (select count(*) as count, max(number) as highest from transfer where network_id = $1::uuid) t
       where h.network_id = $1::uuid and (h.number <> t.count or h.number <> coalesce(t.highest, 0))`,
  },
  {
    name: 'days_run_forwards',
    says: 'The ledger day and the instant of recording never run backwards.',
    offenders: `
      select t.id::text as offender from (
        select id, booked_on, recorded_at, lag(booked_on) over in_order as day_before, lag(recorded_at) over in_order as instant_before
          from transfer where network_id = $1::uuid window in_order as (order by number)) t
       where t.booked_on < t.day_before or t.recorded_at < t.instant_before`,
  },
  {
    name: 'references_exist',
    says: 'Accounts, reversed transfers and holds that a transfer names exist, and a reversal mirrors what it reverses.',
    offenders: `
      select t.id::text as offender from transfer t
        left join account d on d.network_id = t.network_id and d.id = t.debit_account_id
        left join account c on c.network_id = t.network_id and c.id = t.credit_account_id
        left join transfer r on r.network_id = t.network_id and r.id = t.reverses_id
        left join transfer h on h.network_id = t.network_id and h.id = t.hold_id
       where t.network_id = $1::uuid
         and (d.id is null or c.id is null
           or (t.reverses_id is not null and (r.id is null or r.debit_account_id <> t.credit_account_id
                or r.credit_account_id <> t.debit_account_id or r.amount_minor <> t.amount_minor or r.number >= t.number))
           or (t.hold_id is not null and (h.id is null or h.kind <> 'hold' or h.amount_minor < t.amount_minor or h.number >= t.number)))`,
  },
  ...truthsOfTrades,
]

export async function audit(tx: Tx, networkId: Uuid): Promise<Audit> {
  const found: Truth[] = []
  // Each truth reads the whole ledger once. On tables that grew since they were last measured, the planner would go through
  // one of them anew for each row of the other.
  await tx.$queryRaw`select set_config('enable_nestloop', 'off', true)`
  for (const truth of truths) {
    const rows = await tx.$queryRawUnsafe<{ offender: string }[]>(
      `select offender from (${truth.offenders}) o limit ${mostOffenders}`,
      networkId,
    )
    found.push({
      name: truth.name,
      says: truth.says,
      holds: rows.length === 0,
      offenders: rows.map((row) => row.offender),
    })
  }
  await tx.$queryRaw`select set_config('enable_nestloop', 'on', true)`
  const head = await tx.ledgerHead.findUniqueOrThrow({ where: { networkId } })
  found.push(await chainIsWhole(tx, networkId, head))
  return {
    holds: found.every((truth) => truth.holds),
    truths: found,
    head: { number: head.number, hash: head.hash, bookedOn: dayOf(head.bookedOn), recordedAt: head.recordedAt },
  }
}

/** Every network's audit, kept; the head goes into the log, out of the database's reach. A timed task. Gives the networks where a truth does not hold. */
export async function auditAll(deps: { db: Db; clock: Clock; log: Log }): Promise<{ audited: number; broken: Uuid[] }> {
  const networks = await inTransaction(deps.db, asWorker, (tx) =>
    tx.ledgerHead.findMany({ select: { networkId: true } }),
  )
  const broken: Uuid[] = []
  for (const { networkId } of networks) {
    const found = await auditNetwork(deps, networkId)
    const head = { number: found.head.number.toString(), hash: Buffer.from(found.head.hash).toString('hex') }
    const untrue = found.truths.filter((truth) => !truth.holds).map((truth) => truth.name)
    if (untrue.length > 0) broken.push(networkId)
    deps.log[untrue.length > 0 ? 'error' : 'info']({ networkId, head, untrue }, 'the ledger was audited')
  }
  return { audited: networks.length, broken }
}

const nightlyMs = 600_000

/** One network's audit, kept. At one moment: trades that are accepted while it runs are neither counted nor missed. */
export async function auditNetwork(deps: { db: Db; clock: Clock }, networkId: Uuid): Promise<KeptAudit> {
  return inTransaction(deps.db, asWorker, (tx) => auditAndKeep(tx, deps.clock, networkId), nightlyMs, 'one_moment')
}

async function auditAndKeep(tx: Tx, clock: Clock, networkId: Uuid): Promise<KeptAudit> {
  const found = await audit(tx, networkId)
  const ranAt = clock.now()
  const id = newId(ranAt)
  const { number, hash } = found.head
  await tx.auditRun.create({
    data: {
      networkId,
      id,
      ranAt,
      holds: found.holds,
      truths: found.truths,
      headNumber: number,
      headHash: Uint8Array.from(hash),
    },
  })
  return { ...found, id, ranAt }
}

async function chainIsWhole(tx: Tx, networkId: Uuid, head: { number: bigint; hash: Uint8Array }): Promise<Truth> {
  const walked = await firstBreak(tx, networkId)
  const offenders: string[] = []
  if (walked.brokenAt !== null) offenders.push(`transfer number ${walked.brokenAt}`)
  else if (walked.number !== head.number || !isSame(walked.hash, head.hash)) offenders.push('the head row')
  return {
    name: 'chain_is_whole',
    says: 'Each transfer’s hash follows from the one before it, up to the head.',
    holds: offenders.length === 0,
    offenders,
  }
}
