/**
 * Takes back what we made: a contact is made inactive, a document voided where QuickBooks voids it and deleted where not.
 *
 * Keeps: the version we were given goes along, so what a person has touched since is refused as stale and left alone.
 */
import { type Ask, BookError, type Grant, type Receipt, type Verdict } from '../port.ts'
import { contactEntities, entityBehind } from './entities.ts'
import { quickbooksError } from './errors.ts'
import type { Fields } from './json.ts'
import { textAt } from './json.ts'
import { activeOrNot, allOf, quoted } from './query.ts'
import { contactReceipt, documentReceipt } from './translate.ts'
import type { Wire } from './wire.ts'
import { type Prepared, writeAll } from './write.ts'

/** One call each: what is voided may be needed by what is voided next, and a batch keeps no order. */
export async function cancel(wire: Wire, grant: Grant, asks: Ask<Receipt>[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const ask of asks) {
    try {
      const prepared = await (ask.thing.kind === 'contact'
        ? retireContact(wire, grant, ask)
        : takeBack(wire, grant, ask))
      verdicts.push(...(await writeAll(wire, grant, [prepared])))
    } catch (error) {
      if (!(error instanceof BookError) || asks.length === 1) throw error
      verdicts.push({ ok: false, error })
    }
  }
  return verdicts
}

async function takeBack(wire: Wire, grant: Grant, { key, thing }: Ask<Receipt>): Promise<Prepared> {
  const behind = thing.kind === 'contact' ? null : entityBehind(thing.kind, thing.id)
  if (!behind) return quickbooksError('invalid', 'not_found', `Nothing of the kind ${thing.kind} is known by this id.`)
  const { entity, bareId } = behind
  const version = thing.version ?? (await versionOf(wire, grant, entity.name, bareId))
  if (version === null) return quickbooksError('invalid', 'not_found', `${entity.name} ${bareId} is not there.`)
  const named: Fields = { Id: bareId, SyncToken: version }
  const receipt = (object: unknown, told: { callId: string | null; warnings: string[] }) => ({
    ...documentReceipt(entity, thing.kind, object, told),
    status: entity.undo === 'delete' ? ('deleted' as const) : ('voided' as const),
  })
  if (entity.undo === 'void') {
    return { key, entity: entity.name, operation: 'update', query: { operation: 'void' }, body: named, receipt }
  }
  if (entity.undo === 'voidByUpdate') {
    const query = { operation: 'update', include: 'void' }
    return { key, entity: entity.name, operation: 'update', query, body: { ...named, sparse: true }, receipt }
  }
  return { key, entity: entity.name, operation: 'delete', body: named, receipt }
}

/** Customers and suppliers have lists of their own; the version tells which one is ours, should both hold the id. */
async function retireContact(wire: Wire, grant: Grant, { key, thing }: Ask<Receipt>): Promise<Prepared> {
  for (const entity of contactEntities) {
    const rows = await allOf(wire, grant, entity, `Id = ${quoted(thing.id)} and ${activeOrNot}`)
    const held = rows.find((row) => textAt(row, 'Id') === thing.id)
    const version = textAt(held, 'SyncToken')
    if (!held || version === null) continue
    if (thing.version !== null && version !== thing.version) {
      return quickbooksError('stale', 'version_moved_on', 'The contact has been changed since.')
    }
    const body = { Id: thing.id, SyncToken: version, sparse: true, Active: false }
    return { key, entity, operation: 'update', body, receipt: (object, told) => contactReceipt(entity, object, told) }
  }
  return quickbooksError('invalid', 'not_found', 'No customer and no supplier has this id.')
}

async function versionOf(wire: Wire, grant: Grant, name: string, id: string): Promise<string | null> {
  const rows = await allOf(wire, grant, name, `Id = ${quoted(id)}`)
  return textAt(
    rows.find((row) => textAt(row, 'Id') === id),
    'SyncToken',
  )
}
