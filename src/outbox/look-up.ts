/**
 * Looks before putting: did an earlier try arrive after all? Is the document to be linked still what was agreed?
 *
 * Adopted only when marker, contact, amount, currency and day agree; anything less is parked for a person.
 */
import type {
  Allocation,
  BookConnector,
  BookDocument,
  DocumentKind,
  Grant,
  Receipt,
  Sought,
} from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import type { Delivery } from './delivery.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { lagMs } from './policy.ts'
import type { Outcome } from './record-outcome.ts'
import type { Wanted } from './translate-delivery.ts'

type Looking = { delivery: Delivery; wanted: Wanted }
/** `triedAt`: when the last put of a delivery ended without an answer. */
type Told = { now: Date; triedAt: ReadonlyMap<Uuid, Date> }

export async function lookUp(
  grant: Grant,
  connector: BookConnector,
  looking: Looking[],
  told: Told,
): Promise<{ outcomes: Outcome[]; goOn: Looking[] }> {
  const found = await connector.find(grant, looking.map(soughtFor))
  const outcomes: Outcome[] = []
  const goOn: Looking[] = []
  for (const [place, one] of looking.entries()) {
    const thing = found[place] ?? null
    const next = judge(one, thing, told)
    if (thing && isContactAlone(next) && (await isMerged(grant, connector, one, thing)))
      outcomes.push({ delivery: one.delivery, is: 'done', receipt: receiptOf(thing), found: true })
    else if ('is' in next) outcomes.push(next)
    else goOn.push(next)
  }
  return { outcomes, goOn }
}

/** When each was last put without an answer: until a while after that, a search that finds nothing proves nothing. */
export async function triesWithoutWord(deps: Pick<OutboxDeps, 'db'>, looking: Looking[]): Promise<Map<Uuid, Date>> {
  const networkId = looking[0]?.delivery.networkId
  if (!networkId) return new Map()
  const ids = looking.map(({ delivery }) => delivery.id)
  const rows = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<{ id: Uuid; at: Date }[]>`
      select delivery_id as id, max(coalesce(ended_at, started_at)) as at from attempt
       where network_id = ${networkId}::uuid and delivery_id = any (${ids}::uuid[]) and verb in ('documents', 'payments') and outcome = 'unknown'
       group by delivery_id`,
  )
  return new Map(rows.map((row) => [row.id, row.at]))
}

function isContactAlone(next: Outcome | Looking): boolean {
  return 'is' in next && next.is === 'parked' && next.facts.differs === 'contact'
}

/** A person merged the contact we knew into another one meanwhile: the document is ours all the same. */
async function isMerged(
  grant: Grant,
  connector: BookConnector,
  { wanted }: Looking,
  found: BookDocument,
): Promise<boolean> {
  const contactId = 'thing' in wanted && 'contactId' in wanted.thing ? wanted.thing.contactId : null
  const into = new Map<string, string>()
  for await (const page of connector.contacts(grant))
    for (const contact of page) if (contact.mergedInto) into.set(contact.id, contact.mergedInto)
  let at = contactId
  for (let step = 0; at && at !== found.contactId && step < mostMerges; step += 1) at = into.get(at) ?? null
  return at !== null && at === found.contactId
}

const mostMerges = 20

function soughtFor({ delivery, wanted }: Looking): Sought {
  if (wanted.verb === 'link') return wanted.sought
  // What is still open decides how much is set off, unless an earlier try may have set it off already.
  if (wanted.verb === 'measure' && !delivery.lookFirst)
    return { by: 'receipt', kind: kindOf(wanted.of), id: wanted.of.id }
  const thing =
    wanted.verb === 'measure'
      ? wanted.thing
      : wanted.verb === 'documents' || wanted.verb === 'payments'
        ? wanted.thing
        : null
  invariant(thing, `${delivery.reference}: nothing to look for`)
  const of = thing.kind === 'payment' ? thing.of : thing.kind === 'allocation' ? thing.credit : undefined
  return {
    by: 'reference',
    kind: thing.kind,
    reference: delivery.reference,
    contactId: 'contactId' in thing ? thing.contactId : null,
    of,
  }
}

