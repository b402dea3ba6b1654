/** What must exist in members' books: listed with its words, looked at, tried again, given up, taken back, or said yes to. */
import type { Command } from 'commander'
import { machineClock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idFromText, idText, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { memberOf } from '../networks/member.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { type Delivery, type DeliveryState, deliveryMoves } from '../outbox/delivery.ts'
import { dropDelivery, undoDrop } from '../outbox/drop-delivery.ts'
import { findDeliveries, type LastTry, lastTries, troubleOf } from '../outbox/find-deliveries.ts'
import { approveTrade, type DeliveryPlace, deliveryOf, retryDelivery } from '../outbox/move-delivery.ts'
import { placesParkedFor, retryAll } from '../outbox/retry-all.ts'
import type { Side } from '../trades/trade.ts'
import { ageAsked, agoIn, olderThanOption } from './age.ts'
import { memberNamed, memberOption, networksNamed, organisationNamed, organisationOption } from './find.ts'
import { actor, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

const mostShown = 500
const anyNetwork = ['--network <name>', 'short name or id; else every network'] as const

export function deliveryCommands(program: Command, asking: Asking): void {
  const deliveries = program.command('deliveries').description('what must exist in members’ books')
  leaf(deliveries, asking, {
    name: 'list',
    says: `deliveries in one state, oldest first, at most ${mostShown}`,
    options: [
      anyNetwork,
      memberOption,
      organisationOption,
      ['--state <state>', `${Object.keys(deliveryMoves).join(', ')}, or all`, 'parked'],
      ['--cause <cause>', 'parked for this cause (docs/errors-of-the-books.md)'],
      olderThanOption,
    ],
    work: list,
  })
  leaf(deliveries, asking, {
    name: 'show <delivery>',
    says: 'one of them, with every try and the book’s own words',
    work: look,
  })
  leaf(deliveries, asking, {
    name: 'retry <delivery>',
    says: 'try a parked one again; it is looked up first',
    work: (_a, args) => move(asking, args, 'retry', {}, retryDelivery),
  })
  leaf(deliveries, asking, {
    name: 'retry-all',
    says: 'try all again that are parked for one cause, step by step',
    options: [['--cause <cause>', 'the cause, as list names it'], anyNetwork, organisationOption],
    work: retryAllOf,
  })
  leaf(deliveries, asking, {
    name: 'drop <delivery>',
    says: 'give it up, and what depends on it',
    options: [['--reason <words>', 'why']],
    work: (_a, args, options) => {
      const reason = mustHave(options, 'reason')
      return move(asking, args, 'drop', { reason }, (tx, place) => dropDelivery(tx, place, reason, machineClock.now()))
    },
  })
  leaf(deliveries, asking, {
    name: 'undo <delivery>',
    says: 'take a drop back: it waits again, and is looked for before it is sent',
    work: (_a, args) => move(asking, args, 'undo', {}, undoDrop),
  })
  leaf(deliveries, asking, {
    name: 'approve <trade>',
    says: 'say yes to a trade’s documents in the book of one side, or of both',
    options: [['--side <side>', 'seller or buyer; else both']],
    work: approve,
  })
}

async function list(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const given = textOf(options, 'state') ?? 'parked'
  const state = given === 'all' ? undefined : (given as DeliveryState)
  if (state !== undefined && !Object.hasOwn(deliveryMoves, state))
    throw new BadUse(`There is no state "${given}"; there are ${Object.keys(deliveryMoves).join(', ')}, and all.`)
  const cause = textOf(options, 'cause')
  if (cause !== undefined && state !== 'parked') throw new BadUse('--cause is for what is parked.')
  const ageMs = ageAsked(options)
  return withHouse(asking, async (deps) => {
    const found = await inWork(deps, async (tx) => {
      const place = await placeOf(tx, options)
      const rows = await findDeliveries(
        tx,
        { ...place, state, cause, promisedBefore: await agoIn(tx, ageMs) },
        mostShown,
      )
      const named = await namesAround(
        tx,
        rows.map((row) => row.delivery),
      )
      return rows.map(({ delivery, last }) => shown(delivery, last, named(delivery)))
    })
    const rows = found.map((one) => [
      one.id,
      one.kind,
      one.reference,
      one.book,
      [one.state, ...(one.cause ? [one.cause] : [])].join(': '),
      [one.words, one.next?.text].filter(Boolean).join(' '),
    ])
    return {
      json: found,
      text: columns(
        [['id', 'kind', 'reference', 'book of', 'state', 'why'], ...rows],
        state === undefined ? 'There is nothing.' : `Nothing is ${state}.`,
      ),
    }
  })
}

async function look(asking: Asking, args: string[]): Promise<Answer> {
  const id = deliveryNamed(args)
  return withHouse(asking, async (deps) => {
    const json = await inWork(deps, async (tx) => {
      const place = await placeNamed(tx, id)
      const delivery = await deliveryOf(tx, place)
      const attempts = await tx.attempt.findMany({
        where: { networkId: place.networkId, deliveryId: id },
        orderBy: { number: 'asc' },
      })
      const named = await namesAround(tx, [delivery])
      return {
        ...shown(delivery, attempts.at(-1), named(delivery)),
        tries: attempts.map(({ number, verb, startedAt, endedAt, outcome, cause, said, status, callId }) => {
          return { number, verb, startedAt, endedAt, outcome, cause, said, status, callId }
        }),
      }
    })
    const facts: [string, string | null][] = [
      ['state', json.state],
      ['book of', `${json.book} in ${json.network}`],
      ['promised', json.promisedAt.toISOString()],
      ['in the book', json.inTheBook?.deepLink ?? json.inTheBook?.id ?? null],
      ['why', json.words],
      ['next', json.next?.text ?? null],
      ['whose', json.who],
      ['the book said', json.said],
      ['dropped', json.droppedReason],
    ]
    const tries = json.tries.map(
      (one) =>
        `try ${one.number}  ${one.startedAt.toISOString()}  ${one.verb}  ${[one.outcome ?? 'being made', one.cause, one.status, one.callId].filter((part) => part !== null).join(' · ')}`,
    )
    const lines = facts.flatMap(([name, value]) => (value ? [`${name.padEnd(14)}${value}`] : []))
    return { json, text: [`${json.kind} ${json.reference}`, ...lines, ...tries].join('\n') }
  })
}

async function retryAllOf(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const cause = mustHave(options, 'cause')
  return withHouse(asking, async (deps) => {
    const places = await inWork(deps, async (tx) => {
      const { networkIds, organisationId } = await placeOf(tx, options)
      return placesParkedFor(tx, {
        cause,
        networkIds,
        ...(organisationId ? { organisationIds: [organisationId] } : {}),
      })
    })
    const retried = await retryAll(deps, { places, cause, actor })
    const text =
      retried === 0
        ? `Nothing is parked for ${cause}.`
        : `${retried} in ${places.length} ${places.length === 1 ? 'book' : 'books'} tried again.`
    return { json: { cause, retried, books: places.length }, text }
  })
}

/** The networks and the book that the options leave. */
async function placeOf(tx: Tx, options: Options): Promise<{ networkIds: Uuid[]; organisationId?: Uuid }> {
  const networks = await networksNamed(tx, options)
  const networkIds = networks.map((one) => one.id)
  const organisation = textOf(options, 'organisation')
  const name = textOf(options, 'member')
  if (organisation !== undefined && name !== undefined) throw new BadUse('Give --member or --organisation, not both.')
  if (organisation !== undefined) return { networkIds, organisationId: await organisationNamed(tx, organisation) }
  if (name === undefined) return { networkIds }
  const [network] = networks
  if (!network || networks.length > 1) throw new BadUse('--member needs --network.')
  return { networkIds, organisationId: (await memberNamed(tx, network, name)).organisationId }
}

async function namesAround(tx: Tx, deliveries: Delivery[]) {
  const owners = await tx.organisation.findMany({
    where: { id: { in: [...new Set(deliveries.map((one) => one.organisationId))] } },
    select: { id: true, name: true },
  })
  const networks = await tx.network.findMany({
    where: { id: { in: [...new Set(deliveries.map((one) => one.networkId))] } },
    select: { id: true, slug: true },
  })
  const ownerOf = new Map(owners.map((one) => [one.id, one.name]))
  const slugOf = new Map(networks.map((one) => [one.id, one.slug]))
  return (delivery: Delivery) => ({
    book: ownerOf.get(delivery.organisationId) ?? '',
    network: slugOf.get(delivery.networkId) ?? '',
  })
}

/** The same shape wherever a delivery is told on the command line; nothing is ever taken out of it. */
function shown(delivery: Delivery, last: LastTry | undefined, named: { book: string; network: string }) {
  const trouble = troubleOf(delivery, last)
  const { receipt } = delivery
  return {
    id: idText('delivery', delivery.id),
    network: named.network,
    organisationId: idText('organisation', delivery.organisationId),
    book: named.book,
    tradeId: delivery.tradeId && idText('trade', delivery.tradeId),
    kind: delivery.kind,
    reference: delivery.reference,
    state: delivery.state,
    attempts: delivery.attempts,
    promisedAt: delivery.promisedAt,
    settledAt: delivery.settledAt,
    cause: trouble?.cause ?? null,
    words: trouble?.words ?? null,
    who: trouble?.who ?? null,
    next: trouble && { button: trouble.button, text: trouble.fix },
    said: trouble ? (last?.said ?? null) : null,
    inTheBook: receipt && { id: receipt.id, number: receipt.number, deepLink: receipt.deepLink },
    droppedReason: delivery.droppedReason,
  }
}

function deliveryNamed([text = '']: string[]): Uuid {
  const id = idFromText('delivery', text)
  if (!id) throw new BadUse(`"${text}" is no id of a delivery; see: deliveries list`)
  return id
}

async function placeNamed(tx: Tx, id: Uuid): Promise<DeliveryPlace & { organisationId: Uuid }> {
  const row = await tx.delivery.findFirst({ where: { id }, select: { networkId: true, organisationId: true } })
  if (!row) throw new Refusal('not_found', { thing: 'delivery' })
  return { ...row, id }
}

async function move(
  asking: Asking,
  args: string[],
  verb: 'retry' | 'drop' | 'undo',
  facts: Record<string, string>,
  work: (tx: Tx, place: DeliveryPlace) => Promise<boolean>,
): Promise<Answer> {
  const id = deliveryNamed(args)
  return withHouse(asking, async (deps) => {
    const json = await inWork(deps, async (tx) => {
      const { organisationId, ...place } = await placeNamed(tx, id)
      const isChanged = await work(tx, place)
      if (isChanged)
        await recordDeed(tx, machineClock, {
          networkId: place.networkId,
          organisationId,
          actor,
          what: `delivery_${verb}`,
          facts: { delivery: idText('delivery', id), ...facts },
        })
      const delivery = await deliveryOf(tx, place)
      const named = await namesAround(tx, [delivery])
      const last = (await lastTries(tx, [delivery])).get(id)
      return { ...shown(delivery, last, named(delivery)), changed: isChanged }
    })
    return { json, text: `${json.reference} is ${json.state}${json.changed ? '' : ' already'}.` }
  })
}

async function approve(asking: Asking, [text = '']: string[], options: Options): Promise<Answer> {
  const tradeId = idFromText('trade', text)
  if (!tradeId) throw new BadUse(`"${text}" is no id of a trade.`)
  const side = textOf(options, 'side')
  if (side !== undefined && side !== 'seller' && side !== 'buyer') throw new BadUse('--side is seller or buyer.')
  const sides: readonly Side[] = side === undefined ? ['seller', 'buyer'] : [side]
  return withHouse(asking, async (deps) => {
    const approved = await inWork(deps, async (tx) => {
      const trade = await tx.trade.findFirst({ where: { id: tradeId } })
      if (!trade) throw new Refusal('not_found', { thing: 'trade' })
      const { networkId } = trade
      const members = { seller: trade.sellerMemberId, buyer: trade.buyerMemberId }
      const names: string[] = []
      for (const one of sides) {
        const { organisationId, organisation } = await memberOf(tx, networkId, members[one])
        await approveTrade(tx, { networkId, tradeId, organisationId, actor, at: machineClock.now() })
        await recordDeed(tx, machineClock, {
          networkId,
          organisationId,
          actor,
          what: 'delivery_approved',
          facts: { tradeId },
        })
        names.push(organisation.name)
      }
      return names
    })
    return {
      json: { tradeId: text, approvedFor: approved },
      text: `Its documents may go into the books of ${approved.join(' and ')}.`,
    }
  })
}
