/**
 * Keys for programs, made where they are used: for the installation, a network, a member.
 *
 * Keeps: the secret is told once and stands nowhere, not even in the answer that is kept for a repeat.
 * An operator may make any key (it could do so on the machine); a convener its network's, an owner its member's.
 */
import { z } from 'zod'
import { asWorker, inTransaction, type Tx } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import { type ApiKey, apiKeyOf, type KeyRole, keysOf, makeKey, revokeKey } from '../../networks/api-key.ts'
import { queueMailToOrganisation } from '../../networks/mail.ts'
import { type Actor, type DeedName, memberRoles, mustBeAllowed } from '../../networks/roles.ts'
import type { Deps } from '../deps.ts'
import { memberParams } from './member-shapes.ts'
import { networkParams } from './networks.ts'
import { type AtMember, type AtNetwork, atInstallation, atMember, atNetwork, type Finder, type Found } from './place.ts'
import { type Route, route } from './route.ts'
import {
  byId,
  idIn,
  idOut,
  at as instant,
  instantOut,
  keyOf,
  listOf,
  pageOf,
  pageQuery,
  show,
  words,
} from './shapes.ts'

const keyOut = z
  .object({
    id: idOut('apiKey'),
    name: z.string(),
    role: z.string(),
    networkId: idOut('network').nullable(),
    organisationId: idOut('organisation').nullable(),
    mayWrite: z.boolean(),
    madeBy: z.string(),
    madeAt: instantOut,
    expiresAt: instantOut,
    revokedAt: instantOut.nullable(),
    seenAt: instantOut.nullable(),
  })
  .meta({ id: 'ApiKey' })
const madeOut = z.object({
  key: keyOut,
  secret: z.string().nullable().meta({
    description: 'Told this once: send it as `Authorization: Bearer qk_…`. Null when this answer is a repeat.',
  }),
})

const inNetwork = z.strictObject({ ...networkParams.shape })
const ofMember = z.strictObject({ ...memberParams.shape })
const none = z.strictObject({})

export const apiKeyRoutes: Route[] = [
  ...keyRoutes('/api-keys', none, atInstallation, ['operator'], () => ({})),
  // Its members have a place in it too, and make no keys to it.
  ...keyRoutes(
    '/networks/{networkId}/api-keys',
    inNetwork,
    atNetwork,
    ['convener', 'auditor'],
    (at: AtNetwork) => ({ networkId: at.networkId }),
    { see: 'see_network_keys', make: 'make_network_key' },
  ),
  ...keyRoutes(
    '/networks/{networkId}/members/{memberId}/api-keys',
    ofMember,
    ownersPlace,
    [...memberRoles],
    (at: AtMember) => ({ organisationId: at.member.organisationId }),
  ),
]

type Belongs = { networkId?: Uuid; organisationId?: Uuid }

function keyRoutes<F extends Found>(
  path: string,
  params: z.ZodObject,
  find: Finder<F>,
  roles: KeyRole[],
  belongs: (at: F) => Belongs,
  deeds: { see: DeedName; make: DeedName } = { see: 'see_keys', make: 'make_key' },
): Route[] {
  const place = { params, find, tag: 'Keys' }
  return [
    route({
      ...place,
      method: 'get',
      path,
      summary: 'The keys made here',
      deed: deeds.see,
      query: z.strictObject(pageQuery),
      answer: listOf(keyOut),
      answers: async ({ deps, at, query }) => {
        const asked = { after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
        const rows = await inTransaction(deps.db, asWorker, (tx) => keysOf(tx, belongs(at), asked))
        return pageOf(rows, query.limit, byId, showKey)
      },
    }),
    route({
      ...place,
      method: 'post',
      path,
      summary: `Make a key with the role ${roles.join(', ')}`,
      deed: deeds.make,
      status: 201,
      body: z
        .strictObject({
          name: words(100),
          role: z.enum(roles as [KeyRole, ...KeyRole[]]),
          mayWrite: z.boolean().default(true).meta({ description: 'False: the key only reads' }),
          livesDays: z.number().int().min(1).max(366).default(90),
        })
        .meta({ examples: [{ name: 'till', role: roles[0], mayWrite: true, livesDays: 90 }] }),
      answer: madeOut,
      answers: async ({ deps, actor, at, body, inTx }) => {
        let told: string | null = null
        const kept = await inTx(asWorker, async (tx) => {
          const made = await makeKey(tx, deps.clock, { ...body, ...belongs(at), actor: actor.id })
          told = made.secret
          await tellOwners(tx, deps, actor, made.key)
          return { key: showKey(made.key), secret: null }
        })
        return { ...kept, secret: told }
      },
    }),
    route({
      ...place,
      params: params.extend({ keyId: idIn('apiKey') }),
      method: 'post',
      path: `${path}/{keyId}/revoke`,
      summary: 'End a key at once',
      deed: deeds.make,
      answer: keyOut,
      answers: async ({ deps, actor, at, params: named, inTx }) =>
        inTx(asWorker, async (tx) => {
          const { keyId } = named as { keyId: Uuid }
          const key = await apiKeyOf(tx, keyId)
          const { networkId = null, organisationId = null } = belongs(at)
          if (key.networkId !== networkId || key.organisationId !== organisationId)
            throw new Refusal('not_found', { thing: 'key' })
          return showKey(await revokeKey(tx, deps.clock, { keyId, actor: actor.id }))
        }),
    }),
  ]
}

/** An owner hears of a key to its business that somebody else has made. */
async function tellOwners(tx: Tx, deps: Deps, actor: Actor, key: ApiKey): Promise<void> {
  const { organisationId } = key
  if (!organisationId || actor.actsFor.some((one) => one.organisationId === organisationId)) return
  await queueMailToOrganisation(tx, deps.clock, organisationId, ['owner'], {
    kind: 'key_made',
    subject: 'A key to your business was made',
    paragraphs: [
      `${actor.name} has made the key "${key.name}" for programs that act for your business as ${key.role}.`,
      'If you do not know of it, end it on the page of your keys.',
    ],
  })
}

/** A convener sees the member, and makes no keys to its books. */
async function ownersPlace(...asked: Parameters<typeof atMember>): Promise<AtMember> {
  const found = await atMember(...asked)
  const { organisationId } = found.member
  const { actor } = asked[0]
  const mine = actor.actsFor.some((one) => one.organisationId === organisationId)
  const serves = actor.serves.some((one) => one.networkId === found.networkId)
  if (serves && !mine && !actor.isOperator) mustBeAllowed({ ...actor, serves: [] }, 'make_key', found.places[0])
  return { ...found, places: [{ organisationId }] }
}

function showKey(key: ApiKey): z.input<typeof keyOut> {
  return {
    ...key,
    id: show.id('apiKey', key.id),
    networkId: key.networkId && show.id('network', key.networkId),
    organisationId: key.organisationId && show.id('organisation', key.organisationId),
    madeAt: instant(key.madeAt),
    expiresAt: instant(key.expiresAt),
    revokedAt: instant(key.revokedAt),
    seenAt: instant(key.seenAt),
  }
}
