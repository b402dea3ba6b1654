/**
 * All that are parked for one cause, tried again: in one book or in several, step by step, each step its own commit.
 *
 * Keeps: a step is bounded, so that ten thousand parked never hold a book's lane for long; each delivery is visited once,
 * so one that is parked again meanwhile is not tried for ever. Cut off in between, the same ask does the rest.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { takeUpAgain } from './take-up-again.ts'

export const retriedAStep = 500
const mostSteps = 10_000

export type BookPlace = { networkId: Uuid; organisationId: Uuid }

/** Gives the number tried again. One line of the trail for each step that did something. */
export async function retryAll(
  deps: { db: Db; clock: Clock },
  ask: { places: BookPlace[]; cause: string; actor: string },
): Promise<number> {
  let retried = 0
  for (const place of ask.places) {
    let after: Uuid | null = null
    for (let steps = 0; steps < mostSteps; steps += 1) {
      const step: Step = await inTransaction(deps.db, asWorker, async (tx) => {
        const done = await retryStep(tx, { ...place, cause: ask.cause, after })
        if (done.retried > 0)
          await recordDeed(tx, deps.clock, {
            ...place,
            actor: ask.actor,
            what: 'deliveries_retried',
            facts: { cause: ask.cause, retried: done.retried },
          })
        return done
      })
      retried += step.retried
      after = step.last
      if (after === null) break
    }
  }
  return retried
}

type Step = { retried: number /** Where the next step begins; null: this was the last. */; last: Uuid | null }

export async function retryStep(tx: Tx, ask: BookPlace & { cause: string; after: Uuid | null }): Promise<Step> {
  await tx.$queryRaw`select id from lane where id = ${ask.organisationId}::uuid for update`
  const rows = await tx.$queryRaw<{ id: Uuid }[]>`
    select id from delivery
    where network_id = ${ask.networkId}::uuid and organisation_id = ${ask.organisationId}::uuid and state = 'parked'
      and parked_cause = ${ask.cause} and (${ask.after}::uuid is null or id > ${ask.after}::uuid)
    order by id limit ${retriedAStep} for update`
  if (rows.length === 0) return { retried: 0, last: null }
  const retried = await takeUpAgain(tx, { networkId: ask.networkId, ids: rows.map((row) => row.id) })
  await tx.$executeRaw`select wake_lane(${ask.organisationId}::uuid)`
  return { retried, last: rows.length < retriedAStep ? null : (rows.at(-1)?.id ?? null) }
}

/** The books of these organisations in which something is parked for this cause. Runs as the worker. */
export async function placesParkedFor(
  tx: Tx,
  asked: { cause: string; organisationIds?: Uuid[]; networkIds?: Uuid[] },
): Promise<BookPlace[]> {
  return tx.$queryRaw<BookPlace[]>`
    select distinct network_id as "networkId", organisation_id as "organisationId" from delivery
    where state = 'parked' and parked_cause = ${asked.cause}
      and (${asked.organisationIds ?? null}::uuid[] is null or organisation_id = any (${asked.organisationIds ?? null}::uuid[]))
      and (${asked.networkIds ?? null}::uuid[] is null or network_id = any (${asked.networkIds ?? null}::uuid[]))
    order by 1, 2`
}
