/**
 * Is the process up; is it ready for work, and if not, which check says no.
 *
 * Keeps: an answer within two seconds, whatever hangs; the words are ours, never an error's.
 */
import type { Express } from 'express'
import { readMigrations } from '../../kit/migrate.ts'
import type { Deps } from '../deps.ts'

type Check = { name: 'draining' | 'database' | 'schema' | 'worker'; ok: boolean; says: string }

const longestMs = 2_000

export function serveHealth(app: Express, deps: Deps): void {
  const newest = readMigrations().at(-1)?.name ?? ''
  app.get('/healthz', (_ask, answer) => void answer.json({ up: true }))
  app.get('/readyz', async (_ask, answer) => {
    const checks = [...drainingCheck(deps), ...(await databaseChecks(deps, newest)), ...workerCheck(deps)]
    const ready = checks.every((check) => check.ok)
    answer.set('Cache-Control', 'no-store')
    answer.status(ready ? 200 : 503).json({ ready, checks })
  })
}

function drainingCheck(deps: Deps): Check[] {
  return deps.ready()
    ? [{ name: 'draining', ok: true, says: 'takes work' }]
    : [{ name: 'draining', ok: false, says: 'stopping: ends what it has begun and takes nothing new' }]
}

type Asked = { read_only: boolean; migrated: boolean }

async function databaseChecks(deps: Deps, newest: string): Promise<Check[]> {
  const asked = await inTime(
    deps.db.pool
      .query<Asked>(
        `select current_setting('transaction_read_only')::boolean or pg_is_in_recovery() as read_only,
                exists (select 1 from _prisma_migrations where migration_name = $1 and finished_at is not null and rolled_back_at is null) as migrated`,
        [newest],
      )
      .then(({ rows }) => rows[0] ?? null),
  )
  if (!asked) return [{ name: 'database', ok: false, says: 'no answer' }]
  return [
    asked.read_only
      ? { name: 'database', ok: false, says: 'takes no writes' }
      : { name: 'database', ok: true, says: 'answers' },
    // A newer schema is no mistake: the old version runs on while the new one is started.
    asked.migrated
      ? { name: 'schema', ok: true, says: 'has all that this version needs' }
      : { name: 'schema', ok: false, says: 'older than this version: run the migrations' },
  ]
}

function workerCheck(deps: Deps): Check[] {
  if (!deps.workerAlive) return []
  return deps.workerAlive()
    ? [{ name: 'worker', ok: true, says: 'takes its turns' }]
    : [{ name: 'worker', ok: false, says: 'has not taken a turn for a long time: restart this process' }]
}

/** A full pool keeps askers waiting for ever; a late answer is none. */
async function inTime<T>(asking: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((done) => {
    timer = setTimeout(() => done(null), longestMs)
  })
  try {
    return await Promise.race([asking.catch(() => null), late])
  } finally {
    clearTimeout(timer)
  }
}
