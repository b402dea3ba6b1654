/** What is wrong with this set-up, looked at from the machine outwards: Node, configuration, database, schema, vendors, clock. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import pg from 'pg'
import { type Config, ConfigMistakes, masterKeyPath, readConfig } from '../config.ts'
import { machineClock } from '../kit/clock.ts'
import { startEmbeddedPostgres } from '../kit/embedded-postgres.ts'
import { pendingMigrations } from '../kit/migrate.ts'
import { unreachable } from './house.ts'
import { type Answer, type Asking, type ExitCode, Unreachable } from './terminal.ts'

export type Finding = { what: string; state: 'good' | 'note' | 'wrong'; says: string }

const leastNode = [20, 19] as const
const leastPostgres = 150_000
/** Further apart than this, and leases, links and signatures begin to fail. */
const mostClockMs = 5_000
const vendorMs = 5_000

export async function doctor({ environment, err }: Asking): Promise<Answer> {
  const findings: Finding[] = [nodeFinding(process.versions.node)]
  let exit: ExitCode = 0
  try {
    const config = readConfig(environment)
    findings.push({ what: 'configuration', state: 'good', says: 'no mistake' })
    findings.push(...homeFindings(config), ...mailFindings(config))
    exit = await lookAtDatabase(config, findings, err)
    findings.push(...(await Promise.all(vendorsIn(config).map(vendorFinding))))
  } catch (error) {
    if (!(error instanceof ConfigMistakes)) throw error
    for (const says of error.mistakes) findings.push({ what: 'configuration', state: 'wrong', says })
    exit = 1
  }
  if (exit === 0 && findings.some((one) => one.state === 'wrong')) exit = 2
  const marks = { good: 'ok   ', note: 'note ', wrong: 'WRONG' } as const
  return {
    json: { good: exit === 0, findings },
    text: findings.map((one) => `${marks[one.state]}  ${one.what.padEnd(14)} ${one.says}`).join('\n'),
    exit,
  }
}

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < leastNode[0] || (major === leastNode[0] && minor < leastNode[1])
  return {
    what: 'node',
    state: isOld ? 'wrong' : 'good',
    says: isOld ? `${version}; ${leastNode.join('.')} or newer is needed` : version,
  }
}

function homeFindings({ databaseUrl, home }: Config): Finding[] {
  if (databaseUrl !== null) return []
  const folder = existsSync(home) ? home : dirname(home)
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    return [
      { what: 'data folder', state: 'wrong', says: `${folder} cannot be written; change its owner or QUITS_HOME` },
    ]
  }
  const found: Finding[] = [{ what: 'data folder', state: 'good', says: home }]
  const masterKey = masterKeyPath(home)
  if (process.platform !== 'win32' && existsSync(masterKey) && (statSync(masterKey).mode & 0o077) !== 0)
    found.push({ what: 'master key', state: 'wrong', says: `others may read ${masterKey}; run: chmod 600 on it` })
  return found
}

function mailFindings({ mailUrl, publicUrl }: Config): Finding[] {
  const isLocal = /^http:\/\/(localhost|127\.|\[::1\])/.test(publicUrl)
  return [
    mailUrl
      ? { what: 'mail', state: 'good', says: 'an SMTP address is set' }
      : { what: 'mail', state: 'note', says: 'MAIL_URL is not set: letters stay in the table; use quits sign-in' },
    publicUrl.startsWith('https:') || isLocal
      ? { what: 'address', state: 'good', says: publicUrl }
      : { what: 'address', state: 'wrong', says: `${publicUrl} is neither https nor this machine; set PUBLIC_URL` },
  ]
}

async function lookAtDatabase(config: Config, findings: Finding[], say: (line: string) => void): Promise<ExitCode> {
  const what = 'database'
  let embedded: Awaited<ReturnType<typeof startEmbeddedPostgres>> | null = null
  try {
    if (config.databaseUrl === null) embedded = await startEmbeddedPostgres({ home: config.home, log: say })
    const url = config.databaseUrl ?? embedded?.url ?? ''
    findings.push(...(await databaseFindings(url)))
    const pending = await pendingMigrations(url)
    if (pending.length === 0) findings.push({ what: 'schema', state: 'good', says: 'that of this version' })
    else {
      const says = `${pending.length} to apply (${pending.join(', ')}); run: npm run migrate`
      // The embedded database migrates itself at the next start.
      findings.push({ what: 'schema', state: embedded ? 'note' : 'wrong', says })
    }
    return 0
  } catch (error) {
    const why = unreachable(error)
    findings.push({ what, state: 'wrong', says: why instanceof Error ? why.message : 'unknown trouble' })
    return why instanceof Unreachable ? 3 : 2
  } finally {
    await embedded?.stop()
  }
}

async function databaseFindings(url: string): Promise<Finding[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const before = machineClock.now().getTime()
    const { rows } = await client.query<{ number: string; name: string; at: string; fsync: string }>(
      "select current_setting('server_version_num') as number, current_setting('server_version') as name, current_setting('fsync') as fsync, (extract(epoch from clock_timestamp()) * 1000)::bigint::text as at",
    )
    const after = machineClock.now().getTime()
    const row = rows[0] ?? { number: '0', name: 'unknown', at: '0', fsync: 'off' }
    const isOld = Number(row.number) < leastPostgres
    const apartMs = Math.round(Number(row.at) - (before + after) / 2)
    return [
      {
        what: 'database',
        state: isOld ? 'wrong' : 'good',
        says: `Postgres ${row.name}${isOld ? '; 15 or newer is needed' : ''}`,
      },
      row.fsync === 'on'
        ? { what: 'durability', state: 'good', says: 'fsync is on' }
        : { what: 'durability', state: 'wrong', says: 'fsync is off: a power cut may lose trades' },
      {
        what: 'clock',
        state: Math.abs(apartMs) > mostClockMs ? 'wrong' : 'good',
        says: `${apartMs} ms between this machine and the database`,
      },
    ]
  } finally {
    await client.end()
  }
}

type Vendor = { name: string; address: string | null; bells: boolean; setting: string }

function vendorsIn({ xero, quickbooks }: Config): Vendor[] {
  return [
    {
      name: 'xero',
      address: xero && `${xero.identityUrl}/.well-known/openid-configuration`,
      bells: Boolean(xero?.webhookKey),
      setting: 'XERO',
    },
    {
      name: 'quickbooks',
      address: quickbooks?.discoveryUrl ?? null,
      bells: Boolean(quickbooks?.webhookVerifier),
      setting: 'QUICKBOOKS',
    },
  ]
}

async function vendorFinding({ name, address, bells, setting }: Vendor): Promise<Finding> {
  if (address === null) return { what: name, state: 'note', says: `not offered: ${setting}_CLIENT_ID is not set` }
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(vendorMs), redirect: 'follow' })
    if (!answer.ok) return { what: name, state: 'wrong', says: `${new URL(address).host} answers ${answer.status}` }
    const says = `${new URL(address).host} answers${bells ? '' : '; without its webhook key changes are seen hourly only'}`
    return { what: name, state: bells ? 'good' : 'note', says }
  } catch {
    return { what: name, state: 'wrong', says: `${new URL(address).host} does not answer` }
  }
}
