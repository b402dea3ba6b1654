/** Is the process up; is it ready for work. */
import type { Express } from 'express'
import type { Deps } from '../deps.ts'

export function serveHealth(app: Express, deps: Deps): void {
  app.get('/healthz', (_ask, answer) => void answer.json({ up: true }))
  app.get('/readyz', async (_ask, answer) => {
    const database = deps.ready()
      ? await deps.db.pool.query('select 1').then(
          () => true,
          () => false,
        )
      : false
    answer.status(database ? 200 : 503).json({ ready: database })
  })
}
