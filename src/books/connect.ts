/**
 * Consent out, callback in, and the choice of the book.
 *
 * Keeps: a state is random, hashed, used once, within fifteen minutes, by the one who began; what does not fit leaves
 * nothing behind but its line in the trail. The vendor is never called inside a transaction.
 *
 * @path connect 2/6 sends the person to the vendor and takes the answer
 */
import { type BookConnector, BookError, type BookKind, type BookProfile, type Grant } from '../../connectors/port.ts'
import { instantOf } from '../kit/clock.ts'
import { asWorker, databaseNow, inTransaction } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { Refusal, type RefusalCode } from '../kit/refusal.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { hashOf, newSecret } from '../networks/secret.ts'
import { type Connection, openConnectionOf } from './connection.ts'
import { connectorFor } from './connectors.ts'
import type { GrantDeps } from './grants.ts'
import { takeBook } from './take-book.ts'
import { type Consent, consentPlace, waitingConsent } from './waiting-consent.ts'

const consentLivesMs = 15 * 60_000
/** Most books of one consent that are looked into for their country and currency. */
const mostLookedInto = 25

export type Offered = { bookId: string; bookName: string; country: string | null; currency: string | null }

/** `sessionHash`: the web session that may finish it; null when an API key begins, and the same key finishes. */
export async function beginConsent(
  deps: GrantDeps,
  ask: { networkId: Uuid; organisationId: Uuid; kind: BookKind; actor: string; sessionHash: Uint8Array | null },
): Promise<{ url: string; consentId: Uuid }> {
  const connector = connectorFor(deps.connectors, ask.kind)
  const state = newSecret()
  const verifier = newSecret()
  const id = newId(deps.clock.now())
  const { organisationId, networkId, kind, actor } = ask
  await inTransaction(deps.db, asWorker, async (tx) => {
    const open = await openConnectionOf(tx, organisationId)
    if (open && open.kind !== kind) throw new Refusal('already_connected', { book: open.bookName })
    const member = await tx.member.count({ where: { networkId, organisationId } })
    if (member === 0) throw new Refusal('not_found', { thing: 'member' })
    const madeAt = await databaseNow(tx)
    await tx.consent.create({
      data: {
        id,
        stateHash: hashOf(state),
        kind,
        organisationId,
        networkId,
        connectionId: open?.id ?? null,
        begunBy: actor,
        sessionHash: ask.sessionHash ? Uint8Array.from(ask.sessionHash) : null,
        verifierSealed: deps.seal.close(consentPlace(id, 'verifier_sealed'), verifier),
        madeAt,
        expiresAt: instantOf(madeAt.getTime() + consentLivesMs),
      },
    })
    await recordDeed(tx, deps.clock, { networkId, organisationId, actor, what: 'consent_begun', facts: { kind } })
  })
  return { url: await connector.consentUrl({ state, verifier }), consentId: id }
}

/** `organisationId`: for whom it was begun, where the asker names it. */
type FinishAsk = { url: string; actor: string; sessionHash: Uint8Array | null; organisationId?: Uuid }

/** Takes the whole address the vendor sent the browser (or the key's holder) to. */
export async function finishConsent(
  deps: GrantDeps,
  ask: FinishAsk,
): Promise<{ consentId: Uuid; networkId: Uuid; organisationId: Uuid; kind: BookKind; offered: Offered[] }> {
  const consent = await spendState(deps, ask)
  const connector = connectorFor(deps.connectors, consent.kind as BookKind)
  const verifier = deps.seal.open(consentPlace(consent.id, 'verifier_sealed'), consent.verifierSealed)
  let grants: Grant[]
  try {
    grants = await connector.grantsFrom({ url: ask.url, verifier })
  } catch (error) {
    if (!(error instanceof BookError)) throw error
    const code = error.facts.cause === 'consent_declined' ? 'consent_declined' : 'consent_failed'
    return refuse(deps, ask.actor, code, { cause: error.facts.cause }, consent)
  }
  if (grants.length === 0) return refuse(deps, ask.actor, 'consent_failed', { cause: 'no_book_offered' }, consent)
  const offered = await lookInto(connector, grants)
  await inTransaction(deps.db, asWorker, (tx) =>
    tx.consent.update({
      where: { id: consent.id },
      data: { grantsSealed: deps.seal.close(consentPlace(consent.id, 'grants_sealed'), JSON.stringify(grants)) },
    }),
  )
  const { id, networkId, organisationId } = consent
  return { consentId: id, networkId, organisationId, kind: consent.kind as BookKind, offered }
}

