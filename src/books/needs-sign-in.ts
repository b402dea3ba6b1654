/**
 * The vendor lets us in no more: the connection says so, its people are told once, and nothing that is promised is lost.
 */
import type { BookKind } from '../../connectors/port.ts'
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { queueMailToOrganisation } from '../networks/mail.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { connectionMoves, lockConnection } from './connection.ts'
import { vendorName } from './vendor-name.ts'

type GrantNow = { sealed: string; deadAt: Date | null }

/** `isStillSo`: is it about the grant that is there now? Someone may have signed in again meanwhile. */
export async function askForSignIn(
  deps: { db: Db; clock: Clock },
  connectionId: Uuid,
  cause: string,
  isStillSo: (grant: GrantNow) => boolean,
): Promise<void> {
  await inTransaction(deps.db, asWorker, async (tx) => {
    const held = await lockConnection(tx, connectionId)
    const grant = await tx.bookGrant.findUnique({ where: { connectionId }, select: { sealed: true, deadAt: true } })
    if (grant && !isStillSo(grant)) return
    const moves: readonly string[] = connectionMoves[held.state]
    if (held.state === 'needs_sign_in' || !moves.includes('needs_sign_in')) return
    const lastError = { cause, at: deps.clock.now().toISOString(), was: held.state }
    await tx.connection.update({ where: { id: held.id }, data: { state: 'needs_sign_in', lastError } })
    await tx.bookGrant.updateMany({
      where: { connectionId: held.id, deadAt: null },
      data: { deadAt: deps.clock.now() },
    })
    const vendor = vendorName(held.kind)
    await queueMailToOrganisation(tx, deps.clock, held.organisationId, ['owner', 'bookkeeper'], {
      kind: 'needs_sign_in',
      subject: `${vendor} no longer lets us in for ${held.bookName}`,
      paragraphs: [
        `${vendor} no longer lets us in for ${held.bookName}. What still has to be written there waits; nothing is lost.`,
        'Sign in to Quits, open the page of your connection and press "Sign in again". Choose the same organisation.',
      ],
    })
    const { organisationId, bookName } = held
    await recordDeed(tx, deps.clock, {
      organisationId,
      actor: 'quits',
      what: 'connection_needs_sign_in',
      facts: { book: bookName, cause },
    })
  })
}

const warnedDaysBefore = [30, 7, 1]
const dayMs = 86_400_000

/** Some permissions end on a day whatever we do: their people hear of it thirty days, seven days and one day before. */
export async function warnOfEnds(deps: { db: Db; clock: Clock }): Promise<number> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const rows = await tx.$queryRaw<{ organisationId: Uuid; bookName: string; kind: BookKind; endsAt: Date }[]>`
      select c.organisation_id as "organisationId", c.book_name as "bookName", c.kind, g.hard_ends_at as "endsAt"
      from book_grant g join connection c on c.id = g.connection_id
      where g.dead_at is null and g.hard_ends_at is not null and c.state <> 'ended'`
    let warned = 0
    for (const { organisationId, bookName, kind, endsAt } of rows) {
      const days = Math.ceil((endsAt.getTime() - deps.clock.now().getTime()) / dayMs)
      if (!warnedDaysBefore.includes(days)) continue
      const vendor = vendorName(kind)
      await queueMailToOrganisation(tx, deps.clock, organisationId, ['owner', 'bookkeeper'], {
        kind: 'sign_in_ends',
        subject: `${vendor}: the permission for ${bookName} ends in ${days === 1 ? 'one day' : `${days} days`}`,
        paragraphs: [
          `${vendor} ends the permission for ${bookName} on ${endsAt.toISOString().slice(0, 10)}.`,
          'Sign in to Quits and press "Sign in again" on the page of your connection before that day; nothing else changes.',
        ],
      })
      warned += 1
    }
    return warned
  })
}
