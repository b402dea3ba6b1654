/**
 * The environment, parsed once, all mistakes reported together. The only reader of process.env.
 *
 * Every secret may also be given as a file: `XERO_CLIENT_SECRET_FILE=/run/secrets/xero`.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'

const address = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''))
const roles = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.enum(['web', 'worker', 'schedule'])).min(1))

const shape = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  QUITS_HOME: z.string().min(1).default('.quits'),
  QUITS_RUN: roles.default(['web', 'worker', 'schedule']),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4600),
  PUBLIC_URL: address.optional(),
  /** One key or several, comma-separated, each 32 bytes in base64 or hex; the first one seals. */
  QUITS_MASTER_KEY: z
    .string()
    .transform((text, context) => {
      const keys = text.split(',').map((part) => keyBytes(part.trim()))
      if (keys.some((key) => key.length !== 32)) {
        context.addIssue({ code: 'custom', message: 'each key must be 32 bytes in base64 or hex' })
        return z.NEVER
      }
      return keys
    })
    .optional(),
  /** Outgoing webhooks may go to http on this machine: for a trial. */
  QUITS_WEBHOOKS_TO_LOOPBACK: z.enum(['yes', 'no']).default('no'),
  MAIL_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  MAIL_FROM: z.string().min(3).default('Quits <quits@localhost>'),
  /** Who shows it may read /metrics from elsewhere, and from here where the service has a public address. */
  QUITS_METRICS_TOKEN: z
    .string()
    .regex(/^[A-Za-z0-9._~+/=-]{20,200}$/, 'must be 20 to 200 letters, digits or ._~+/=-, and hard to guess')
    .optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  XERO_CLIENT_ID: z.string().min(1).optional(),
  XERO_CLIENT_SECRET: z.string().min(1).optional(),
  XERO_WEBHOOK_KEY: z.string().min(1).optional(),
  XERO_IDENTITY_URL: address.default('https://identity.xero.com'),
  XERO_API_URL: address.default('https://api.xero.com'),
  QUICKBOOKS_CLIENT_ID: z.string().min(1).optional(),
  QUICKBOOKS_CLIENT_SECRET: z.string().min(1).optional(),
  QUICKBOOKS_WEBHOOK_VERIFIER: z.string().min(1).optional(),
  QUICKBOOKS_DISCOVERY_URL: address.default('https://developer.api.intuit.com/.well-known/openid_configuration'),
  QUICKBOOKS_API_URL: address.default('https://quickbooks.api.intuit.com'),
})

const together = shape.superRefine((given, context) => {
  if (given.DATABASE_URL && !given.QUITS_MASTER_KEY) {
    context.addIssue({ code: 'custom', path: ['QUITS_MASTER_KEY'], message: 'is required with DATABASE_URL' })
  }
  for (const vendor of ['XERO', 'QUICKBOOKS'] as const) {
    const id = given[`${vendor}_CLIENT_ID`]
    const secret = given[`${vendor}_CLIENT_SECRET`]
    if ((id === undefined) !== (secret === undefined)) {
      context.addIssue({
        code: 'custom',
        path: [`${vendor}_CLIENT_SECRET`],
        message: `${vendor}_CLIENT_ID and ${vendor}_CLIENT_SECRET go together`,
      })
    }
  }
})

export type Config = {
  databaseUrl: string | null
  home: string
  run: { web: boolean; worker: boolean; schedule: boolean }
  host: string
  port: number
  publicUrl: string
  masterKeys: Uint8Array[] | null
  webhooksToLoopback: boolean
  mailUrl: string | null
  mailFrom: string
  logLevel: string
  metricsToken: string | null
  xero: {
    clientId: string
    clientSecret: string
    webhookKey: string | null
    identityUrl: string
    apiUrl: string
  } | null
  quickbooks: {
    clientId: string
    clientSecret: string
    webhookVerifier: string | null
    discoveryUrl: string
    apiUrl: string
  } | null
}

/** All that is wrong with the environment, one line each. */
export class ConfigMistakes extends Error {
  readonly mistakes: string[]
  constructor(mistakes: string[]) {
    super(
      `The configuration has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}:\n${mistakes.map((one) => `  ${one}`).join('\n')}`,
    )
    this.name = 'ConfigMistakes'
    this.mistakes = mistakes
  }
}

