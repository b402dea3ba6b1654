/**
 * People who sign in, and for whom they act. Their rows belong to the worker role alone.
 *
 * Keeps: an organisation that has had an owner keeps at least one.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Scope, type Tx } from '../kit/db.ts'
import { idText, newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { recordDeed } from './record-deed.ts'
import { type Actor, type MemberRole, type NetworkRole, scopeOf } from './roles.ts'

export type Person = { id: Uuid; email: string; name: string | null; isOperator: boolean }

export function emailOf(given: string): string {
  return given.trim().toLowerCase()
}

export async function personByEmail(tx: Tx, email: string): Promise<Person | null> {
  return tx.person.findUnique({ where: { email: emailOf(email) } })
}

export async function personOf(tx: Tx, id: Uuid): Promise<Person> {
  const person = await tx.person.findUnique({ where: { id } })
  if (!person) throw new Refusal('not_found', { thing: 'person' })
  return person
}

/** The person with this address, made if it is new. A name already known stays. */
export async function ensurePerson(
  tx: Tx,
  clock: Clock,
  ask: { email: string; name?: string | null },
): Promise<Person> {
  const at = clock.now()
  const email = emailOf(ask.email)
  const name = ask.name ?? null
  await tx.$executeRaw`
    insert into person (id, email, name, created_at) values (${newId(at)}::uuid, ${email}, ${name}, ${at})
    on conflict (email) do update set name = coalesce(person.name, excluded.name)`
  return tx.person.findUniqueOrThrow({ where: { email } })
}

export type RoleAt =
  | { networkId: Uuid; role: NetworkRole; organisationId?: undefined }
  | { organisationId: Uuid; role: MemberRole; networkId?: undefined }

/** Names a person to a role; the person is made if its address is new. */
export async function nameRole(
  tx: Tx,
  clock: Clock,
  ask: RoleAt & { email: string; name?: string | null; actor: string },
): Promise<Person> {
  const person = await ensurePerson(tx, clock, ask)
  const at = clock.now()
  if (ask.networkId !== undefined) {
    await tx.serves.upsert({
      where: { networkId_personId_role: { networkId: ask.networkId, personId: person.id, role: ask.role } },
      create: { networkId: ask.networkId, personId: person.id, role: ask.role, sinceAt: at },
      update: { endedAt: null },
    })
  } else {
    const key = { personId: person.id, organisationId: ask.organisationId }
    const held = await lockRoles(tx, ask.organisationId)
    if (ask.role !== 'owner' && held.some((one) => one.personId === person.id && one.role === 'owner'))
      mustLeaveAnOwner(held, person.id)
    await tx.actsFor.upsert({
      where: { personId_organisationId: key },
      create: { ...key, role: ask.role, sinceAt: at },
      update: { role: ask.role, endedAt: null },
    })
  }
  const facts = { person: idText('person', person.id), role: ask.role }
  await recordDeed(tx, clock, { ...placeOf(ask), actor: ask.actor, what: 'role_named', facts })
  return person
}

export async function removeRole(tx: Tx, clock: Clock, ask: RoleAt & { personId: Uuid; actor: string }): Promise<void> {
  const at = clock.now()
  if (ask.networkId !== undefined) {
    const where = { networkId: ask.networkId, personId: ask.personId, role: ask.role, endedAt: null }
    const { count } = await tx.serves.updateMany({ where, data: { endedAt: at } })
    if (count === 0) throw new Refusal('not_found', { thing: 'role' })
  } else {
    const held = await lockRoles(tx, ask.organisationId)
    const one = held.find((row) => row.personId === ask.personId && row.role === ask.role)
    if (!one) throw new Refusal('not_found', { thing: 'role' })
    if (one.role === 'owner') mustLeaveAnOwner(held, ask.personId)
    const key = { personId: ask.personId, organisationId: ask.organisationId }
    await tx.actsFor.update({ where: { personId_organisationId: key }, data: { endedAt: at } })
  }
  const facts = { person: idText('person', ask.personId), role: ask.role }
  await recordDeed(tx, clock, { ...placeOf(ask), actor: ask.actor, what: 'role_removed', facts })
}

export async function rolesOfOrganisation(
  tx: Tx,
  organisationId: Uuid,
): Promise<{ person: Person; role: MemberRole; sinceAt: Date }[]> {
  const rows = await tx.actsFor.findMany({ where: { organisationId, endedAt: null }, orderBy: { sinceAt: 'asc' } })
  return withPeople(
    tx,
    rows.map((row) => ({ ...row, role: row.role as MemberRole })),
  )
}

export async function rolesOfNetwork(
  tx: Tx,
  networkId: Uuid,
): Promise<{ person: Person; role: NetworkRole; sinceAt: Date }[]> {
  const rows = await tx.serves.findMany({ where: { networkId, endedAt: null }, orderBy: { sinceAt: 'asc' } })
  return withPeople(
    tx,
    rows.map((row) => ({ ...row, role: row.role as NetworkRole })),
  )
}

/** Who a signed-in person is here. */
export async function actorOfPerson(tx: Tx, personId: Uuid): Promise<Actor> {
  const person = await personOf(tx, personId)
  const serves = await tx.serves.findMany({ where: { personId, endedAt: null } })
  const actsFor = await tx.actsFor.findMany({ where: { personId, endedAt: null } })
  return {
    id: idText('person', person.id),
    personId: person.id,
    name: person.name ?? person.email,
    isOperator: person.isOperator,
    serves: serves.map(({ networkId, role }) => ({ networkId, role: role as NetworkRole })),
    actsFor: actsFor.map(({ organisationId, role }) => ({ organisationId, role: role as MemberRole })),
    mayWrite: true,
  }
}

/** The scope of every statement this actor causes. */
export async function scopeFor(db: Db, actor: Actor): Promise<Scope> {
  const memberships = await inTransaction(db, asWorker, async (tx) => {
    const organisationId = { in: actor.actsFor.map((one) => one.organisationId) }
    const members = await tx.member.findMany({
      where: { organisationId },
      select: { networkId: true, organisationId: true },
    })
    if (!actor.isOperator) return members
    const networks = await tx.network.findMany({ select: { id: true } })
    return [...members, ...networks.map(({ id }) => ({ networkId: id, organisationId: null }))]
  })
  return scopeOf(actor, memberships)
}

type Acting = { personId: Uuid; role: string }

/** The organisation's row is the lock: two owners who leave at once do not leave it ownerless. */
async function lockRoles(tx: Tx, organisationId: Uuid): Promise<Acting[]> {
  await tx.$queryRaw`select id from organisation where id = ${organisationId}::uuid for update`
  return tx.actsFor.findMany({ where: { organisationId, endedAt: null } })
}

function mustLeaveAnOwner(held: Acting[], leaving: Uuid): void {
  if (!held.some((one) => one.role === 'owner' && one.personId !== leaving)) throw new Refusal('last_owner', {})
}

function placeOf(ask: RoleAt): { networkId?: Uuid; organisationId?: Uuid } {
  return ask.networkId !== undefined ? { networkId: ask.networkId } : { organisationId: ask.organisationId }
}

async function withPeople<T extends { personId: Uuid }>(tx: Tx, rows: T[]): Promise<(T & { person: Person })[]> {
  const people = await tx.person.findMany({ where: { id: { in: rows.map((row) => row.personId) } } })
  return rows.flatMap((row) => {
    const person = people.find((one) => one.id === row.personId)
    return person ? [{ ...row, person }] : []
  })
}