/** What a consent offers, as long as nothing is chosen: for the page that asks. */
export async function offeredBy(
  deps: GrantDeps,
  ask: { consentId: Uuid; actor: string; organisationId?: Uuid },
): Promise<Offered[]> {
  const { consent, grants } = await waitingConsent(deps, ask)
  return lookInto(connectorFor(deps.connectors, consent.kind as BookKind), grants)
}

/** One offered book becomes the organisation's connection. Asked even when only one is offered. */
export async function chooseBook(
  deps: GrantDeps,
  ask: { consentId: Uuid; bookId: string; networkId?: Uuid; organisationId?: Uuid; actor: string },
): Promise<Connection> {
  const { consent, grants } = await waitingConsent(deps, ask)
  const grant = grants.find((one) => one.bookId === ask.bookId)
  if (!grant) throw new Refusal('book_not_offered', {})
  const connector = connectorFor(deps.connectors, consent.kind as BookKind)
  let profile: BookProfile
  try {
    profile = await connector.describe(grant)
  } catch (error) {
    if (error instanceof BookError) throw new Refusal('book_does_not_answer', { cause: error.facts.cause })
    throw error
  }
  const { organisationId, kind } = consent
  const networkId = ask.networkId ?? consent.networkId
  const asked = {
    consentId: consent.id,
    organisationId,
    networkId,
    kind: kind as BookKind,
    actor: ask.actor,
    grant,
    profile,
    missing: (connector.wants ?? []).filter((one) => !grant.scopes.includes(one)),
  }
  return inTransaction(deps.db, asWorker, (tx) => takeBook(tx, deps, asked))
}

type Checked = { consent: Consent } | { code: RefusalCode; consent: Consent | null }

/** Uses the state up before the vendor is asked: whatever comes of it, it never works again. */
async function spendState(deps: GrantDeps, ask: FinishAsk): Promise<Consent> {
  const state = stateIn(ask.url)
  const checked = await inTransaction(deps.db, asWorker, async (tx): Promise<Checked> => {
    if (!state) return { code: 'consent_unknown', consent: null }
    await tx.$queryRaw`select id from consent where state_hash = ${hashOf(state)} for update`
    const consent = await tx.consent.findUnique({ where: { stateHash: hashOf(state) } })
    if (!consent || !isTheirs(consent, ask)) return { code: 'consent_unknown', consent }
    if (consent.usedAt) return { code: 'consent_used', consent }
    const now = await databaseNow(tx)
    if (consent.expiresAt <= now) return { code: 'consent_expired', consent }
    await tx.consent.update({ where: { id: consent.id }, data: { usedAt: now } })
    return { consent }
  })
  return 'code' in checked ? refuse(deps, ask.actor, checked.code, {}, checked.consent) : checked.consent
}

/** The trail keeps the refusal although nothing else of it is kept. */
async function refuse(
  deps: GrantDeps,
  actor: string,
  code: RefusalCode,
  facts: { cause?: string },
  consent: Consent | null,
): Promise<never> {
  const place = consent ? { networkId: consent.networkId, organisationId: consent.organisationId } : {}
  await inTransaction(deps.db, asWorker, (tx) =>
    recordDeed(tx, deps.clock, {
      ...place,
      actor,
      what: 'consent_refused',
      facts: { code, cause: facts.cause ?? null },
    }),
  )
  throw new Refusal(code, facts)
}

/** Country and currency beside each name, so that a person sees which is which; a book that does not answer is offered all the same. */
async function lookInto(connector: BookConnector, grants: Grant[]): Promise<Offered[]> {
  const offered: Offered[] = []
  for (const [place, grant] of grants.entries()) {
    const profile = place < mostLookedInto ? await profileOrNull(connector, grant) : null
    const bookName = profile?.name ?? grant.bookName
    offered.push({
      bookId: grant.bookId,
      bookName,
      country: profile?.country ?? null,
      currency: profile?.currency ?? null,
    })
  }
  return offered
}

async function profileOrNull(connector: BookConnector, grant: Grant): Promise<BookProfile | null> {
  try {
    return await connector.describe(grant)
  } catch (error) {
    if (error instanceof BookError) return null
    throw error
  }
}

function isTheirs(consent: Consent, ask: FinishAsk): boolean {
  if (consent.begunBy !== ask.actor) return false
  if (ask.organisationId && consent.organisationId !== ask.organisationId) return false
  if (consent.sessionHash === null) return ask.sessionHash === null
  return ask.sessionHash !== null && Buffer.compare(consent.sessionHash, ask.sessionHash) === 0
}

function stateIn(url: string): string | null {
  return URL.canParse(url) ? new URL(url).searchParams.get('state') : null
}
