/** The terms of a network: the current version, all versions, and the next one. */
import { z } from 'zod'
import { asWorker } from '../../kit/db.ts'
import { currentTerms, newTerms, termsHistory, termsOf } from '../../networks/terms.ts'
import { showTerms, termsFrom, termsIn, termsOut } from './network-shapes.ts'
import { networkParams } from './networks.ts'
import { atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { listOf, pageQuery } from './shapes.ts'
import { etag, mustMatch } from './versions.ts'

const place = { params: networkParams, find: atNetwork, tag: 'Networks' }

export const termsRoutes: Route[] = [
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/terms',
    summary: 'The current terms',
    deed: 'see_network',
    versioned: true,
    answer: termsOut,
    answers: async ({ at, see, header }) => {
      const terms = await see((tx) => currentTerms(tx, at.networkId))
      header('ETag', etag(terms.version))
      return showTerms(terms, at.network.currency)
    },
  }),
  route({
    ...place,
    method: 'get',
    path: '/networks/{networkId}/terms/versions',
    summary: 'All versions of the terms, newest first',
    deed: 'see_network',
    query: z.strictObject({ limit: pageQuery.limit, after: z.coerce.number().int().min(1).max(1_000_000).optional() }),
    answer: listOf(termsOut),
    answers: async ({ at, query, see }) => {
      const asked = { after: query.after ?? null, limit: query.limit + 1 }
      const rows = await see((tx) => termsHistory(tx, at.networkId, asked))
      const shown = rows.slice(0, query.limit)
      return {
        list: shown.map((terms) => showTerms(terms, at.network.currency)),
        next: rows.length > shown.length ? String(shown.at(-1)?.version) : null,
      }
    },
  }),
  route({
    ...place,
    params: networkParams.extend({ version: z.coerce.number().int().min(1).max(1_000_000) }),
    method: 'get',
    path: '/networks/{networkId}/terms/versions/{version}',
    summary: 'The terms as they were in one version',
    deed: 'see_network',
    answer: termsOut,
    answers: async ({ at, params, see }) =>
      showTerms(await see((tx) => termsOf(tx, at.networkId, params.version)), at.network.currency),
  }),
  route({
    ...place,
    method: 'put',
    path: '/networks/{networkId}/terms',
    summary: 'Change terms: a new version from the current one and the fields given',
    deed: 'change_terms',
    versioned: true,
    body: termsIn.meta({ examples: [{ proposalLifeDays: 21, feesBackOnReversal: false }] }),
    answer: termsOut,
    answers: async ({ deps, actor, at, body, ifMatch, inTx, header }) => {
      const change = termsFrom(body, at.network.currency)
      const terms = await inTx(asWorker, async (tx) => {
        const made = await newTerms(tx, deps.clock, { networkId: at.networkId, change, actor: actor.id })
        // The new version stands under the network's lock: what it was made from is the one before it.
        mustMatch(ifMatch, made.version - 1)
        return made
      })
      header('ETag', etag(terms.version))
      return showTerms(terms, at.network.currency)
    },
  }),
]
