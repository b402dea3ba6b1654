/**
 * Sign-in without passwords: a link by mail, used once, within fifteen minutes, in the browser that asked, on a button
 * (mail scanners open links; they press nothing).
 *
 * Keeps: only hashes are stored; whoever asks for a link learns nothing about who has an account.
 */
import { type Clock, instantOf } from '../kit/clock.ts'
import { asWorker, type Db, databaseNow, inTransaction, type Tx } from '../kit/db.ts'
import { idText, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { queueMail } from './mail.ts'
import { actorOfPerson, type Person, personByEmail, personOf } from './person.ts'
import { recordDeed } from './record-deed.ts'
import type { Actor } from './roles.ts'
import { hashOf, newSecret } from './secret.ts'

const linkLivesMs = 15 * 60_000
const idleMs = 12 * 3_600_000
const longestMs = 30 * 86_400_000
/** Links one person may be sent, and asks one place may make, within fifteen minutes. */
const mostLinks = 5
const mostAsks = 20
/** A session's last use is written at most this often. */
const seenEveryMs = 60_000

type Deps = { db: Db; clock: Clock }

/** Always answers the same. `browser` is the secret in the asking browser's cookie; `from` its network address. */
export async function askSignIn(
  deps: Deps & { publicUrl: string; seal: Seal },
  ask: { email: string; browser: string; from: string; nextPath?: string | null },
): Promise<void> {
  await inTransaction(deps.db, asWorker, async (tx) => {
    const place = placeOfAddress(ask.from)
    await inTurn(tx, place)
    const madeAt = await databaseNow(tx)
    const since = instantOf(madeAt.getTime() - linkLivesMs)
    const rows = await tx.$queryRaw<{ asked: bigint }[]>`
      select count(*) as asked from deed
      where network_id is null and done_at > ${since} and what = 'sign_in_asked' and facts->>'from' = ${place}`
    const asked = rows[0]?.asked ?? 0n
    if (asked >= BigInt(mostAsks)) return
    await recordDeed(tx, { now: () => madeAt }, { actor: 'quits', what: 'sign_in_asked', facts: { from: place } })
    const person = await personByEmail(tx, ask.email)
    if (!person) return
    await inTurn(tx, person.id)
    const sent = await tx.signInLink.count({ where: { personId: person.id, madeAt: { gt: since } } })
    if (sent >= mostLinks) return
    const token = newSecret()
    await tx.signInLink.create({
      data: {
        tokenHash: hashOf(token),
        personId: person.id,
        browserHash: hashOf(ask.browser),
        nextPath: ownPath(ask.nextPath),
        madeAt,
        expiresAt: instantOf(madeAt.getTime() + linkLivesMs),
      },
    })
    await queueMail(tx, deps.clock, {
      kind: 'sign_in',
      seal: deps.seal,
      to: person.email,
      subject: 'Your link to sign in to Quits',
      paragraphs: [
        `Open this link in the browser you asked from, within fifteen minutes, and press the button there:\n${deps.publicUrl}/sign-in/${token}`,
        'It works once. If you did not ask for it, leave it: nobody can use it elsewhere.',
      ],
    })
  })
}

/** A link for an installation without mail, bound to no browser: whoever can ask for it here owns the machine. */
export async function makeSignInLink(
  deps: Deps,
  email: string,
  nextPath: string | null = null,
): Promise<{ token: string; expiresAt: Date }> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const person = await personByEmail(tx, email)
    if (!person) throw new Refusal('not_found', { thing: `person with the address ${email}` })
    const madeAt = await databaseNow(tx)
    const token = newSecret()
    const expiresAt = instantOf(madeAt.getTime() + linkLivesMs)
    const link = { tokenHash: hashOf(token), personId: person.id, browserHash: null, nextPath, madeAt, expiresAt }
    await tx.signInLink.create({ data: link })
    const facts = { person: idText('person', person.id) }
    await recordDeed(tx, { now: () => madeAt }, { actor: 'quits', what: 'sign_in_link_made', facts })
    return { token, expiresAt }
  })
}

export type SignedIn = { session: string; person: Person; nextPath: string | null }

/** Spends the link. An older session of the same browser ends with it. */
export async function confirmSignIn(
  deps: Deps,
  ask: { token: string; browser: string; oldSession?: string | null; browserName?: string | null },
): Promise<SignedIn> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const used = await tx.$queryRaw<{ personId: Uuid; nextPath: string | null }[]>`
      update sign_in_link set used_at = quits_now()
      where token_hash = ${hashOf(ask.token)} and used_at is null and expires_at > quits_now()
        and (browser_hash is null or browser_hash = ${hashOf(ask.browser)})
      returning person_id as "personId", next_path as "nextPath"`
    const link = used[0]
    if (!link) throw new Refusal('link_dead', {})
    if (ask.oldSession) await endIn(tx, hashOf(ask.oldSession))
    const session = await openSession(tx, link.personId, ask.browserName ?? null)
    return { session, person: await personOf(tx, link.personId), nextPath: link.nextPath }
  })
}

