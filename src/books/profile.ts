/**
 * What a book says of itself: name, currency, lock, plan, accounts, tax codes. Read at connection, daily, and whenever
 * the book refuses something of it; never once per document.
 */
import type { BookProfile } from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { type GrantDeps, withGrant } from './grants.ts'

/** Reads it now and keeps it. */
export async function readProfile(deps: GrantDeps, connectionId: Uuid): Promise<BookProfile> {
  const profile = await withGrant(deps, connectionId, (grant, connector) => connector.describe(grant))
  await inTransaction(deps.db, asWorker, (tx) =>
    tx.connection.update({
      where: { id: connectionId },
      data: { profile, bookName: profile.name, profileReadAt: deps.clock.now() },
    }),
  )
  return profile
}

/** The profile as a `connection` row keeps it: we wrote it, so only its shape at the top is looked at. */
export function profileFromJson(json: unknown): BookProfile {
  invariant(
    typeof json === 'object' && json !== null && 'accounts' in json && 'taxCodes' in json,
    'a stored profile has lost its shape',
  )
  return json as BookProfile
}
