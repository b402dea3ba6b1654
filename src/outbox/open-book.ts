/** A book as the holder of its lane sees it: connection, mapping by network, contacts, and what was delivered before. */
import type { BookConnector, BookKind, BookProfile } from '../../connectors/port.ts'
import { type Mapping, mappingShape } from '../books/mapping.ts'
import { profileFromJson } from '../books/profile.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { type Budget, openBudget } from './budget.ts'
import { type Delivery, deliveryFrom } from './delivery.ts'
import type { Lease } from './lease.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import type { Around } from './translate-delivery.ts'

export type OpenBook = {
  connectionId: Uuid
  organisationId: Uuid
  connector: BookConnector
  profile: BookProfile
  budget: Budget
  /** What translating these deliveries needs; they are of one network each, and so is the answer. */
  around(group: Delivery[]): Promise<Around>
}

/** The book of a lane, or null while it has no live connection. */
export async function bookOfLane(deps: OutboxDeps, lease: Lease): Promise<OpenBook | null> {
  const found = await inTransaction(deps.db, asWorker, async (tx) => {
    const connection = await tx.connection.findFirst({ where: { organisationId: lease.laneId, state: 'live' } })
    if (!connection) return null
    const mappings = await tx.mapping.findMany({ where: { connectionId: connection.id, confirmedAt: { not: null } } })
    return { connection, mappings }
  })
  if (!found) return null
  const { connection, mappings } = found
  const connector = deps.connectors[connection.kind as BookKind]
  if (!connector) return null
  const profile = profileFromJson(connection.profile)
  connector.know?.(profile, connection.profileReadAt)
  const mappingOf = new Map<Uuid, Mapping>(mappings.map((row) => [row.networkId, mappingShape.parse(row.body)]))
  return {
    connectionId: connection.id,
    organisationId: connection.organisationId,
    connector,
    profile,
    budget: budgetFrom(lease.budget, connector, deps.clock.now().getTime()),
    async around(group) {
      const networkId = group[0]?.networkId
      invariant(networkId, 'a group of deliveries is never empty')
      const mapping = mappingOf.get(networkId)
      invariant(mapping, `no mapping for network ${networkId}`)
      return inTransaction(deps.db, asWorker, async (tx) => {
        const contacts = await tx.bookContact.findMany({ where: { connectionId: connection.id } })
        const parents = await tx.delivery.findMany({
          where: { networkId, id: { in: [...new Set(group.flatMap((one) => one.dependsOn))] } },
        })
        const contactBy = new Map(
          contacts.map((one) => [
            `${one.counterpartId} ${one.role}`,
            { id: one.bookContactId, accountId: one.accountId },
          ]),
        )
        const parentBy = new Map(parents.map((row) => [row.id, deliveryFrom(row)]))
        return {
          profile,
          mapping,
          refundsInTwoSteps: connector.refundsInTwoSteps,
          contactOf: (counterpartId, role) => contactBy.get(`${counterpartId} ${role}`) ?? null,
          deliveryOf: (id) => parentBy.get(id) ?? null,
          publicUrl: deps.config.publicUrl,
        }
      })
    },
  }
}

/** What an earlier holder of the lane was sending when its lease ran out: the outcome is unknown, so it is looked up first. */
export async function takeUpLost(deps: OutboxDeps, lease: Lease): Promise<void> {
  await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$executeRaw`
      update delivery set state = 'waiting', look_first = true, fails = fails + 1, due_at = quits_now()
      where organisation_id = ${lease.laneId}::uuid and state = 'sending' and fence is distinct from ${lease.fence}`,
  )
}

/** Parked for want of an account, a code or a consent that a person has given since: it goes again, under a new key. */
export async function takeUpMended(deps: OutboxDeps, lease: Lease): Promise<void> {
  await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$executeRaw`
      update delivery d set state = 'waiting', parked_cause = null, parked_facts = null, fails = 0, generation = d.generation + 1,
             due_at = quits_now() - interval '1 minute'
      from connection c join mapping m on m.connection_id = c.id
      where d.organisation_id = ${lease.laneId}::uuid and d.state = 'parked' and d.parked_cause = any (${mendedByMapping}::text[])
        and c.organisation_id = d.organisation_id and c.state = 'live' and m.network_id = d.network_id
        and m.confirmed_at > (d.parked_facts ->> 'at')::timestamptz`,
  )
  await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$executeRaw`
      update delivery d set state = 'waiting', parked_cause = null, parked_facts = null, fails = 0, generation = d.generation + 1,
             due_at = quits_now() - interval '1 minute'
      from connection c
      where d.organisation_id = ${lease.laneId}::uuid and d.state = 'parked' and d.parked_cause = 'scope_missing'
        and c.organisation_id = d.organisation_id and c.state = 'live'
        and exists (select 1 from consent k where k.organisation_id = d.organisation_id and k.kind = c.kind
                     and k.chosen_at > (d.parked_facts ->> 'at')::timestamptz)`,
  )
}

const mendedByMapping = [
  'mapping_missing',
  'account_archived',
  'account_refused',
  'account_takes_no_payments',
  'item_refused',
  'tax_code_refused',
  'tax_code_missing',
]

function budgetFrom(stored: unknown, connector: BookConnector, nowMs: number): Budget {
  if (
    typeof stored === 'object' &&
    stored !== null &&
    'tokens' in stored &&
    'atMs' in stored &&
    'pausedUntilMs' in stored
  )
    return stored as Budget
  return openBudget(connector.limits, nowMs)
}
