/**
 * A member's book: consent out and back, the choice of book, pause, resume and end.
 *
 * The vendor is called first and outside any transaction; what came of it is written afterwards.
 */
import { z } from 'zod'
import { beginConsent, chooseBook, finishConsent, offeredBy } from '../../books/connect.ts'
import {
  type Connection,
  type ConnectionHealth,
  healthOfNetwork,
  openConnectionOf,
  setAskFirst,
} from '../../books/connection.ts'
import { disconnect } from '../../books/disconnect.ts'
import { checkMappingsOf } from '../../books/mapping.ts'
import { pause, pauseSending, resume, resumeSending, sendingPauseOf } from '../../books/pause.ts'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import { askBook } from './ask-book.ts'
import { bookKinds, connectionOut, offeredOut, pauseOut, showConnection, showPause } from './connection-shapes.ts'
import { memberParams } from './member-shapes.ts'
import { networkParams } from './networks.ts'
import { type AtMember, atMember, atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { idIn, idOut, at as instant, instantOut, listOf, reason, show, words } from './shapes.ts'

const one = { params: memberParams, find: atMember, tag: 'Connection' }
const path = '/networks/{networkId}/members/{memberId}/connection'
const ofNetwork = { params: networkParams, find: atNetwork, tag: 'Connection' }
const sendingOut = z.object({ paused: pauseOut.nullable() })
const consentParams = memberParams.extend({ consentId: idIn('consent') })

export const connectionRoutes: Route[] = [
  route({
    ...one,
    method: 'get',
    path,
    summary: 'The connection to this member’s book, its state and its next step',
    deed: 'see_book',
    answer: connectionOut,
    answers: async ({ at, see }) => showConnection(await see((tx) => connectionAt(tx, at))),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/consents`,
    summary: 'Begin consent: open `consentUrl` in a browser and sign in there',
    description:
      'The accounting system then sends the browser to an address of ours with `code` and `state` in it. Post that whole address to …/consents/finish with the same key within fifteen minutes.',
    deed: 'connect_book',
    status: 201,
    body: z.strictObject({ kind: z.enum(bookKinds) }).meta({ examples: [{ kind: 'xero' }] }),
    answer: z.object({ consentId: idOut('consent'), consentUrl: z.string() }),
    answers: async ({ deps, actor, at, body }) => {
      const { networkId } = at
      const { organisationId } = at.member
      const ask = { networkId, organisationId, kind: body.kind, actor: actor.id, sessionHash: null }
      const begun = await askBook(() => beginConsent(deps, ask))
      return { consentId: show.id('consent', begun.consentId), consentUrl: begun.url }
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/consents/finish`,
    summary: 'Finish consent with the whole address the browser was sent to; answers with the books it opens',
    deed: 'connect_book',
    body: z.strictObject({ url: words(8000) }).meta({
      examples: [{ url: 'https://quits.example/connect/xero/callback?code=…&state=…' }],
    }),
    answer: z.object({ consentId: idOut('consent'), offered: z.array(offeredOut) }),
    answers: async ({ deps, actor, at, body }) => {
      const { organisationId } = at.member
      const finished = await finishConsent(deps, { url: body.url, actor: actor.id, sessionHash: null, organisationId })
      return { consentId: show.id('consent', finished.consentId), offered: finished.offered }
    },
  }),
  route({
    ...one,
    params: consentParams,
    method: 'get',
    path: `${path}/consents/{consentId}/offered`,
    summary: 'The books that a finished consent opens, as long as none is chosen',
    deed: 'connect_book',
    answer: listOf(offeredOut),
    answers: async ({ deps, actor, at, params }) => {
      const ask = { consentId: params.consentId, organisationId: at.member.organisationId, actor: actor.id }
      return { list: await askBook(() => offeredBy(deps, ask)), next: null }
    },
  }),
  route({
    ...one,
    params: consentParams,
    method: 'post',
    path: `${path}/consents/{consentId}/choose`,
    summary: 'Choose the book; then look at its mapping',
    deed: 'connect_book',
    status: 201,
    body: z.strictObject({ bookId: words(200) }),
    answer: connectionOut,
    answers: async ({ deps, actor, at, params, body }) => {
      const { networkId, member } = at
      const whose = { consentId: params.consentId, organisationId: member.organisationId, networkId }
      const ask = { ...whose, bookId: body.bookId, actor: actor.id }
      const connection = await askBook(() => chooseBook(deps, ask))
      return showConnection(connection)
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/pause`,
    summary: 'Pause this book: nothing is sent once this has answered, promises go on, nothing is lost',
    deed: 'connect_book',
    body: z.strictObject({ reason }),
    answer: connectionOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { id } = await connectionAt(tx, at)
        const ask = { connectionId: id, reason: body.reason, actor: actor.id }
        return showConnection(await pause(tx, deps.clock, ask))
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/resume`,
    summary: 'Let a paused book go on; one that was not paused stays as it is',
    deed: 'connect_book',
    answer: connectionOut,
    answers: async ({ deps, actor, at, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { id } = await connectionAt(tx, at)
        return showConnection(await resume(tx, deps.clock, { connectionId: id, actor: actor.id }))
      }),
  }),
  route({
    ...one,
    method: 'put',
    path: `${path}/ask-first`,
    summary: 'How many trades wait for a yes after a preview: 0 none, null always',
    deed: 'connect_book',
    body: z.strictObject({ askFirst: z.number().int().min(0).max(1_000_000).nullable() }),
    answer: connectionOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { id } = await connectionAt(tx, at)
        const ask = { connectionId: id, askFirst: body.askFirst, actor: actor.id }
        return showConnection(await setAskFirst(tx, deps.clock, ask))
      }),
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/check`,
    summary: 'Read the book’s lists again and check the mapping against them',
    deed: 'connect_book',
    answer: z.object({
      connection: connectionOut,
      problems: z.array(z.object({ field: z.string(), why: z.string() })),
    }),
    answers: async ({ deps, at }) => {
      const { id } = await inTransaction(deps.db, asWorker, (tx) => connectionAt(tx, at))
      const problems = await askBook(() => checkMappingsOf(deps, id))
      const connection = await inTransaction(deps.db, asWorker, (tx) => connectionAt(tx, at))
      return { connection: showConnection(connection), problems }
    },
  }),
  route({
    ...one,
    method: 'post',
    path: `${path}/disconnect`,
    summary: 'End the connection: the vendor is told, our tokens are wiped, what stands in the book stays',
    deed: 'connect_book',
    answer: z.object({
      connection: connectionOut,
      revoked: z.boolean().meta({ description: 'False: cut it on the vendor’s own page too' }),
      stays: z.object({ contacts: z.number().int(), mappings: z.number().int() }),
    }),
    answers: async ({ deps, actor, at }) => {
      const { id } = await inTransaction(deps.db, asWorker, (tx) => connectionAt(tx, at))
      const ended = await disconnect(deps, { connectionId: id, actor: actor.id })
      return { ...ended, connection: showConnection(ended.connection) }
    },
  }),
  route({
    params: networkParams,
    find: atNetwork,
    tag: 'Connection',
    method: 'get',
    path: '/networks/{networkId}/connections',
    summary: 'Health of all members’ connections, worst first: no names of accounts, no figures',
    deed: 'see_health',
    answer: listOf(
      z.object({
        organisationId: idOut('organisation'),
        organisation: z.string(),
        kind: z.enum(bookKinds).nullable(),
        state: z.string().nullable(),
        lastGoodCallAt: instantOut.nullable(),
        lastCause: z.string().nullable(),
        signInEndsAt: instantOut.nullable(),
      }),
    ),
    answers: async ({ deps, at }) => ({
      list: (await inTransaction(deps.db, asWorker, (tx) => healthOfNetwork(tx, at.networkId))).map(showHealth),
      next: null,
    }),
  }),
  route({
    ...ofNetwork,
    method: 'get',
    path: '/networks/{networkId}/sending',
    summary: 'Does what this network promises leave for the books, or is it paused; by whom, and why',
    deed: 'see_network',
    answer: sendingOut,
    answers: async ({ deps, at }) => ({
      paused: showPause(await inTransaction(deps.db, asWorker, (tx) => sendingPauseOf(tx, at.networkId))),
    }),
  }),
  route({
    ...ofNetwork,
    method: 'post',
    path: '/networks/{networkId}/sending/pause',
    summary: 'Pause all that this network sends to books: trades and promises go on, nothing leaves',
    description:
      'Another thing than pausing the network itself (…/pause), which stops new trades and lets promises leave.',
    deed: 'pause_sending',
    body: z.strictObject({ reason }),
    answer: sendingOut,
    answers: async ({ deps, actor, at, body, inTx }) =>
      inTx(asWorker, async (tx) => ({
        paused: showPause(
          await pauseSending(tx, deps.clock, { networkId: at.networkId, reason: body.reason, actor: actor.id }),
        ),
      })),
  }),
  route({
    ...ofNetwork,
    method: 'post',
    path: '/networks/{networkId}/sending/resume',
    summary: 'Let what this network promises leave for the books again',
    deed: 'pause_sending',
    answer: sendingOut,
    answers: async ({ deps, actor, at, inTx }) =>
      inTx(asWorker, async (tx) => {
        await resumeSending(tx, deps.clock, { networkId: at.networkId, actor: actor.id })
        return { paused: null }
      }),
  }),
]

/** The open connection of the member at hand. */
export async function connectionAt(tx: Tx, at: AtMember): Promise<Connection> {
  const connection = await openConnectionOf(tx, at.member.organisationId)
  if (!connection) throw new Refusal('not_found', { thing: 'connection' })
  return connection
}

function showHealth(row: ConnectionHealth) {
  return {
    ...row,
    organisationId: show.id('organisation', row.organisationId),
    lastGoodCallAt: instant(row.lastGoodCallAt),
    signInEndsAt: instant(row.signInEndsAt),
  }
}
