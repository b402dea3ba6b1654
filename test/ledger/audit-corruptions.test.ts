/**
 * Each truth of the audit is shown to find what it is for: somebody with the keys to the database changes rows past all
 * triggers, and just the truths named here name the offender. Every change is undone again.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { networkAccountId } from '../../src/ledger/account.ts'
import { type Audit, audit, truths } from '../../src/ledger/audit.ts'
import { holdTransfer, releaseHold } from '../../src/ledger/hold.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { giveConsent } from '../../src/trades/standing-consent.ts'
import { type SetUp, setUp } from '../networks/set-up.ts'
import { smallWorld } from '../trades/small-world.ts'

let on: SetUp
let names: Record<string, string>
let networkId: string
beforeAll(async () => {
  on = await setUp()
  names = await madeWorld()
})
afterAll(() => on.end())

/** Eleven transfers: two sales with fees, one of them on a standing consent; two holds, one released; a sale that was reversed. */
async function madeWorld(): Promise<Record<string, string>> {
  const fees = [
    { side: 'seller' as const, basisPoints: 100, fixedMinor: '0', mode: 'credits' as const, words: 'Network fee' },
  ]
  const world = await smallWorld(on, { mill: {}, bakery: {}, inn: {} }, { fees })
  const { network, member } = world
  networkId = network.id
  const first = await world.sale('mill', 'bakery')
  const consent = await on.worker((tx) =>
    giveConsent(tx, on.clock, {
      networkId,
      memberId: member('inn').id,
      fromMemberId: member('mill').id,
      side: 'buyer',
      aMonthMinor: 900_000n,
      actor: 'per_inn',
    }),
  )
  const second = await world.propose(world.ask('mill', 'inn'))
  expect(second.state).toBe('accepted')
  const postings = postingsOf(on.db)
  const hold = (name: string, amountMinor: bigint) => ({
    id: world.id(name),
    debit: member('bakery').accountId,
    credit: member('inn').accountId,
    amountMinor,
    causeKind: 'test',
    causeId: world.id('cause'),
  })
  for (const [id, transfer] of [
    ['hold', holdTransfer(hold('h1', 500n), { expiresAt: null, promised: false })],
    ['other', holdTransfer(hold('h2', 700n), { expiresAt: null, promised: false })],
    ['release', releaseHold(hold('h2', 700n))],
  ] as const)
    expect(await postings.add(networkId, { id: world.id(id), transfers: [transfer] })).toMatchObject({ ok: true })
  const third = await world.sale('bakery', 'inn', { net: 5_000n })
  await world.reverse(third)
  const open = await world.propose(world.ask('mill', 'bakery', { net: 7_000n }))
  await on.db.pool.query(
    `insert into answer (actor, route, key, body_hash, status, body, kept_at)
     values ('key_test', 'POST /v1/trades', 'k1', '\\x00', 201, jsonb_build_object('reference', $1::text, 'state', 'accepted', 'invoiceNumber', $2::text), quits_now())`,
    [first.reference, first.invoiceNumber],
  )
  const { rows } = await on.db.pool.query('select number, id from transfer where network_id = $1', [networkId])
  return {
    network: networkId,
    fees: networkAccountId(networkId, 'fees'),
    ...Object.fromEntries(
      ['mill', 'bakery', 'inn'].flatMap((name) => [
        [name, member(name).accountId],
        [`${name}_member`, member(name).id],
      ]),
    ),
    ...Object.fromEntries(rows.map((row) => [`t${row.number}`, row.id])),
    first: first.id,
    second: second.id,
    third: third.id,
    open: open.id,
    consent: consent.id,
  }
}

class Undone extends Error {}

/** The audit of a changed ledger; the change is undone whatever comes of it. */
async function auditOf(change: string): Promise<Audit> {
  let found: Audit | null = null
  await on.db.prisma
    .$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe("set local session_replication_role = 'replica'")
        for (const one of filled(change).split(';\n')) await tx.$executeRawUnsafe(one)
        found = await audit(tx, networkId)
        throw new Undone()
      },
      { timeout: 30_000 },
    )
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  if (!found) throw new Error('no audit was made')
  return found
}

