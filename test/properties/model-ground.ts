/** A real ledger beside its model: the same rules, the same clock, and what is asked of one asked of the other. */
import { dayIn } from '../../src/kit/clock.ts'
import { withConnection } from '../../src/kit/db.ts'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'
import type { PostingAsk, PostingVerdict, TransferAsk } from '../../src/ledger/post.ts'
import { type databaseWithClock, type SmallLedger, smallLedger } from '../ledger/small-ledger.ts'
import { names } from './ledger-steps.ts'
import {
  type Asked,
  balanceOf,
  entriesOf,
  type Heard,
  heldOf,
  noRules,
  type Part,
  type Rules,
  type World,
} from './plain-ledger.ts'

export type Ground = Awaited<ReturnType<typeof databaseWithClock>>
export type Pair = { ledger: SmallLedger; world: World; nameOf: (id: Uuid) => string }

const zone = 'Europe/London'
const began = Date.parse('2026-03-02T09:00:00.000Z')
/** What never comes of a name is named so that it cannot be found. */
const nobody = idOfCause('account', 'nobody at all')

/** To replay what a failed run printed: QUITS_SEED, and QUITS_PATH for the very case. */
export function replayable<T extends object>(more: T) {
  const { QUITS_SEED: seed, QUITS_PATH: path } = process.env
  return { ...more, ...(seed ? { seed: Number(seed) } : {}), ...(path ? { path } : {}) }
}

export async function pair(ground: Ground): Promise<Pair> {
  await ground.setClock(new Date(began))
  const ledger = await smallLedger(ground.db, Object.fromEntries(names.map((name) => [name, {}])), zone)
  const named = new Map<Uuid, string>(names.map((name) => [ledger.account(name), name]))
  for (let place = 0; place <= 50; place += 1) {
    named.set(idOfCause('transfer', ledger.networkId, `t${place}`), `t${place}`)
    named.set(idOfCause('posting', ledger.networkId, `p${place}`), `p${place}`)
  }
  const world: World = {
    now: began,
    today: dayIn(zone, new Date(began)),
    day: '1900-01-01',
    instant: began,
    rules: new Map(names.map((name) => [name, noRules])),
    stood: [],
  }
  return { ledger, world, nameOf: (id) => named.get(id) ?? id }
}

export async function moveClock(ground: Ground, world: World, hours: number): Promise<World> {
  const now = world.now + hours * 3_600_000
  await ground.setClock(new Date(now))
  return { ...world, now, today: dayIn(zone, new Date(now)) }
}

/** With the record of the change that networks keep, two minutes apart, so that the audit may be asked about limits too. */
export async function setRules(ground: Ground, { ledger, world }: Pair, name: string, rules: Rules): Promise<World> {
  const before = await moveClock(ground, world, 1 / 30)
  await ledger.setLimits(name, {
    floor_minor: rules.floor,
    ceiling_minor: rules.ceiling,
    soft_floor_minor: rules.softFloor,
    soft_ceiling_minor: rules.softCeiling,
    frozen: rules.frozen,
    never_below_zero: rules.never,
  })
  await withConnection(ground.db.pool, { role: 'worker' }, async (client) => {
    await client.query('reset role')
    // These accounts have no members behind them, which the foreign key would mind.
    await client.query("set local session_replication_role = 'replica'")
    await client.query(
      `insert into limit_change (network_id, id, member_id, what, reason, changed_by, changed_at)
       select network_id, gen_random_uuid(), member_id, 'credit_limit', 'as agreed', 'quits', greatest(quits_now(), h.recorded_at)
         from account a join ledger_head h using (network_id) where a.network_id = $1 and a.id = $2`,
      [ledger.networkId, ledger.account(name)],
    )
  })
  const after = await moveClock(ground, before, 1 / 30)
  return { ...after, rules: new Map(after.rules).set(name, rules) }
}

export function askOf({ ledger }: Pair, asked: Asked): PostingAsk {
  return ledger.posting(
    asked.id,
    asked.parts.map((part) => transferOf(ledger, part)),
    {
      passCreditLimit: asked.passCreditLimit,
      mayBuyFrozen: asked.mayBuyFrozen,
      ...(asked.day === null ? {} : { bookedOn: asked.day }),
    },
  )
}

function transferOf(ledger: SmallLedger, part: Part): TransferAsk {
  const named = part.names === null ? null : idOfCause('transfer', ledger.networkId, part.names)
  const account = (name: string) => (name === 'nobody' ? nobody : ledger.account(name))
  return {
    id: idOfCause('transfer', ledger.networkId, part.name),
    kind: part.kind,
    debit: account(part.from),
    credit: account(part.to),
    amountMinor: part.amount,
    causeKind: 'trade',
    causeId: idOfCause('cause', ledger.networkId),
    optional: part.optional,
    holdPromised: part.promised,
    ...(part.expires === null ? {} : { holdExpiresAt: new Date(part.expires) }),
    ...(named === null ? {} : part.kind === 'reversal' ? { reversesId: named } : { holdId: named }),
  }
}

/** A verdict in the model's words. */
export function heardFrom({ nameOf }: Pair, verdict: PostingVerdict): Heard {
  if (!verdict.ok) return { ok: false, code: verdict.code }
  return {
    ok: true,
    replayed: verdict.replayed,
    leftOut: verdict.transfers.map((one) => one.leftOut),
    day: verdict.bookedOn,
    warnings: verdict.warnings.map((one) => `${nameOf(one.accountId)} ${one.kind} ${one.balanceMinor}`).sort(),
  }
}

export async function accountsIn({ ledger }: Pair): Promise<string[]> {
  const rows = await Promise.all(names.map((name) => ledger.read(name)))
  return rows.map(
    (row, place) => `${names[place]} ${row.balanceMinor} ${row.heldOutMinor} ${row.heldInMinor} ${row.version}`,
  )
}

export function accountsSaid({ stood }: World): string[] {
  return names.map(
    (name) =>
      `${name} ${balanceOf(stood, name)} ${heldOf(stood, name, 'from')} ${heldOf(stood, name, 'to')} ${entriesOf(stood, name)}`,
  )
}
