/** What people do beside trading: in their books behind our back, with their connections, and with what waits for them. */
import { disconnect } from '../../src/books/disconnect.ts'
import { pause, pauseSending, resume, resumeSending } from '../../src/books/pause.ts'
import { addDays, dayIn } from '../../src/kit/clock.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { formatAmount } from '../../src/kit/money.ts'
import { dropDelivery, undoDrop } from '../../src/outbox/drop-delivery.ts'
import { retryDelivery } from '../../src/outbox/move-delivery.ts'
import { retryAll } from '../../src/outbox/retry-all.ts'
import { ControlRefusal } from '../../stand-ins/kit/control.ts'
import type { Command, PersonDeed } from './commands.ts'
import { actor, type Firm, signIn } from './town.ts'
import type { World } from './world.ts'

type Person = Extract<Command, { do: 'person' }>
type Connecting = 'pause' | 'resume' | 'revoke' | 'disconnect' | 'sign_in'
type Moving = 'drop' | 'take_back' | 'retry' | 'retry_all'
type Ask = Record<string, unknown> & { deed: string }

/** What only renames or locks leaves no difference that may stay. */
const touching: readonly PersonDeed[] = [
  'void',
  'delete',
  'edit_amount',
  'edit_day',
  'archive_contact',
  'bill_by_hand',
  'money_by_hand',
  'pay_from_bank',
]
const quickbooksKinds: Record<string, string> = {
  invoice: 'Invoice',
  bill: 'Bill',
  credit_note: 'CreditMemo',
  supplier_credit: 'VendorCredit',
  money_spent: 'Purchase',
  money_received: 'Deposit',
}

export async function doAsPerson(world: World, { firm: place, deed, pick, minor }: Person): Promise<string> {
  const firm = world.firm(place)
  const ask = await askFor(world, firm, deed, pick, minor)
  if (!ask) return 'nothing there to do it to'
  try {
    const { control } = world.vendors[firm.vendor]
    await control.edit(firm.bookId, ask)
  } catch (error) {
    if (error instanceof ControlRefusal) return 'the book refuses'
    throw error
  }
  if (touching.includes(deed)) world.isTouched = true
  return `${ask.deed} done`
}

async function askFor(world: World, firm: Firm, deed: PersonDeed, pick: number, minor: number): Promise<Ask | null> {
  const amount = formatAmount(BigInt(minor), 2)
  const today = dayIn('Europe/London', world.time.now())
  const paper = (kinds: string[]) => documentIn(world, firm, kinds, pick)
  const contact = async (role: string | null) => contactIn(world, firm, role, pick)
  switch (deed) {
    case 'void': {
      const found = await paper(firm.vendor === 'xero' ? ['invoice', 'bill'] : ['invoice'])
      return found && { deed: 'voidInvoice', ...found }
    }
    case 'delete': {
      const found = await paper(Object.keys(quickbooksKinds))
      return found && { deed: 'deleteDocument', ...found }
    }
    case 'edit_amount': {
      const found = await paper(['invoice', 'bill'])
      return found && { deed: 'editInvoice', ...found, amount }
    }
    case 'edit_day': {
      const found = await paper(['invoice', 'bill'])
      return found && { deed: 'editInvoice', ...found, date: addDays(today, -(pick % 20)) }
    }
    case 'rename_contact':
    case 'archive_contact': {
      const found = await contact(null)
      const named = deed === 'rename_contact' ? { name: `${found?.name} (${pick})` } : {}
      return found && { deed: deed === 'rename_contact' ? 'renameContact' : 'archiveContact', id: found.id, ...named }
    }
    case 'rename_account':
      return { deed: 'renameAccount', ...(await creditAccountOf(world, firm)), name: `Credits ${pick}` }
    case 'lock_period': {
      const until = addDays(today, (pick % 3) - 2)
      return { deed: 'lockPeriod', until, through: until }
    }
    case 'unlock_period':
      return { deed: 'unlockPeriod' }
    case 'bill_by_hand': {
      const found = await contact('supplier')
      return found && { deed: 'enterBill', contact: found.name, amount, number: `HAND-${pick}-${minor}` }
    }
    case 'money_by_hand': {
      const { account } = await creditAccountOf(world, firm)
      return {
        deed: pick % 2 === 0 ? 'spendMoney' : 'receiveMoney',
        account,
        bankAccount: account,
        amount,
        contact: 'By hand',
      }
    }
    case 'pay_from_bank': {
      const found = await paper(['invoice', 'bill'])
      const account = firm.vendor === 'xero' ? { account: '090' } : {}
      return found && { deed: 'payInvoice', ...found, ...account }
    }
  }
}