/** `$name` stands for the id of that name. */
function filled(text: string): string {
  return text.replaceAll(/\$([a-z]\w*)/g, (_, name: string) => {
    const id = names[name]
    if (!id) throw new Error(`nothing is named ${name}`)
    return id
  })
}

type Corruption = { change: string; finds: Record<string, string> }
const where = (number: number) => `where network_id = '$network' and number = ${number}`
const nowhere = '00000000-0000-4000-8000-000000000000'

const corruptions: Record<string, Corruption> = {
  'a balance typed over': {
    change: `update account set balance_minor = balance_minor + 1 where network_id = '$network' and id = '$mill'`,
    finds: { sums_to_zero: 'sum 1', balance_is_sum_of_entries: '$mill' },
  },
  'a penny moved between two accounts': {
    change: `update account set balance_minor = balance_minor + case id when '$mill' then 1 else -1 end where network_id = '$network' and id in ('$mill', '$inn')`,
    finds: { balance_is_sum_of_entries: '$mill' },
  },
  'a version skipped': {
    change: `update entry set version = version + 100 where network_id = '$network' and account_id = '$fees' and version = 2`,
    finds: { entries_are_linked: '$fees version 102' },
  },
  'an entry that begins elsewhere': {
    change: `update entry set before_minor = before_minor + 5, after_minor = after_minor + 5 where network_id = '$network' and account_id = '$bakery' and version = 1`,
    finds: { entries_are_linked: '$bakery version 1' },
  },
  'an entry on another account': {
    change: `update entry set account_id = '$inn', version = 90 where network_id = '$network' and account_id = '$bakery' and version = 1`,
    finds: { balance_is_sum_of_entries: '$inn', entries_are_linked: '$inn version 90', two_entries_a_transfer: '$t1' },
  },
  'an entry taken out': {
    change: `delete from entry where network_id = '$network' and transfer_id = '$t2' and amount_minor < 0`,
    finds: { balance_is_sum_of_entries: '$mill', entries_are_linked: '$mill', two_entries_a_transfer: '$t2' },
  },
  'a hold forgotten on its account': {
    change: `update account set held_out_minor = 0 where network_id = '$network' and id = '$bakery'`,
    finds: { held_is_what_holds_hold: '$bakery' },
  },
  'a business below zero that may not be': {
    change: `update account set never_below_zero = true where network_id = '$network' and id = '$bakery'`,
    finds: { legal_floor_stands: '$bakery' },
  },
  'a limit that was passed': {
    change: `update account set floor_minor = -99999 where network_id = '$network' and id = '$bakery';
update limit_change set changed_at = changed_at - interval '1 day' where network_id = '$network'`,
    finds: { no_posting_crossed_a_limit: '$bakery transfer $t1' },
  },
  'the last transfer taken out': {
    change: `delete from transfer ${where(7)};
update account set held_out_minor = held_out_minor + 700 where network_id = '$network' and id = '$bakery';
update account set held_in_minor = held_in_minor + 700 where network_id = '$network' and id = '$inn'`,
    finds: { numbers_without_gaps: 'head 11, transfers 10, highest 11', chain_is_whole: 'transfer number 8' },
  },
  'a day moved back': {
    change: `update transfer set booked_on = booked_on - 9 ${where(6)}`,
    finds: { days_run_forwards: '$t6', chain_is_whole: 'transfer number 6' },
  },
  'an instant moved forward': {
    change: `update transfer set recorded_at = recorded_at + interval '1 hour' ${where(6)}`,
    finds: { days_run_forwards: '$t7', chain_is_whole: 'transfer number 6' },
  },
  'a reversal of another transfer': {
    change: `update transfer set reverses_id = '${nowhere}' ${where(11)}`,
    finds: {
      references_exist: '$t11',
      reversed_trades_are_undone: 'trade $third',
      chain_is_whole: 'transfer number 11',
    },
  },
  'a hold released that never was': {
    change: `update transfer set hold_id = '${nowhere}' ${where(7)}`,
    finds: { held_is_what_holds_hold: '$bakery', references_exist: '$t7', chain_is_whole: 'transfer number 7' },
  },
  'a trade whose part in credits is another': {
    change: `update trade set credit_minor = credit_minor - 1, money_minor = money_minor + 1 where network_id = '$network' and id = '$first'`,
    finds: { trades_are_in_the_ledger: 'trade $first' },
  },
  'a trade that was posted and not accepted': {
    change: `update trade set state = 'proposed', booked_on = null where network_id = '$network' and id = '$first'`,
    finds: { trades_are_in_the_ledger: 'trade $first', kept_answers_are_true: 'answer k1 to key_test' },
  },
  'a trade accepted without being posted': {
    change: `update trade set state = 'accepted', booked_on = '2026-11-02', promises = '[]' where network_id = '$network' and id = '$open'`,
    finds: { trades_are_in_the_ledger: 'trade $open' },
  },
  'a reversal that a trade does not know of': {
    change: `update trade set state = 'accepted', reversed_at = null where network_id = '$network' and id = '$third'`,
    finds: { reversed_trades_are_undone: 'trade $third' },
  },
  'a document that was never promised': {
    change: `delete from delivery where network_id = '$network' and trade_id = '$second' and kind = 'bill'`,
    finds: { documents_are_promised: 'trade $second document' },
  },
  'the use of a month written down': {
    change: `update standing_consent_month set used_minor = used_minor - 1 where network_id = '$network'`,
    finds: { months_of_consents_add_up: 'consent $consent month 2026-11' },
  },
  'a consent that never allowed so much': {
    change: `update standing_consent set a_month_minor = 99999 where network_id = '$network'`,
    finds: { months_of_consents_add_up: 'consent $consent month 2026-11' },
  },
  'an invoice number given twice': {
    change: `drop index trade_invoice_number;
update trade set invoice_number = 'MILL00001' where network_id = '$network' and id = '$second'`,
    finds: { invoice_numbers_once: 'seller $mill_member number MILL00001' },
  },
  'a next invoice number set back': {
    change: `update member set invoice_next = 1 where network_id = '$network' and id = '$mill_member'`,
    finds: { invoice_numbers_once: 'seller $mill_member number MILL00001' },
  },
  'an answer that tells of another number': {
    change: `update answer set body = body || '{"invoiceNumber": "MILL00009"}' where key = 'k1'`,
    finds: { kept_answers_are_true: 'answer k1 to key_test' },
  },
  'an entry that does not add up': {
    change: `update entry set before_minor = 7 where network_id = '$network' and account_id = '$bakery' and version = 1`,
    finds: { entries_are_linked: '$bakery version 1', rows_are_well_formed: 'entry 1 of $bakery' },
  },
  'a release that names no hold': {
    change: `update transfer set hold_id = null ${where(7)}`,
    finds: {
      rows_are_well_formed: 'transfer $t7',
      held_is_what_holds_hold: '$bakery',
      chain_is_whole: 'transfer number 7',
    },
  },
  'a business without its member': {
    change: `update account set member_id = null where network_id = '$network' and id = '$inn'`,
    finds: { rows_are_well_formed: 'account $inn' },
  },
  'the head rewritten': {
    change: `update ledger_head set hash = '\\x00' where network_id = '$network'`,
    finds: { chain_is_whole: 'the head row' },
  },
}

test('an untouched ledger holds', async () => {
  const found = await auditOf('select 1')
  expect(found.truths.filter((truth) => !truth.holds)).toEqual([])
  expect(found.head.number).toBe(11n)
})

describe('found, and by just these truths:', () => {
  test.each(Object.entries(corruptions))('%s', async (_what, { change, finds }) => {
    const broken = (await auditOf(change)).truths.filter((truth) => !truth.holds)
    expect(broken.map((truth) => truth.name)).toEqual(Object.keys(finds))
    for (const { name, offenders } of broken) expect(offenders.join('; '), name).toContain(filled(finds[name] ?? '-'))
  })
})

test('every truth has a corruption here that it finds', () => {
  const found = new Set(Object.values(corruptions).flatMap(({ finds }) => Object.keys(finds)))
  expect([...truths.map((truth) => truth.name), 'chain_is_whole'].filter((name) => !found.has(name))).toEqual([])
})