/** Pure: what was found decides whether it is adopted, put, waited for, or shown to a person. */
function judge({ delivery, wanted }: Looking, found: BookDocument | null, { now, triedAt }: Told): Outcome | Looking {
  if (wanted.verb === 'link') return linked(delivery, wanted, found)
  if (wanted.verb === 'measure') {
    if (!delivery.lookFirst) return measured(delivery, wanted, found)
    if (found)
      return adopted(
        delivery,
        found,
        wanted.thing.amountMinor === 0n ? found.totalMinor : wanted.thing.amountMinor,
        null,
      )
    return { delivery, is: 'again', afterMs: 0, lookFirst: false }
  }
  if (!found) {
    // A search may not show yet what was put a moment ago: look again when that moment is long past.
    const settlesMs = (triedAt.get(delivery.id)?.getTime() ?? 0) + lagMs - now.getTime()
    if (settlesMs > 0) return { delivery, is: 'again', afterMs: Math.min(settlesMs, lagMs), lookFirst: true }
    return { delivery: { ...delivery, lookFirst: true }, wanted }
  }
  invariant(wanted.verb === 'documents' || wanted.verb === 'payments', 'only puts are looked up')
  const thing = wanted.thing
  const total = 'totalMinor' in thing ? thing.totalMinor : 'amountMinor' in thing ? thing.amountMinor : null
  return adopted(
    delivery,
    found,
    total,
    'contactId' in thing ? thing.contactId : null,
    'datedOn' in thing ? thing.datedOn : null,
    thing.currency,
  )
}

function adopted(
  delivery: Delivery,
  found: BookDocument,
  totalMinor: bigint | null,
  contactId: string | null,
  datedOn: string | null = null,
  currency = '',
): Outcome {
  if (found.status === 'deleted' || found.status === 'voided')
    return { delivery, is: 'parked', cause: 'removed_by_person', facts: { status: found.status } }
  const differs = [
    totalMinor !== null && found.totalMinor !== totalMinor ? 'amount' : null,
    contactId !== null && found.contactId !== null && found.contactId !== contactId ? 'contact' : null,
    datedOn !== null && found.datedOn !== datedOn ? 'date' : null,
    // A book without other currencies may name none.
    currency !== '' && found.currency !== '' && found.currency !== currency ? 'currency' : null,
  ].filter((one) => one !== null)
  if (differs.length > 0)
    return {
      delivery,
      is: 'parked',
      cause: 'same_reference_other_content',
      facts: { differs: differs.join(', '), number: found.number ?? '' },
    }
  return { delivery, is: 'done', receipt: receiptOf(found), found: true }
}

function linked(delivery: Delivery, wanted: Extract<Wanted, { verb: 'link' }>, found: BookDocument | null): Outcome {
  const parked = (why: string): Outcome => ({
    delivery,
    is: 'parked',
    cause: 'linked_document_does_not_fit',
    facts: { why },
  })
  if (!found || found.status === 'deleted' || found.status === 'voided') return parked('it is no longer in the book')
  if (found.status === 'draft') return parked('it is still a draft')
  if (found.contactId !== wanted.contactId) return parked('it is for another contact')
  if (found.currency !== wanted.paper.currency) return parked(`it is in ${found.currency}`)
  if (found.totalMinor !== BigInt(wanted.paper.totalMinor)) return parked('its total differs from the trade')
  if (found.openMinor < BigInt(wanted.paper.creditMinor)) return parked('less is open than the part in credits')
  return { delivery, is: 'done', receipt: receiptOf(found), found: true }
}

function measured(
  delivery: Delivery,
  wanted: Extract<Wanted, { verb: 'measure' }>,
  found: BookDocument | null,
): Outcome | Looking {
  const openMinor = found && found.status !== 'deleted' && found.status !== 'voided' ? found.openMinor : 0n
  const amountMinor = openMinor < wanted.mostMinor ? openMinor : wanted.mostMinor
  if (amountMinor === 0n) return { delivery, is: 'nothing', because: 'nothing was open on it' }
  const thing: Allocation = { ...wanted.thing, amountMinor }
  return { delivery, wanted: { verb: 'payments', thing } }
}

export function receiptOf(found: BookDocument): Receipt {
  return {
    kind: found.kind,
    id: found.id,
    version: found.version,
    number: found.number,
    totalMinor: found.totalMinor,
    openMinor: found.openMinor,
    datedOn: found.datedOn,
    status: found.status,
    deepLink: found.deepLink,
    warnings: [],
    callId: null,
  }
}

function kindOf(receipt: Receipt): DocumentKind {
  invariant(receipt.kind !== 'contact', 'a contact is no document')
  return receipt.kind
}
