/** A network's past, carried over from CSV files: members first, then trades. Columns and rules: docs/import.md. */
import { z } from 'zod'
import { importMembers } from '../../networks/import-members.ts'
import type { Imported } from '../../networks/import-run.ts'
import { importTrades, type TradesImported } from '../../trades/import-trades.ts'
import { networkParams } from './networks.ts'
import { atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import {
  idOut,
  at as instant,
  instantFrom,
  instantOut,
  keyOf,
  listOf,
  money,
  moneyOut,
  pageOf,
  pageQuery,
  show,
  words,
} from './shapes.ts'

const place = { params: networkParams, find: atNetwork, tag: 'Import', deed: 'import' } as const
const path = '/networks/{networkId}/imports'

const sent = {
  query: z.strictObject({
    fileName: words(200).meta({
      description: 'Rows are known by file name and line: the same name again goes on where it stopped',
    }),
    dryRun: z
      .enum(['true', 'false'])
      .default('false')
      .transform((text) => text === 'true')
      .meta({ description: 'Only say what would happen, and every refusal' }),
  }),
  body: z.string('Send the file as the body.').meta({ description: 'The file, in UTF-8' }),
  takes: 'text/csv',
} as const

const importedOut = z
  .object({
    dryRun: z.boolean(),
    rows: z.number().int(),
    done: z.number().int().meta({ description: 'Made by this run, or what a real run would make' }),
    known: z.number().int().meta({ description: 'Stood already, from an earlier run of the same file' }),
    total: moneyOut,
    refusals: z
      .array(z.object({ line: z.number().int(), why: z.string() }))
      .meta({ description: 'In a dry run every one; in a real run the first, before which it stopped' }),
    stoppedAtLine: z.number().int().nullable(),
  })
  .meta({ id: 'Imported' })
const tradesImportedOut = importedOut.extend({
  closing: z.array(z.object({ memberId: idOut('member'), name: z.string(), balance: moneyOut })).meta({
    description: 'The balances of every member named in the file, after this run or as a real run would leave them',
  }),
})
const runOut = z
  .object({
    id: idOut('importRun'),
    what: z.enum(['members', 'trades']),
    fileName: z.string(),
    rowsDone: z.number().int(),
    total: moneyOut,
    stoppedAtLine: z.number().int().nullable(),
    stoppedBecause: z.string().nullable(),
    ranBy: z.string(),
    ranAt: instantOut,
  })
  .meta({ id: 'ImportRun' })

export const importRoutes: Route[] = [
  route({
    ...place,
    ...sent,
    method: 'post',
    path: `${path}/members`,
    summary: 'Bring in members from a CSV file; nobody is mailed',
    answer: importedOut,
    answers: async ({ deps, actor, at, query, body }) => {
      const ask = { networkId: at.networkId, ...query, text: body, actor: actor.id }
      return showImported(await importMembers(deps, ask), at.network.currency)
    },
  }),
  route({
    ...place,
    ...sent,
    method: 'post',
    path: `${path}/trades`,
    summary: 'Bring trades of the past into the ledger from a CSV file; nothing is posted into books',
    answer: tradesImportedOut,
    answers: async ({ deps, actor, at, query, body }) => {
      const ask = { networkId: at.networkId, ...query, text: body, actor: actor.id }
      return showTrades(await importTrades(deps, ask), at.network.currency)
    },
  }),
  route({
    ...place,
    deed: 'see_deeds',
    method: 'get',
    path,
    summary: 'The runs so far, newest first',
    query: z.strictObject(pageQuery),
    answer: listOf(runOut),
    answers: async ({ at, query, see }) => {
      const key = keyOf(query.after)
      const before = key && { at: instantFrom(key.at), id: key.id }
      const rows = await see((tx) =>
        tx.importRun.findMany({
          where: {
            networkId: at.networkId,
            ...(before ? { OR: [{ ranAt: { lt: before.at } }, { ranAt: before.at, id: { lt: before.id } }] } : {}),
          },
          orderBy: [{ ranAt: 'desc' }, { id: 'desc' }],
          take: query.limit + 1,
        }),
      )
      return pageOf(
        rows,
        query.limit,
        (row) => ({ at: instant(row.ranAt), id: row.id }),
        ({ networkId: _known, totalMinor, ...row }) => ({
          ...row,
          id: show.id('importRun', row.id),
          what: row.what as 'members' | 'trades',
          total: money(totalMinor, at.network.currency),
          ranAt: instant(row.ranAt),
        }),
      )
    },
  }),
]

function showImported({ totalMinor, ...result }: Imported, currency: string): z.input<typeof importedOut> {
  return { ...result, total: money(totalMinor, currency) }
}

function showTrades({ closing, ...result }: TradesImported, currency: string): z.input<typeof tradesImportedOut> {
  return {
    ...showImported(result, currency),
    closing: closing.map(({ memberId, name, balanceMinor }) => ({
      memberId: show.id('member', memberId),
      name,
      balance: money(balanceMinor, currency),
    })),
  }
}
