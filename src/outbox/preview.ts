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
import { roleIn } from './move-delivery.ts'
import { accountWords, entriesFor, type PreviewEntry } from './preview-entries.ts'
import { type Around, type Wanted, wantedFor } from './translate-delivery.ts'
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
  /** What stays open on it once the trade's payments stand too; null for what is never open. */
  openMinor: bigint | null
  /** The account that pays or is paid into. */
  account: string | null
  note: string
  /** The book does not know the counterparty yet: a contact is looked for by its numbers, else made. */
  isNewContact: boolean
  /** It stands in the book already and is used as it is. */
  isLinked: boolean
  /** As the book's double entry will have it. */
  entries: PreviewEntry[]
  /** What a bookkeeper may want to know of it. */
  remarks: string[]
  /** Why it cannot go as it is, and the way out. */
  trouble: Words | null
}
export type PreviewTrade = { tradeId: Uuid; documents: PreviewDocument[] }
/** All that showing needs: what translating needs, and whose names stand for what. */
export type PreviewAround = Around & { nameOf: (counterpartId: Uuid) => string }

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
      and (d.trade_id = ${ask.tradeId ?? null}::uuid or (${ask.tradeId ?? null}::uuid is null and d.state = 'waiting'
        and exists (select 1 from connection c where c.id = ${ask.connectionId}::uuid and (c.ask_first is null or c.yes_given < c.ask_first))
        and not exists (select 1 from approval a where a.network_id = d.network_id and a.trade_id = d.trade_id and a.organisation_id = d.organisation_id)))
    group by d.trade_id order by min(d.promised_at), d.trade_id limit ${mostTrades}`
  const tradeIds = waiting.map((one) => one.tradeId)
  const rows = await tx.delivery.findMany({
    where: { networkId: ask.networkId, organisationId: ask.organisationId, tradeId: { in: tradeIds } },
    orderBy: [{ promisedAt: 'asc' }, { id: 'asc' }],
  })
  const deliveries = rows.map(deliveryFrom).filter((one) => one.document.what !== 'contact')
  const names = await namesOf(tx, deliveries)
  const whole = { ...around, nameOf: (id: Uuid) => names.get(id) ?? '' }
  return tradeIds.map((tradeId) => ({
    tradeId,
    documents: previewDocuments(
      deliveries.filter((one) => one.tradeId === tradeId),
      whole,
    ),
  }))
}

/** Pure: the documents of one trade, what pays after what it pays. */
function previewDocuments(deliveries: Delivery[], around: Omit<PreviewAround, 'deliveryOf'>): PreviewDocument[] {
  const imagined = new Map(deliveries.map((one) => [one.id, { ...one, receipt: one.receipt ?? imaginedReceipt(one) }]))
  const whole: PreviewAround = { ...around, deliveryOf: (id) => imagined.get(id) ?? null }
  return inOrder(deliveries).map((one) => show(one, whole, deliveries))
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
      return { id: known?.bookContactId ?? newContact, accountId: known?.accountId ?? null }
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

const newContact = 'new'

function show(delivery: Delivery, around: PreviewAround, all: Delivery[]): PreviewDocument {
  const { document } = delivery
  const wanted = wantedFor(delivery, around)
  const thing = 'thing' in wanted ? wanted.thing : null
  const role = roleIn(document)
  return {
    deliveryId: delivery.id,
    reference: delivery.reference,
    kind: delivery.kind,
    contact: around.nameOf(document.counterpartId),
    isNewContact: around.contactOf(document.counterpartId, role)?.id === newContact,
    isLinked: wanted.verb === 'link',
    number: 'number' in document ? document.number : null,
    datedOn: 'datedOn' in document ? document.datedOn : null,
    dueOn: 'dueOn' in document ? document.dueOn : null,
    lines: linesOf(delivery, wanted, around),
    totalMinor:
      'totalMinor' in document
        ? BigInt(document.totalMinor)
        : 'amountMinor' in document && document.amountMinor !== 'open'
          ? BigInt(document.amountMinor)
          : 0n,
    openMinor: 'linkedId' in document ? BigInt(document.totalMinor) - paidOn(delivery, all) : null,
    account: thing && 'accountId' in thing ? accountWords(around.profile, thing.accountId) : null,
    note: 'note' in document ? document.note : '',
    entries: entriesFor(wanted, around.profile),
    remarks: remarksOn(delivery, around),
    trouble: troubleWith(delivery, wanted, around),
  }
}

function linesOf(delivery: Delivery, wanted: Wanted, { profile }: PreviewAround): PreviewLine[] {
  const thing = 'thing' in wanted ? wanted.thing : null
  if (thing && 'lines' in thing)
    return thing.lines.map((line) => ({
      description: line.description,
      netMinor: line.netMinor,
      vatMinor: line.vatMinor,
      account: accountWords(profile, line.accountId) || null,
      taxCode: profile.taxCodes.find((one) => one.id === line.taxCodeId)?.name ?? line.taxCodeId,
    }))
  const promised = 'lines' in delivery.document ? delivery.document.lines : []
  return promised.map((line) => ({
    description: line.description,
    netMinor: BigInt(line.netMinor),
    vatMinor: BigInt(line.vatMinor),
    account: null,
    taxCode: null,
  }))
}

/** What this trade's own payments take off it; a credit is used up by its refund. */
function paidOn(delivery: Delivery, all: Delivery[]): bigint {
  return all.reduce((paid, { document }) => {
    const isOn = (document.what === 'payment' || document.what === 'refund') && document.of === delivery.id
    return isOn ? paid + BigInt(document.amountMinor) : paid
  }, 0n)
}

function remarksOn({ document }: Delivery, { profile, deliveryOf }: PreviewAround): string[] {
  if (document.what !== 'payment') return []
  const paper = deliveryOf(document.of)?.document
  const hasVat = paper !== undefined && 'vatMinor' in paper && BigInt(paper.vatMinor) > 0n
  return hasVat && profile.vat.scheme === 'cash'
    ? ['Under cash accounting this payment in credits brings its share of the VAT into the return.']
    : []
}

function troubleWith(delivery: Delivery, wanted: Wanted, { profile }: PreviewAround): Words | null {
  if (wanted.verb === 'park') return wordsFor(wanted.cause, wanted.facts)
  const { document } = delivery
  const day = 'datedOn' in document ? document.datedOn : null
  const { lockedThrough } = profile
  const isLocked = delivery.receipt === null && wanted.verb !== 'link' && day !== null && lockedThrough !== null
  return isLocked && day <= lockedThrough ? wordsFor('period_locked', { lockedThrough }) : null
}