export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const mistakes: string[] = []
  const parsed = together.safeParse(withFiles(environment, mistakes))
  if (!parsed.success) mistakes.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  if (!parsed.success || mistakes.length > 0) throw new ConfigMistakes(mistakes)
  const given = parsed.data
  return {
    databaseUrl: given.DATABASE_URL ?? null,
    home: resolve(given.QUITS_HOME),
    run: {
      web: given.QUITS_RUN.includes('web'),
      worker: given.QUITS_RUN.includes('worker'),
      schedule: given.QUITS_RUN.includes('schedule'),
    },
    host: given.HOST,
    port: given.PORT,
    publicUrl: given.PUBLIC_URL ?? `http://localhost:${given.PORT}`,
    masterKeys: given.QUITS_MASTER_KEY ?? null,
    webhooksToLoopback: given.QUITS_WEBHOOKS_TO_LOOPBACK === 'yes',
    mailUrl: given.MAIL_URL ?? null,
    mailFrom: given.MAIL_FROM,
    logLevel: given.LOG_LEVEL,
    metricsToken: given.QUITS_METRICS_TOKEN ?? null,
    xero:
      given.XERO_CLIENT_ID && given.XERO_CLIENT_SECRET
        ? {
            clientId: given.XERO_CLIENT_ID,
            clientSecret: given.XERO_CLIENT_SECRET,
            webhookKey: given.XERO_WEBHOOK_KEY ?? null,
            identityUrl: given.XERO_IDENTITY_URL,
            apiUrl: given.XERO_API_URL,
          }
        : null,
    quickbooks:
      given.QUICKBOOKS_CLIENT_ID && given.QUICKBOOKS_CLIENT_SECRET
        ? {
            clientId: given.QUICKBOOKS_CLIENT_ID,
            clientSecret: given.QUICKBOOKS_CLIENT_SECRET,
            webhookVerifier: given.QUICKBOOKS_WEBHOOK_VERIFIER ?? null,
            discoveryUrl: given.QUICKBOOKS_DISCOVERY_URL,
            apiUrl: given.QUICKBOOKS_API_URL,
          }
        : null,
  }
}

/** Only where the database is: what migrating needs, before any key or vendor is set. */
export function readDatabasePlace(environment: Record<string, string | undefined> = process.env): {
  databaseUrl: string | null
  home: string
} {
  const mistakes: string[] = []
  const parsed = shape.pick({ DATABASE_URL: true, QUITS_HOME: true }).safeParse(withFiles(environment, mistakes))
  if (!parsed.success) mistakes.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  if (!parsed.success || mistakes.length > 0) throw new ConfigMistakes(mistakes)
  return { databaseUrl: parsed.data.DATABASE_URL ?? null, home: resolve(parsed.data.QUITS_HOME) }
}

/** Every text of the configuration that opens something, however it is spelled, for the log to keep out. */
export function secretsOf(config: Config): string[] {
  const passwords = [config.databaseUrl, config.mailUrl].flatMap((address) => {
    if (address === null) return []
    const { password, searchParams } = new URL(address)
    return [password, decoded(password), searchParams.get('password') ?? '']
  })
  const keys = (config.masterKeys ?? []).map((key) => Buffer.from(key))
  const lists = [config.xero?.webhookKey, config.quickbooks?.webhookVerifier].flatMap((list) => list?.split(',') ?? [])
  return [
    ...passwords,
    ...keys.flatMap((key) => [key.toString('hex'), key.toString('base64'), key.toString('base64url')]),
    ...lists.map((key) => key.trim()),
    config.xero?.clientSecret ?? '',
    config.quickbooks?.clientSecret ?? '',
    config.metricsToken ?? '',
  ].filter((secret) => secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Where the key of an embedded installation lies. */
export function masterKeyPath(home: string): string {
  return join(home, 'master-key')
}

function withFiles(environment: Record<string, string | undefined>, mistakes: string[]): Record<string, string> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(shape.shape)) {
    const direct = environment[name]
    const file = environment[`${name}_FILE`]
    if (direct !== undefined && direct !== '') given[name] = direct
    else if (file) {
      try {
        given[name] = readFileSync(file, 'utf8').trim()
      } catch {
        mistakes.push(`${name}_FILE: cannot be read`)
      }
    }
  }
  return given
}

function keyBytes(text: string): Uint8Array {
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
}
