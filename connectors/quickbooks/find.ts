/**
 * Looks for things by our reference, by a number, or by an id we were given.
 *
 * Keeps: voided things are found; deleted ones too when they are asked for by id, as far as the change feed remembers them.
 */
import { type BookDocument, BookError, type DocumentKind, type Grant, isLike, type Sought } from '../port.ts'
import { changedSince } from './changes.ts'
import type { Currencies } from './currencies.ts'
import { type Entity, entitiesOf, entityBehind } from './entities.ts'
import { textAt } from './json.ts'
import { changesReachBackMs } from './limits.ts'
import { allOf, allWith, quoted } from './query.ts'
import { documentFrom, isDeleted, namesNoCurrency } from './translate.ts'
import type { Wire } from './wire.ts'

export async function find(
  wire: Wire,
  currencies: Currencies,
  grant: Grant,
  sought: Sought[],
): Promise<(BookDocument | null)[]> {
  const asks = sought.map((one) => ({ one, places: placesOf(one) }))
  const read = new Map<string, unknown[]>()
  const readOnce = async (key: string, rows: () => Promise<unknown[]>) => {
    const known = read.get(key) ?? (await rows())
    read.set(key, known)
    return known
  }

  const found: (BookDocument | null)[] = []
  for (const { one, places } of asks) {
    const documents: BookDocument[] = []
    for (const place of places) {
      const { entity, field, value } = place
      // What is asked of one field of one kind of object goes out in one query, however many ask.
      const values = asks.flatMap((ask) => ask.places).filter((other) => isAskedWith(place, other))
      const rows =
        field === null
          ? await readOnce(`${entity.name} ${value}`, () => byContact(wire, grant, entity, value))
          : await readOnce(`${entity.name} ${field}`, () =>
              allWith(
                wire,
                grant,
                entity.name,
                field,
                values.map((other) => other.value),
              ),
            )
      const fitting = field === null ? rows : rows.filter((row) => textAt(row, field) === value)
      const home = fitting.some(namesNoCurrency) ? await currencies.home(grant) : ''
      documents.push(...fitting.map((row) => documentFrom(entity, row, home)))
      if (field === 'Id' && fitting.length === 0) {
        const deleted = await readOnce(`${entity.name} deleted`, () => deletedOf(wire, grant, entity))
        documents.push(
          ...deleted.filter((row) => textAt(row, 'Id') === value).map((row) => documentFrom(entity, row, '')),
        )
      }
    }
    found.push(
      best(
        documents.filter((document) => answers(one, document)),
        one.kind,
      ),
    )
  }
  return found
}

type Place = { entity: Entity; field: string | null; value: string }

function placesOf(sought: Sought): Place[] {
  if (sought.by === 'receipt') {
    const behind = entityBehind(sought.kind, sought.id)
    return behind ? [{ entity: behind.entity, field: 'Id', value: behind.bareId }] : []
  }
  if (sought.by === 'number') {
    return entitiesOf(sought.kind).map((entity) => ({ entity, field: 'DocNumber', value: sought.number }))
  }
  if (sought.by === 'like') {
    return entitiesOf(sought.kind).map((entity) => ({ entity, field: null, value: sought.contactId }))
  }
  return entitiesOf(sought.kind)
    .filter((entity) => onThatSide(entity, sought.of?.kind))
    .map((entity) =>
      entity.marker === 'PrivateNote'
        ? { entity, field: null, value: sought.contactId ?? '' }
        : { entity, field: entity.marker, value: sought.reference },
    )
}
function isAskedWith(place: Place, other: Place): boolean {
  return other.entity === place.entity && other.field === place.field
}

/** What a payment settles tells whether it is one received or one made. */
function onThatSide(entity: Entity, of: DocumentKind | 'contact' | undefined): boolean {
  if (entity.kind !== 'payment' || of === undefined) return true
  return entity.name === (of === 'bill' || of === 'supplier_credit' ? 'BillPayment' : 'Payment')
}

/** No query asks for a note, so the contact's documents are read and their notes looked at. */
async function byContact(wire: Wire, grant: Grant, entity: Entity, contactId: string): Promise<unknown[]> {
  if (!entity.contact || contactId === '') return allOf(wire, grant, entity.name)
  try {
    return await allOf(wire, grant, entity.name, `${entity.contact} = ${quoted(contactId)}`)
  } catch (error) {
    if (!(error instanceof BookError) || error.facts.cause !== 'query_refused') throw error
    return allOf(wire, grant, entity.name)
  }
}

async function deletedOf(wire: Wire, grant: Grant, entity: Entity): Promise<unknown[]> {
  const from = new Date(wire.settings.now().getTime() - changesReachBackMs).toISOString()
  const feed = await changedSince(wire, grant, [entity.name], from)
  return (feed?.rows ?? []).flatMap((one) => one.rows).filter(isDeleted)
}

function answers(sought: Sought, document: BookDocument): boolean {
  if (sought.by === 'receipt') return true
  if (sought.by === 'like') return isLike(document, sought)
  if (sought.contactId !== null && document.contactId !== null && document.contactId !== sought.contactId) return false
  return sought.by === 'number' ? document.number === sought.number : document.reference === sought.reference
}

/** The living one where several answer. A voided allocation has lost its lines and looks like a payment: it is told as sought. */
function best(documents: BookDocument[], kind: DocumentKind): BookDocument | null {
  const isLive = (one: BookDocument) => one.status !== 'voided' && one.status !== 'deleted'
  const chosen = documents.find((one) => isLive(one) && one.kind === kind) ?? documents.find(isLive) ?? documents[0]
  return chosen && !isLive(chosen) ? { ...chosen, kind } : (chosen ?? null)
}
