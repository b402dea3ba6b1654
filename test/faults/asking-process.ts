/**
 * A process of its own that wants the grant of a book many times at once, as a service under load does.
 *
 * In: one JSON argument; the word `go` for each connection. Out: which access tokens it was given, as hashes.
 */
import { createHash } from 'node:crypto'
import { quickbooksConnector } from '../../connectors/quickbooks/connector.ts'
import { xeroConnector } from '../../connectors/xero/connector.ts'
import { apps, publicUrl } from '../../scripts/simulate/worker-in-hand.ts'
import { withGrant } from '../../src/books/grants.ts'
import { openDb } from '../../src/kit/db.ts'
import { sealWith } from '../../src/kit/seal.ts'

export type AskingProcess = { url: string; at: string; key: string; vendors: { xero: string; quickbooks: string } }
export type Go = { connectionId: string; callers: number }

const told = JSON.parse(process.argv[2] ?? '{}') as AskingProcess
const clock = { now: () => new Date(told.at) }
const { xero, quickbooks } = told.vendors
const deps = {
  clock,
  db: openDb(told.url, { connections: 4 }),
  seal: sealWith([Uint8Array.from(Buffer.from(told.key, 'hex'))]),
  connectors: {
    xero: xeroConnector({
      ...{ ...apps.xero, ...clock, identityUrl: xero, apiUrl: xero },
      redirectUri: `${publicUrl}/connect/xero/callback`,
    }),
    quickbooks: quickbooksConnector({
      ...{ ...apps.quickbooks, ...clock, apiUrl: quickbooks },
      redirectUri: `${publicUrl}/connect/quickbooks/callback`,
      discoveryUrl: `${quickbooks}/.well-known/openid_configuration`,
    }),
  },
}

process.on('message', async ({ connectionId, callers }: Go) => {
  const given = await Promise.all(
    Array.from({ length: callers }, () => withGrant(deps, connectionId, async (grant) => grant.accessToken)),
  )
  process.send?.(given.map((token) => createHash('sha256').update(token).digest('hex')))
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
