/**
 * Starts the stand-in by hand: `tsx stand-ins/xero/run.ts --port 4611 --file .quits/xero.json`.
 */
import { parseArgs } from 'node:util'
import { demoXeroOrganisations, startXeroStandIn } from './server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4611' },
    file: { type: 'string' },
    'client-id': { type: 'string', default: 'xero-demo-app' },
    'client-secret': { type: 'string', default: 'xero-demo-secret' },
    'webhook-key': { type: 'string' },
    limits: { type: 'string', default: 'enforced' },
  },
})

const standIn = await startXeroStandIn({
  port: Number(values.port),
  clientId: values['client-id'],
  clientSecret: values['client-secret'],
  limits: values.limits === 'off' ? 'off' : 'enforced',
  organisations: demoXeroOrganisations,
  ...(values.file === undefined ? {} : { dataFile: values.file }),
  ...(values['webhook-key'] === undefined ? {} : { webhookKey: values['webhook-key'] }),
})
console.log(`Xero stand-in: ${standIn.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    standIn.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}
