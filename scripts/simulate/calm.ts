/**
 * After the storm: faults end, whoever was held up goes on, people sign in again and do what the cards ask of them, and time runs
 * until nothing is left to send.
 */
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import {
  askAnew,
  candidatesOf,
  chooseContact,
  deliveryOf,
  redateDelivery,
  retryDelivery,
  takeNextNumber,
} from '../../src/outbox/move-delivery.ts'
import { wordsFor } from '../../src/outbox/words.ts'
import { doCommand, outcomeOf } from './do-command.ts'
import { doWithConnection, doWithNetwork } from './do-people.ts'
import { actor } from './town.ts'
import type { World } from './world.ts'

const mostRounds = 400
const mendings = 4
const dayMs = 86_400_000

export async function calm(world: World): Promise<void> {
  await doCommand(world, { do: 'let_go' })
  world.troubles.length = 0
  world.vendors.xero.control.faults.clear()
  world.vendors.quickbooks.control.clearFaults()
  for (const { vendor, bookId } of world.town.firms) {
    await world.vendors[vendor].control.edit(bookId, { deed: 'unlockPeriod' })
  }
  await doWithNetwork(world, 'resume_network')
  await letIn(world)
  await emptied(world)
  for (let mending = 0; mending < mendings; mending += 1) {
    if ((await mend(world)) === 0) break
    await letIn(world)
    await emptied(world)
    // What was given its first open day may bear tomorrow's.
    await world.time.advance(dayMs)
  }
}

async function letIn(world: World): Promise<void> {
  for (const [place, firm] of world.town.firms.entries()) {
    const rows = await world.query<{ state: string }>('select state from connection where id = $1', [firm.connectionId])
    const state = rows[0]?.state
    if (state !== 'live' || world.withoutPermission.has(firm.connectionId))
      await doWithConnection(world, 'sign_in', place)
    world.withoutPermission.delete(firm.connectionId)
    if (state !== 'live') await doWithConnection(world, 'resume', place).catch(outcomeOf)
  }
}

/** Works until nothing may go any more; a round that finds nothing due lets time go on to what is due next. */
async function emptied(world: World): Promise<void> {
  const organisations = world.town.firms.map((one) => one.organisationId)
  for (let round = 0; round < mostRounds; round += 1) {
    const done = await world.worker(0).step((deps) => deliverDue(deps, { limit: 20 }))
    if (done.is === 'failed') world.tell(`  ${outcomeOf(done.error)}`)
    const rows = await world.query<{ open: string; due: Date | null }>(
      `with recursive stuck as (
         select id from delivery where organisation_id = any ($1::uuid[]) and state in ('parked', 'dropped', 'undone')
         union select d.id from delivery d join stuck on stuck.id = any (d.depends_on))
       select count(*) as open,
              (select min(next) from (select coalesce(leased_until, due_at) as next from lane where kind = 'book' and id = any ($1::uuid[])) l where next < 'infinity') as due
         from delivery where organisation_id = any ($1::uuid[]) and state in ('waiting', 'sending') and id not in (select id from stuck)`,
      [organisations],
    )
    const row = rows[0]
    if (!row || row.open === '0' || row.due === null) return
    await world.time.advance(row.due.getTime() - world.time.now().getTime() + 1)
  }
}

/** Each card's one button is pressed. Gives how many were pressed. */
async function mend(world: World): Promise<number> {
  const { networkId } = world.town
  const parked = await world.query<{ id: Uuid; cause: string }>(
    "select id, parked_cause as cause from delivery where network_id = $1 and state = 'parked' order by promised_at, id",
    [networkId],
  )
  let pressed = 0
  for (const { id, cause } of parked) {
    try {
      const did = await press(world, id, cause)
      world.tell(`  mended ${cause}: ${did}`)
      pressed += 1
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      world.tell(`  not mended ${cause}: ${error.code}`)
    }
  }
  return pressed
}

async function press(world: World, id: Uuid, cause: string): Promise<string> {
  const { db, clock } = world.desk.deps
  const place = { networkId: world.town.networkId, id }
  const { button } = wordsFor(cause)
  return inTransaction(db, asWorker, async (tx) => {
    switch (button) {
      case 'choose_contact': {
        const [first] = candidatesOf(await deliveryOf(tx, place))
        if (!first) return String(await retryDelivery(tx, place))
        await chooseContact(tx, place, first, { clock, actor })
        return 'contact chosen'
      }
      case 'use_next_number':
        return takeNextNumber(tx, place)
      case 'ask_anew':
        await askAnew(tx, place)
        return 'asked anew'
      case 'redate':
        return redateDelivery(tx, place, null)
      case 'drop':
      case 'none':
        throw new Refusal('delivery_does_not_allow', { state: 'parked', wanted: 'mended' })
      default:
        return String(await retryDelivery(tx, place))
    }
  })
}
