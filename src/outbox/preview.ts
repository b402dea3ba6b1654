/**
 * What will stand in the book, before it does: each document of a waiting trade as the connector will be asked for it.
 *
 * Keeps: the same translation as delivery; what is not there yet (a new contact, the invoice a payment pays) is imagined.
 */
import type { Receipt } from '../../connectors/port.ts'
import { mappingShape } from '../books/mapping.ts'
import { profileFromJson } from '../books/profile.ts'
import type { Day } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Delivery, deliveryFrom } from './delivery.ts'
import { type Around, wantedFor } from './translate-delivery.ts'
import { type Words, wordsFor } from './words.ts'

export type PreviewLine = {
  description: string
  netMinor: bigint
  vatMinor: bigint
  /** As the book names them. */
  account: string | null
  taxCode: string | null
}
export type PreviewDocument = {
  deliveryId: Uuid
  reference: string
  kind: Delivery['kind']
  contact: string
  number: string | null
  datedOn: Day | null
  dueOn: Day | null
  lines: PreviewLine[]
  totalMinor: bigint
  /** The account that pays or is paid into. */
  account: string | null
  note: string
  /** Why it cannot go as it is, and the way out. */
  trouble: Words | null
}
export type PreviewTrade = { tradeId: Uuid; documents: PreviewDocument[] }

const mostTrades = 50

/** The trades that wait for this organisation's yes, oldest first; or one trade, whether it waits or not. */
export async function previewOf(
  tx: Tx,
  ask: {
    networkId: Uuid
    organisationId: Uuid
    connectionId: Uuid
    refundsInTwoSteps: boolean
    publicUrl: string
    tradeId?: Uuid | undefined
  },
): Promise<PreviewTrade[]> {
  const around = await bookAround(tx, ask)
  const waiting = await tx.$queryRaw<{ tradeId: Uuid }[]>`
    select d.trade_id as "tradeId" from delivery d
    where d.network_id = ${ask.networkId}::uuid and d.organisation_id = ${ask.organisationId}::uuid and d.trade_id is not null
      and (d.trade_id = ${ask.tradeId ?? null}::uuid or (${ask.tradeId ?? null}::uuid is null and d.state in ('waiting', 'parked')
        and not exists (select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id)))
    group by d.trade_id order by min(d.promised_at), d.trade_id limit ${mostTrades}`
  const tradeIds = waiting.map((one) => one.tradeId)
  const rows = await tx.delivery.findMany({
    where: { networkId: ask.networkId, organisationId: ask.organisationId, tradeId: { in: tradeIds } },
    orderBy: [{ promisedAt: 'asc' }, { id: 'asc' }],
  })
  const deliveries = rows.map(deliveryFrom).filter((one) => one.document.what !== 'contact')
  const names = await namesOf(tx, deliveries)
  const imagined = new Map(deliveries.map((one) => [one.id, { ...one, receipt: one.receipt ?? imaginedReceipt(one) }]))
  const whole: Around = { ...around, deliveryOf: (id) => imagined.get(id) ?? null }
  return tradeIds.map((tradeId) => ({
    tradeId,
    documents: inOrder(deliveries.filter((one) => one.tradeId === tradeId)).map((one) => show(one, whole, names)),
  }))
}

async function bookAround(
  tx: Tx,
  ask: { networkId: Uuid; connectionId: Uuid; refundsInTwoSteps: boolean; publicUrl: string },
): Promise<Omit<Around, 'deliveryOf'>> {
  const connection = await tx.connection.findUnique({ where: { id: ask.connectionId } })
  const key = { connectionId: ask.connectionId, networkId: ask.networkId }
  const mapping = await tx.mapping.findUnique({ where: { connectionId_networkId: key } })
  if (!connection || !mapping?.confirmedAt) throw new Refusal('nothing_to_reconcile', {})
  const kept = await tx.bookContact.findMany({ where: { connectionId: ask.connectionId } })
  const contacts = new Map(kept.map((one) => [`${one.counterpartId} ${one.role}`, one]))
  return {
    profile: profileFromJson(connection.profile),
    mapping: mappingShape.parse(mapping.body),
    refundsInTwoSteps: ask.refundsInTwoSteps,
    publicUrl: ask.publicUrl,
    contactOf: (counterpartId, role) => {
      const known = contacts.get(`${counterpartId} ${role}`)
      return { id: known?.bookContactId ?? 'new', accountId: known?.accountId ?? null }
    },
  }
}

async function namesOf(tx: Tx, deliveries: Delivery[]): Promise<Map<Uuid, string>> {
  const id = { in: [...new Set(deliveries.map((one) => one.document.counterpartId))] }
  return new Map((await tx.organisation.findMany({ where: { id } })).map((one) => [one.id, one.name]))
}

/** As the book's answer will be when it takes the document as it is. */
function imaginedReceipt(delivery: Delivery): Receipt {
  const { document } = delivery
  const totalMinor = 'totalMinor' in document ? BigInt(document.totalMinor) : null
  return {
    kind: document.what === 'refund' ? 'payment' : document.what,
    id: delivery.id,
    version: null,
    number: 'number' in document ? document.number : null,
    totalMinor,
    openMinor: totalMinor,
    datedOn: null,
    status: 'open',
    deepLink: null,
    warnings: [],
    callId: null,
  }
}

/** What pays comes after what it pays. */
function inOrder(deliveries: Delivery[]): Delivery[] {
  const isPaper = (one: Delivery) => 'lines' in one.document
  return [...deliveries.filter(isPaper), ...deliveries.filter((one) => !isPaper(one))]
}

function show(delivery: Delivery, around: Around, names: Map<Uuid, string>): PreviewDocument {
  const { document } = delivery
  const { accounts, taxCodes } = around.profile
  const accountNamed = (id: string | null) => {
    const account = accounts.find((one) => one.id === id)
    return account ? [account.code, account.name].filter(Boolean).join(' ') : id || null
  }
  const wanted = wantedFor(delivery, around)
  const thing = 'thing' in wanted ? wanted.thing : null
  const promised = 'lines' in document ? document.lines : []
  const lines =
    thing && 'lines' in thing
      ? thing.lines.map((line) => ({
          description: line.description,
          netMinor: line.netMinor,
          vatMinor: line.vatMinor,
          account: accountNamed(line.accountId),
          taxCode: taxCodes.find((one) => one.id === line.taxCodeId)?.name ?? line.taxCodeId,
        }))
      : promised.map((line) => ({
          description: line.description,
          netMinor: BigInt(line.netMinor),
          vatMinor: BigInt(line.vatMinor),
          account: null,
          taxCode: null,
        }))
  const totalMinor =
    'totalMinor' in document
      ? BigInt(document.totalMinor)
      : 'amountMinor' in document && document.amountMinor !== 'open'
        ? BigInt(document.amountMinor)
        : 0n
  return {
    deliveryId: delivery.id,
    reference: delivery.reference,
    kind: delivery.kind,
    contact: names.get(document.counterpartId) ?? '',
    number: 'number' in document ? document.number : null,
    datedOn: 'datedOn' in document ? document.datedOn : null,
    dueOn: 'dueOn' in document ? document.dueOn : null,
    lines,
    totalMinor,
    account: thing && 'accountId' in thing ? accountNamed(thing.accountId) : null,
    note: 'note' in document ? document.note : '',
    trouble: wanted.verb === 'park' ? wordsFor(wanted.cause, wanted.facts) : null,
  }
}
