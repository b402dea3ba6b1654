/**
 * Starts the QuickBooks stand-in by hand: tsx stand-ins/quickbooks/run.ts --port 4612
 */
import { parseArgs } from 'node:util'
import { demoQuickBooksCompanies, startQuickBooksStandIn } from './server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4612' },
    'client-id': { type: 'string', default: 'quickbooks-demo' },
    'client-secret': { type: 'string', default: 'quickbooks-demo-secret' },
    'webhook-key': { type: 'string', default: 'quickbooks-demo-webhooks' },
    'data-file': { type: 'string' },
    'no-limits': { type: 'boolean', default: false },
  },
})

const standIn = await startQuickBooksStandIn({
  port: Number(values.port),
  clientId: values['client-id'],
  clientSecret: values['client-secret'],
  webhookKey: values['webhook-key'],
  limits: values['no-limits'] ? 'off' : 'enforced',
  organisations: demoQuickBooksCompanies,
  ...(values['data-file'] ? { dataFile: values['data-file'] } : {}),
})
process.stdout.write(`QuickBooks stand-in at ${standIn.url}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void standIn.close().then(() => process.exit(0)))
