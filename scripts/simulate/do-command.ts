/** Plays one command, and says what came of it. What is neither done nor refused in the domain's own words is a finding. */
import { BookError } from '../../connectors/port.ts'
import { refreshIdleGrants } from '../../src/books/grants.ts'
import { checkMappings } from '../../src/books/mapping.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { deliverDue } from '../../src/outbox/deliver.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { sendMail, shownMailer } from '../../src/outbox/send-mail.ts'
import { reconcileBook } from '../../src/reconcile/run.ts'
import { sweepBook } from '../../src/reconcile/sweep.ts'
import { lapseDue } from '../../src/trades/propose.ts'
import type { Command } from './commands.ts'
import { doAsPerson, doWithConnection, doWithDelivery, doWithNetwork } from './do-people.ts'
import { tradesOf } from './do-trades.ts'
import { actor } from './town.ts'
import type { Cut, Done } from './worker-in-hand.ts'
import type { World } from './world.ts'

export class Unforeseen extends Error {}

/** Gives what came of it, in a few words that are the same in every run of its seed. */
export async function doCommand(world: World, command: Command): Promise<string> {
  try {
    return await played(world, command)
  } catch (error) {
    return outcomeOf(error)
  }
}

export function outcomeOf(error: unknown): string {
  if (error instanceof Refusal) return `refused: ${error.code}`
  if (error instanceof BookError) return `book: ${error.kind} ${error.facts.cause}`
  if (error instanceof Unforeseen) throw error
  throw new Unforeseen(error instanceof Error ? `${error.name}: ${error.message.slice(0, 400)}` : String(error), {
    cause: error,
  })
}

async function played(world: World, command: Command): Promise<string> {
  const { networkId } = world.town
  switch (command.do) {
    case 'trade':
      return tradesOf(world).trade(command)
    case 'answer':
      return tradesOf(world).answer(command)
    case 'reverse':
      return tradesOf(world).reverse(command)
    case 'deliver':
      return worked(world, command, async (deps) => `${await deliverDue(deps, { limit: command.books })} served`)
    case 'reconcile':
      return worked(world, command, async (deps) => {
        const { organisationId } = world.firm(command.firm)
        const run = await reconcileBook(deps, { networkId, organisationId, actor })
        return `drift ${run.driftMinor}, ${run.discrepancies} differences`
      })
    case 'sweep':
      return worked(world, command, async (deps) => {
        const { organisationId } = world.firm(command.firm)
        const swept = await sweepBook(deps, { organisationId, whole: command.whole })
        return `${swept.documents} read, ${swept.adopted.length} taken over, ${swept.found.length} found`
      })
    case 'task':
      return worked(world, command, tasks[command.which])
    case 'wait':
      await world.time.advance(command.ms)
      return world.time.now().toISOString()
    case 'let_go': {
      const held = world.heldUp()
      return held ? said(await held.letGo()) : 'nobody is held up'
    }
    case 'fault':
      if (command.vendor === 'xero') world.vendors.xero.control.faults.add({ ...command.fault })
      else world.vendors.quickbooks.control.fault({ ...command.fault })
      return command.fault.knob
    case 'trouble':
      world.troubles.push({ ...command.trouble })
      return command.trouble.kind
    case 'person':
      return doAsPerson(world, command)
    case 'pause_network':
    case 'resume_network':
      return doWithNetwork(world, command.do)
    case 'pause':
    case 'resume':
    case 'revoke':
    case 'disconnect':
    case 'sign_in':
      return doWithConnection(world, command.do, command.firm)
    default:
      return doWithDelivery(world, command.do, command.firm, command.pick)
  }
}

const tasks: Record<string, (deps: OutboxDeps) => Promise<string>> = {
  refresh_idle: async (deps) => `${await refreshIdleGrants(deps)} refreshed`,
  lapse: async (deps) => `${await lapseDue(deps)} lapsed`,
  mail: async (deps) => `${await sendMail(deps, shownMailer)} sent`,
  check_mappings: async (deps) => `${await checkMappings(deps)} checked`,
}

/** One who is held up does nothing else meanwhile: then the other does it. */
async function worked(
  world: World,
  { worker: place, cut }: { worker: number; cut?: Cut },
  work: ((deps: OutboxDeps) => Promise<string>) | undefined,
): Promise<string> {
  if (!work) throw new Unforeseen('no such task')
  const [first, other] = [world.worker(place % 2), world.worker((place + 1) % 2)]
  const free = first.isHeldUp() ? other : first
  return said(await free.step(work, cut && (cut.dies || world.heldUp() === null) ? cut : undefined))
}

function said(done: Done<unknown>): string {
  if (done.is === 'done') return String(done.result)
  return done.is === 'failed' ? outcomeOf(done.error) : done.is
}
