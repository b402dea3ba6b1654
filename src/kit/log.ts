/**
 * One logger: a JSON line each; grants, keys and links never appear in it.
 *
 * Keeps: three walls, one behind the other. Fields are kept out by name; an error tells its name, code and cleaned words only; and
 * whatever was said all the same, a secret of the configuration is cut out of the finished line.
 */
import pino from 'pino'

export type Log = pino.Logger

const secrets = [
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'previousSealed',
  'authorization',
  'Authorization',
  'clientSecret',
  'client_secret',
  'connectionString',
  'databaseUrl',
  'mailUrl',
  'masterKeys',
  'webhookKey',
  'webhookVerifier',
  'metricsToken',
  'password',
  'token',
  'secret',
  'cookie',
  '["set-cookie"]',
  'verifier',
  'sealed',
]
const deepest = 4

/** A short one would be found in innocent words. */
const shortestSecret = 6
const keptOut = '(kept out)'

/** `to`: elsewhere than the standard output. `hidden`: secrets that no line may hold, wherever they came from. */
export function openLog(level: string, to?: pino.DestinationStream, hidden: string[] = []): Log {
  const paths = Array.from({ length: deepest }, (_, depth) => '*.'.repeat(depth)).flatMap((above) =>
    secrets.map((name) => (name.startsWith('[') ? `${above.slice(0, -1)}${name}` : `${above}${name}`)),
  )
  const settings: pino.LoggerOptions = {
    level,
    base: null,
    redact: { paths, censor: keptOut },
    serializers: { error: plainError, err: plainError },
  }
  const spelled = [...new Set(hidden.filter((one) => one.length >= shortestSecret).flatMap(spellings))]
  if (spelled.length === 0) return to ? pino(settings, to) : pino(settings)
  const out = to ?? pino.destination(1)
  return pino(settings, { write: (line) => void out.write(without(line, spelled)) })
}

function spellings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]
}

function without(line: string, spelled: string[]): string {
  let clean = line
  for (const secret of spelled) if (clean.includes(secret)) clean = clean.replaceAll(secret, keptOut)
  return clean
}

/** What looks like a secret, in words that somebody else has chosen. */
const looksSecret: [RegExp, string][] = [
  [/(\w+:\/\/)[^\s/@]+@/g, '$1…@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 …'],
  [/\bqk_[\w-]{10,}/g, 'qk_…'],
  [/(\/(?:join|sign-in)\/)[\w-]{10,}/gi, '$1…'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '…'],
  [
    /((?:access_token|refresh_token|id_token|client_secret|password|cookie|code_verifier)["']?\s*[:=]\s*["']?)[^"'&\s,;}]+/gi,
    '$1…',
  ],
]

/**
 * Name, code and message only: errors of pools and vendors' packages carry whole clients, passwords included. Prisma's
 * messages begin with the call, its values included, and end with what was wrong: only the end is told.
 */
export function plainError(error: unknown): {
  name: string
  code: string | undefined
  message: string
  stack: string | undefined
} {
  if (!(error instanceof Error)) return { name: 'unknown', code: undefined, message: typeof error, stack: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const isPrisma = error.name.startsWith('PrismaClient')
  const end = isPrisma ? (error.message.trim().split('\n').at(-1) ?? '') : error.message
  let message = end.replace(/(invalid input syntax for type \w+): .*/s, '$1')
  for (const [secret, instead] of looksSecret) message = message.replace(secret, instead)
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at '))
  return { name: error.name, code, message: message.slice(0, 500), stack: frames?.join('\n').slice(0, 2000) }
}