/** A fresh session for someone whose mail box has just been proven (a link, or an accepted invitation). */
export async function openSession(tx: Tx, personId: Uuid, browserName: string | null): Promise<string> {
  const session = newSecret()
  const madeAt = await databaseNow(tx)
  await tx.webSession.create({
    data: {
      idHash: hashOf(session),
      personId,
      madeAt,
      seenAt: madeAt,
      expiresAt: instantOf(madeAt.getTime() + longestMs),
      browser: browserName?.slice(0, 200) ?? null,
    },
  })
  return session
}

export type WebSession = { actor: Actor; person: Person; sessionHash: Uint8Array }

/** Who is behind this cookie; null when the session has ended, idled out or run out. */
export async function sessionOf(deps: Deps, session: string): Promise<WebSession | null> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const now = await databaseNow(tx)
    const sessionHash = hashOf(session)
    const row = await tx.webSession.findUnique({ where: { idHash: sessionHash } })
    if (!row || row.endedAt || row.expiresAt <= now || now.getTime() - row.seenAt.getTime() >= idleMs) return null
    if (now.getTime() - row.seenAt.getTime() >= seenEveryMs)
      await tx.webSession.update({ where: { idHash: sessionHash }, data: { seenAt: now } })
    return { actor: await actorOfPerson(tx, row.personId), person: await personOf(tx, row.personId), sessionHash }
  })
}

export async function endSession(deps: Deps, session: string): Promise<void> {
  await inTransaction(deps.db, asWorker, (tx) => endIn(tx, hashOf(session)))
}

export type OpenSession = { id: string; madeAt: Date; seenAt: Date; browser: string | null; isThisOne: boolean }

/** A person's sessions that are still good; `id` names one without opening it. */
export async function sessionsOf(deps: Deps, personId: Uuid, thisHash: Uint8Array): Promise<OpenSession[]> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const now = await databaseNow(tx)
    const seenAt = { gt: instantOf(now.getTime() - idleMs) }
    const where = { personId, endedAt: null, expiresAt: { gt: now }, seenAt }
    const rows = await tx.webSession.findMany({ where, orderBy: { seenAt: 'desc' } })
    return rows.map((row) => ({
      id: Buffer.from(row.idHash).toString('hex'),
      madeAt: row.madeAt,
      seenAt: row.seenAt,
      browser: row.browser,
      isThisOne: Buffer.compare(row.idHash, thisHash) === 0,
    }))
  })
}

/** Ends one of a person's own sessions, or (`id` null) all of them but the one in use. */
export async function revokeSessions(
  deps: Deps,
  personId: Uuid,
  id: string | null,
  thisHash: Uint8Array,
): Promise<number> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const now = await databaseNow(tx)
    const idHash = id ? { equals: bytes(Buffer.from(id, 'hex')) } : { not: bytes(thisHash) }
    return (await tx.webSession.updateMany({ where: { personId, endedAt: null, idHash }, data: { endedAt: now } }))
      .count
  })
}

/** Links and sessions that are long dead. A timed task. */
export async function forgetOldSessions(deps: Deps): Promise<number> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const before = instantOf((await databaseNow(tx)).getTime() - longestMs)
    const links = await tx.signInLink.deleteMany({ where: { expiresAt: { lt: before } } })
    const sessions = await tx.webSession.deleteMany({ where: { expiresAt: { lt: before } } })
    return links.count + sessions.count
  })
}

/** Many asks at once are counted one after the other. */
async function inTurn(tx: Tx, who: string): Promise<void> {
  await tx.$queryRaw`select pg_advisory_xact_lock(hashtextextended(${`sign-in ${who}`}, 0))::text`
}

async function endIn(tx: Tx, idHash: Uint8Array<ArrayBuffer>): Promise<void> {
  await tx.webSession.updateMany({ where: { idHash, endedAt: null }, data: { endedAt: await databaseNow(tx) } })
}

/** Only a path of our own, as addresses are written: a link in a mail must not send people elsewhere. */
function ownPath(path: string | null | undefined): string | null {
  return path && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path) && path.length <= 300 ? path : null
}

/** IPv6 by its first 64 bits: one household or office has them all. Kept as a hash: an address is personal. */
function placeOfAddress(address: string): string {
  const isSix = address.includes(':') && !address.includes('.')
  const place = isSix ? address.split('::')[0]?.split(':').slice(0, 4).join(':') : address
  return Buffer.from(hashOf(place ?? ''))
    .toString('hex')
    .slice(0, 24)
}

function bytes(given: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(given)
}
