/**
 * A consent between its callback and its choice: its tokens are sealed inside it, for twenty-five minutes, for the one who began.
 */
import type { Grant } from '../../connectors/port.ts'
import { instantOf } from '../kit/clock.ts'
import { asWorker, databaseNow, inTransaction, type Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Place } from '../kit/seal.ts'
import type { GrantDeps } from './grants.ts'

/** After the callback a person may take this long to choose: less than the thirty minutes an access token lives. */
const choosingMs = 25 * 60_000

export type Consent = NonNullable<Awaited<ReturnType<Tx['consent']['findUnique']>>>

export async function waitingConsent(
  deps: GrantDeps,
  ask: { consentId: Uuid; actor: string; organisationId?: Uuid },
): Promise<{ consent: Consent; grants: Grant[] }> {
  const { consent, now } = await inTransaction(deps.db, asWorker, async (tx) => ({
    consent: await tx.consent.findUnique({ where: { id: ask.consentId } }),
    now: await databaseNow(tx),
  }))
  const isTheirs =
    consent?.begunBy === ask.actor && consent.organisationId === (ask.organisationId ?? consent.organisationId)
  if (!consent || !isTheirs || !consent.usedAt) throw new Refusal('consent_unknown', {})
  if (consent.chosenAt || !consent.grantsSealed) throw new Refusal('consent_used', {})
  if (now.getTime() - consent.usedAt.getTime() > choosingMs) throw new Refusal('consent_expired', {})
  const plain = deps.seal.open(consentPlace(consent.id, 'grants_sealed'), consent.grantsSealed)
  return { consent, grants: JSON.parse(plain) as Grant[] }
}

/** The consent of this actor for this organisation that still waits for its choice, if any. */
export async function consentWaiting(
  deps: Pick<GrantDeps, 'db'>,
  ask: { organisationId: Uuid; actor: string },
): Promise<Uuid | null> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const usedAt = { gt: instantOf((await databaseNow(tx)).getTime() - choosingMs) }
    const where = {
      organisationId: ask.organisationId,
      begunBy: ask.actor,
      usedAt,
      chosenAt: null,
      grantsSealed: { not: null },
    }
    const row = await tx.consent.findFirst({ where, orderBy: { madeAt: 'desc' }, select: { id: true } })
    return row?.id ?? null
  })
}

/** Tokens that nobody chose a book for are wiped once that time is over. A timed task. */
export async function forgetUnchosen(deps: Pick<GrantDeps, 'db'>): Promise<number> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const usedAt = { lt: instantOf((await databaseNow(tx)).getTime() - choosingMs) }
    const where = { usedAt, grantsSealed: { not: null } }
    return (await tx.consent.updateMany({ where, data: { grantsSealed: null } })).count
  })
}

export function consentPlace(consentId: Uuid, column: 'verifier_sealed' | 'grants_sealed'): Place {
  return { table: 'consent', row: consentId, column }
}
