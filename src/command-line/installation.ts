/** The installation itself: its schema, its configuration, its first people. */
import type { Command } from 'commander'
import { type Config, readConfig, readDatabasePlace } from '../config.ts'
import { machineClock } from '../kit/clock.ts'
import { startEmbeddedPostgres } from '../kit/embedded-postgres.ts'
import { idText } from '../kit/ids.ts'
import { migrate } from '../kit/migrate.ts'
import { makeOperator } from '../networks/operator.ts'
import { makeSignInLink } from '../networks/sign-in.ts'
import { doctor } from './doctor.ts'
import { inWork, unreachable, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, leaf, textOf } from './terminal.ts'

export function installationCommands(program: Command, asking: Asking): void {
  leaf(program, asking, { name: 'migrate', says: 'bring the database to the schema of this version', work: migrateNow })
  leaf(program, asking, { name: 'doctor', says: 'say what is wrong with this set-up', work: doctor })
  const config = program.command('config').description('the configuration')
  leaf(config, asking, { name: 'check', says: 'print it without its secrets, or all its mistakes', work: checkConfig })
  const operator = program.command('operator').description('who runs the installation')
  leaf(operator, asking, {
    name: 'add <email>',
    says: 'make somebody an operator',
    options: [['--name <name>', 'as the person is called']],
    work: async (_asking, [email = ''], options) =>
      withHouse(asking, async (deps) => {
        mustBeAddress(email)
        const person = await inWork(deps, (tx) => makeOperator(tx, machineClock, email, textOf(options, 'name')))
        const text = `${person.email} is an operator. To sign in: open ${deps.config.publicUrl}/sign-in, or: npm run quits -- sign-in ${person.email}`
        return { json: { id: idText('person', person.id), email: person.email, isOperator: true }, text }
      }),
  })
  leaf(program, asking, {
    name: 'sign-in <email>',
    says: 'print a link that signs this person in, once, within fifteen minutes, in any browser',
    work: async (_asking, [email = '']) =>
      withHouse(asking, async (deps) => {
        const { token, expiresAt } = await makeSignInLink(deps, email)
        const url = `${deps.config.publicUrl}/sign-in/${token}`
        return { json: { url, expiresAt }, text: url }
      }),
  })
}

async function migrateNow({ environment, err }: Asking): Promise<Answer> {
  const { databaseUrl, home } = readDatabasePlace(environment)
  const embedded = databaseUrl ? null : await startEmbeddedPostgres({ home, log: err }).catch(lost)
  try {
    const { applied } = await migrate(databaseUrl ?? embedded?.url ?? '', { log: err }).catch(lost)
    const text =
      applied.length === 0
        ? 'Nothing to do: the schema is that of this version.'
        : `Applied:\n${applied.map((name) => `  ${name}`).join('\n')}`
    return { json: { applied }, text }
  } finally {
    await embedded?.stop()
  }
}

async function checkConfig({ environment }: Asking): Promise<Answer> {
  const shown = withoutSecrets(readConfig(environment))
  const lines = Object.entries(shown).map(
    ([name, value]) => `${name.padEnd(12)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return { json: shown, text: lines.join('\n') }
}

const kept = '(kept out)'

/** Everything but what opens something: passwords, keys, secrets. */
export function withoutSecrets(config: Config): Record<string, unknown> {
  return {
    ...config,
    databaseUrl: config.databaseUrl === null ? 'embedded' : withoutPassword(config.databaseUrl),
    masterKeys: config.masterKeys === null ? 'made at first start' : `${config.masterKeys.length} ${kept}`,
    mailUrl: config.mailUrl === null ? 'none: letters stay in the table' : withoutPassword(config.mailUrl),
    metricsToken: config.metricsToken && kept,
    xero: config.xero && { ...config.xero, clientSecret: kept, webhookKey: config.xero.webhookKey && kept },
    quickbooks: config.quickbooks && {
      ...config.quickbooks,
      clientSecret: kept,
      webhookVerifier: config.quickbooks.webhookVerifier && kept,
    },
  }
}

/** Only its place: a password may also stand among the parameters. */
function withoutPassword(address: string): string {
  const url = new URL(address)
  return `${url.protocol}//${url.username ? `${url.username}@` : ''}${url.host}${url.pathname}`
}

function mustBeAddress(email: string): void {
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) throw new BadUse(`"${email}" is not an e-mail address.`)
}

function lost(error: unknown): never {
  throw unreachable(error)
}
