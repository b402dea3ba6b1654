/** What waits for a person: listed with its words, tried again, given up, or said yes to. */
import type { Command } from 'commander'
import { machineClock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idFromText, idText } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { memberOf } from '../networks/member.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { type Delivery, type DeliveryState, deliveryFrom, deliveryMoves } from '../outbox/delivery.ts'
import { approveTrade, deliveryOf, dropDelivery, retryDelivery } from '../outbox/move-delivery.ts'
import { wordsFor } from '../outbox/words.ts'
import type { Side } from '../trades/trade.ts'
import { memberNamed, memberOption, networksNamed } from './find.ts'
import { actor, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

const mostShown = 500

export function deliveryCommands(program: Command, asking: Asking): void {
  const deliveries = program.command('deliveries').description('what must exist in members’ books')
  leaf(deliveries, asking, {
    name: 'list',
    says: 'deliveries in one state, oldest first',
    options: [
      ['--network <name>', 'short name or id; else every network'],
      memberOption,
      ['--state <state>', Object.keys(deliveryMoves).join(', '), 'parked'],
    ],
    work: list,
  })
  leaf(deliveries, asking, {
    name: 'retry <delivery>',
    says: 'try a parked one again; it is looked up first',
    work: (_a, args) => move(asking, args, 'retry', {}, (tx, place) => retryDelivery(tx, place)),
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
    name: 'approve <trade>',
    says: 'say yes to a trade’s documents in the book of one side, or of both',
    options: [['--side <side>', 'seller or buyer; else both']],
    work: approve,
  })
}

async function list(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const state = textOf(options, 'state') as DeliveryState
  if (!Object.hasOwn(deliveryMoves, state))
    throw new BadUse(`There is no state "${state}"; there are ${Object.keys(deliveryMoves).join(', ')}.`)
  return withHouse(asking, async (deps) => {
    const found = await inWork(deps, async (tx) => {
      const networks = await networksNamed(tx, options)
      const name = textOf(options, 'member')
      const [network] = networks
      if (name !== undefined && (!network || networks.length > 1)) throw new BadUse('--member needs --network.')
      const owner =
        name !== undefined && network ? { organisationId: (await memberNamed(tx, network, name)).organisationId } : {}
      const where = { networkId: { in: networks.map((one) => one.id) }, state, ...owner }
      const rows = await tx.delivery.findMany({ where, orderBy: { promisedAt: 'asc' }, take: mostShown })
      const owners = await tx.organisation.findMany({
        where: { id: { in: rows.map((row) => row.organisationId) } },
        select: { id: true, name: true },
      })
      const nameOf = new Map(owners.map((one) => [one.id, one.name]))
      return rows.map((row) => shown(deliveryFrom(row), nameOf.get(row.organisationId) ?? ''))
    })
    const rows = found.map((one) => [
      one.id,
      one.kind,
      one.reference,
      one.book,
      one.words ? `${one.words.says} ${one.words.fix}` : '',
    ])
    return {
      json: found,
      text: columns([['id', 'kind', 'reference', 'book of', 'why'], ...rows], `Nothing is ${state}.`),
    }
  })
}

function shown(delivery: Delivery, book: string) {
  const { parkedCause, parkedFacts } = delivery
  return {
    id: idText('delivery', delivery.id),
    tradeId: delivery.tradeId && idText('trade', delivery.tradeId),
    kind: delivery.kind,
    reference: delivery.reference,
    book,
    state: delivery.state,
    attempts: delivery.attempts,
    promisedAt: delivery.promisedAt,
    cause: parkedCause,
    words: parkedCause === null ? null : wordsFor(parkedCause, parkedFacts ?? {}),
  }
}

async function move(
  asking: Asking,
  [text = '']: string[],
  verb: 'retry' | 'drop',
  facts: Record<string, string>,
  work: (tx: Tx, place: { networkId: string; id: string }) => Promise<unknown>,
): Promise<Answer> {
  const id = idFromText('delivery', text)
  if (!id) throw new BadUse(`"${text}" is no id of a delivery; see: deliveries list`)
  return withHouse(asking, async (deps) => {
    const delivery = await inWork(deps, async (tx) => {
      const row = await tx.delivery.findFirst({ where: { id }, select: { networkId: true, organisationId: true } })
      if (!row) throw new Refusal('not_found', { thing: 'delivery' })
      const place = { networkId: row.networkId, id }
      await work(tx, place)
      await recordDeed(tx, machineClock, {
        ...row,
        actor,
        what: `delivery_${verb}`,
        facts: { delivery: text, ...facts },
      })
      return deliveryOf(tx, place)
    })
    return { json: shown(delivery, ''), text: `${delivery.reference} is ${delivery.state}.` }
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
