/** One logger: a JSON line each; grants, keys and links never appear in it. */
import pino from 'pino'

export type Log = pino.Logger

const secrets = [
  'accessToken',
  'refreshToken',
  'authorization',
  'clientSecret',
  'password',
  'token',
  'secret',
  'cookie',
  'sealed',
]

/** `to`: elsewhere than the standard output. */
export function openLog(level: string, to?: pino.DestinationStream): Log {
  const settings: pino.LoggerOptions = {
    level,
    base: null,
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '(kept out)' },
    serializers: { error: plainError },
  }
  return to ? pino(settings, to) : pino(settings)
}

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
  const message = end.replace(/(invalid input syntax for type \w+): .*/s, '$1')
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at '))
  return { name: error.name, code, message: message.slice(0, 500), stack: frames?.join('\n').slice(0, 2000) }
}
