/** Networks: made from a template or a copy, looked at, paused and gone on with. */
import { z } from 'zod'
import { asWorker } from '../../kit/db.ts'
import { Refusal } from '../../kit/refusal.ts'
import { createNetwork, moveNetwork, networkOf, networksSeen } from '../../networks/network.ts'
import { templates } from '../../networks/templates.ts'
import { networkOut, organisationAsk, organisationIn, showNetwork, termsFrom, termsIn } from './network-shapes.ts'
import { type AtNetwork, atInstallation, atNetwork } from './place.ts'
import { type Ask, type Route, route } from './route.ts'
import { byId, email, idIn, keyOf, listOf, pageOf, pageQuery, reason, words } from './shapes.ts'

const tag = 'Networks'
export const networkParams = z.strictObject({ networkId: idIn('network') })
const place = { params: networkParams, find: atNetwork, tag }

const from = z.union([
  z.strictObject({ template: words(60) }),
  z.strictObject({ networkId: idIn('network').meta({ description: 'Copies the terms of a network that works' }) }),
])
const runBy = z.union([organisationIn, z.strictObject({ organisationId: idIn('organisation') })])

export const networkRoutes: Route[] = [
  route({
    method: 'get',
    path: '/templates',
    tag,
    summary: 'The named sets of terms that a network can start from',
    deed: 'see_installation',
    find: atInstallation,
    answer: listOf(z.object({ template: z.string(), name: z.string(), says: z.string(), currency: z.string() })),
    answers: async () => ({
      list: Object.entries(templates).map(([template, { name, says, currency }]) => ({
        template,
        name,
        says,
        currency,
      })),
      next: null,
    }),
  }),
  route({
    method: 'post',
    path: '/networks',
    tag,
    summary: 'Make a network from a template',
    description: 'The convener named here may sign in at once; a key for it is made at /networks/{networkId}/api-keys.',
    deed: 'make_network',
    find: atInstallation,
    status: 201,
    body: z
      .strictObject({
        slug: z
          .string()
          .regex(/^[a-z0-9][a-z0-9-]{1,40}$/, '2 to 41 small letters, digits and hyphens.')
          .meta({ examples: ['avon'] }),
        name: words(100),
        from,
        terms: termsIn.optional(),
        timeZone: words(60).optional(),
        organisation: runBy,
        convener: z.strictObject({ email, name: words(100).optional() }).optional(),
      })
      .meta({
        examples: [
          {
            slug: 'avon',
            name: 'Avon Credit',
            from: { template: 'uk-business' },
            organisation: {
              name: 'Avon Credit CIC',
              form: { legalForm: 'cic', evidence: { kind: 'registration_number', number: '01234567' } },
            },
            convener: { email: 'convener@example.org', name: 'Cora' },
          },
        ],
      }),
    answer: networkOut,
    answers: async ({ deps, actor, body, inTx }) =>
      inTx(asWorker, async (tx) => {
        const { organisation, terms, convener, ...rest } = body
        const currency = await currencyOf(rest.from, async (id) => (await networkOf(tx, id)).currency)
        const network = await createNetwork(tx, deps.clock, {
          ...rest,
          terms: terms ? termsFrom(terms, currency) : undefined,
          organisation: 'organisationId' in organisation ? organisation : organisationAsk(organisation),
          convener: convener ? { email: convener.email, name: convener.name ?? null } : undefined,
          actor: actor.id,
        })
        return showNetwork(network)
      }),
  }),
  route({
    method: 'get',
    path: '/networks',
    tag,
    summary: 'The networks this key may see',
    deed: null,
    find: atInstallation,
    query: z.strictObject(pageQuery),
    answer: listOf(networkOut),
    answers: async ({ query, see }) => {
      const asked = { after: keyOf(query.after)?.id ?? null, limit: query.limit + 1 }
      return pageOf(await see((tx) => networksSeen(tx, asked)), query.limit, byId, showNetwork)
    },
  }),
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}',
    summary: 'One network',
    deed: 'see_network',
    answer: networkOut,
    answers: async ({ at }) => showNetwork(at.network),
  }),
  moveRoute('pause', 'paused', 'Pause the network: nothing is traded, nothing is lost'),
  moveRoute('resume', 'open', 'Let a paused network go on'),
]

function moveRoute(verb: string, to: 'paused' | 'open', summary: string): Route {
  return route({
    ...place,
    method: 'post',
    path: `/networks/{networkId}/${verb}`,
    summary,
    deed: 'pause_network',
    body: z.strictObject({ reason }),
    answer: networkOut,
    answers: async ({ deps, actor, at, body, inTx }: Ask<unknown, unknown, { reason: string }, AtNetwork>) =>
      inTx(asWorker, async (tx) =>
        showNetwork(
          await moveNetwork(tx, deps.clock, { networkId: at.networkId, to, reason: body.reason, actor: actor.id }),
        ),
      ),
  })
}

type From = z.output<typeof from>

async function currencyOf(given: From, ofNetwork: (id: string) => Promise<string>): Promise<string> {
  if ('networkId' in given) return ofNetwork(given.networkId)
  const template = Object.entries(templates).find(([name]) => name === given.template)?.[1]
  if (!template) throw new Refusal('template_unknown', { template: given.template })
  return template.currency
}