async function documentIn(world: World, firm: Firm, kinds: string[], pick: number) {
  const rows = await world.query<{ id: string; kind: string }>(
    `select receipt ->> 'id' as id, kind from delivery where organisation_id = $1 and state = 'delivered' and kind = any ($2::text[])
      order by promised_at, id`,
    [firm.organisationId, kinds],
  )
  const row = rows[pick % Math.max(rows.length, 1)]
  if (!row) return null
  return { id: row.id, ...(firm.vendor === 'quickbooks' ? { kind: quickbooksKinds[row.kind] } : {}) }
}

async function contactIn(world: World, firm: Firm, role: string | null, pick: number) {
  const rows = await world.query<{ id: string; name: string }>(
    `select book_contact_id as id, book_name as name from book_contact
      where connection_id = $1 and ($2::text is null or role = $2) order by counterpart_id, role`,
    [firm.connectionId, role],
  )
  return rows[pick % Math.max(rows.length, 1)] ?? null
}

async function creditAccountOf(world: World, firm: Firm): Promise<{ account: string; id: string }> {
  const rows = await world.query<{ id: string }>(
    `select body ->> 'creditAccountId' as id from mapping where connection_id = $1 and network_id = $2`,
    [firm.connectionId, world.town.networkId],
  )
  const id = rows[0]?.id ?? ''
  return { account: id, id }
}

export async function doWithConnection(world: World, what: Connecting, place: number): Promise<string> {
  const firm = world.firm(place)
  const { deps } = world.desk
  const { connectionId } = firm
  switch (what) {
    case 'pause':
      return (
        await inTransaction(deps.db, asWorker, (tx) =>
          pause(tx, deps.clock, { connectionId, reason: 'counting', actor }),
        )
      ).state
    case 'resume':
      return (await inTransaction(deps.db, asWorker, (tx) => resume(tx, deps.clock, { connectionId, actor }))).state
    case 'disconnect':
      world.withoutPermission.add(connectionId)
      return (await disconnect(deps, { connectionId, actor })).connection.state
    case 'revoke':
      world.withoutPermission.add(connectionId)
      await world.vendors[firm.vendor].control.revoke({ organisation: firm.bookId, everything: true })
      // Xero's consents are all of one person here: with one, all of them are gone.
      if (firm.vendor === 'xero')
        for (const one of world.town.firms) if (one.vendor === 'xero') world.withoutPermission.add(one.connectionId)
      return 'permission taken at the vendor'
    case 'sign_in':
      await signIn(deps, world.town.networkId, firm)
      return 'signed in again'
  }
}

export async function doWithNetwork(world: World, what: 'pause_network' | 'resume_network'): Promise<string> {
  const { db, clock } = world.desk.deps
  const { networkId } = world.town
  return inTransaction(db, asWorker, async (tx) => {
    if (what === 'resume_network') return String(await resumeSending(tx, clock, { networkId, actor }))
    await pauseSending(tx, clock, { networkId, reason: 'a holiday', actor })
    return 'paused'
  })
}

export async function doWithDelivery(world: World, what: Moving, place: number, pick: number): Promise<string> {
  const { db, clock } = world.desk.deps
  const { networkId } = world.town
  const { organisationId } = world.firm(place)
  const states = { drop: ['waiting', 'parked'], take_back: ['dropped'], retry: ['parked'], retry_all: ['parked'] }[what]
  const rows = await world.query<{ id: Uuid; reference: string; cause: string | null }>(
    `select id, reference, parked_cause as cause from delivery where organisation_id = $1 and state = any ($2::text[]) and kind <> 'contact'
      order by promised_at, id`,
    [organisationId, states],
  )
  const row = rows[pick % Math.max(rows.length, 1)]
  if (!row) return 'nothing there'
  if (what === 'retry_all')
    return String(
      await retryAll({ db, clock }, { places: [{ networkId, organisationId }], cause: row.cause ?? '', actor }),
    )
  return inTransaction(db, asWorker, async (tx) => {
    const at = { networkId, id: row.id }
    if (what === 'retry') return `${row.reference} ${await retryDelivery(tx, at)}`
    if (what === 'take_back') return `${row.reference} ${await undoDrop(tx, at)}`
    world.isTouched = true
    return `${row.reference} ${await dropDelivery(tx, at, 'not wanted', world.time.now())}`
  })
}
