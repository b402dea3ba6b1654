/** The ledger as a file that outlives us: whole, or one member's account, in four formats, streamed. */
import { z } from 'zod'
import type { Day } from '../../kit/clock.ts'
import type { Db, Scope } from '../../kit/db.ts'
import { idText } from '../../kit/ids.ts'
import { type ExportFormat, exportFormats, exportLedger, formatNames } from '../../ledger/export/export-ledger.ts'
import type { Member } from '../../networks/member.ts'
import type { Network } from '../../networks/network.ts'
import { scopeFor } from '../../networks/person.ts'
import { Malformed } from '../errors.ts'
import type { StreamedFile } from '../stream-file.ts'
import { memberParams } from './member-shapes.ts'
import { networkParams } from './networks.ts'
import { atMember, atNetwork } from './place.ts'
import { type Route, route } from './route.ts'
import { dayIn } from './shapes.ts'

const period = z.strictObject({ from: dayIn.optional(), to: dayIn.optional() })
const words: Record<ExportFormat, string> = {
  csv: 'CSV',
  jsonl: 'JSON lines',
  hledger: 'an hledger journal',
  beancount: 'a beancount file',
}
const description =
  'Streamed, read in one moment of the database. The last line says that it is whole (docs/exports.md); a file without it was cut off: ask again.'

export const exportRoutes: Route[] = formatNames.flatMap((format) => [
  route({
    params: networkParams,
    find: atNetwork,
    tag: 'Exports',
    method: 'get',
    path: `/networks/{networkId}/ledger/export/${format}`,
    summary: `The whole ledger as ${words[format]}`,
    description,
    deed: 'export_ledger',
    query: period,
    gives: exportFormats[format].contentType,
    answers: async ({ deps, actor, at, query }) =>
      exportFile(deps.db, await scopeFor(deps.db, actor), { network: at.network, member: null, format, ...query }),
  }),
  route({
    params: memberParams,
    find: atMember,
    tag: 'Exports',
    method: 'get',
    path: `/networks/{networkId}/members/{memberId}/export/${format}`,
    summary: `A member’s account as ${words[format]}`,
    description,
    deed: 'see_member',
    query: period,
    gives: exportFormats[format].contentType,
    answers: async ({ deps, actor, at, query }) =>
      exportFile(deps.db, await scopeFor(deps.db, actor), { network: at.network, member: at.member, format, ...query }),
  }),
])

type FileAsk = {
  network: Pick<Network, 'id' | 'slug'>
  member: Pick<Member, 'id' | 'accountId'> | null
  format: ExportFormat
  from?: Day | undefined
  to?: Day | undefined
}

export function exportFile(db: Db, scope: Scope, ask: FileAsk): StreamedFile {
  const { network, member, format } = ask
  const [from, to] = [ask.from ?? null, ask.to ?? null]
  if (from && to && to < from)
    throw new Malformed('malformed', 'The period ends before it begins.', 'Give `to` on or after `from`.', [
      { pointer: '/query/to', detail: 'Lies before `from`.' },
    ])
  const { contentType, fileEnding } = exportFormats[format]
  const parts = [member ? idText('member', member.id) : 'ledger', from, to].filter(Boolean)
  return {
    fileName: `${network.slug}-${parts.join('-')}.${fileEnding}`,
    contentType,
    async into(write) {
      const accountId = member?.accountId ?? null
      await exportLedger(db, scope, { networkId: network.id, accountId, from, to, format }, write)
    },
  }
}
