/** What delivering needs of the house. */
import type { BookConnector, BookKind } from '../../connectors/port.ts'
import type { Clock } from '../kit/clock.ts'
import type { Db } from '../kit/db.ts'
import type { Log } from '../kit/log.ts'
import type { Seal } from '../kit/seal.ts'
import type { CallsSeen } from './calls-seen.ts'

export type OutboxDeps = {
  db: Db
  clock: Clock
  log: Log
  seal: Seal
  connectors: Partial<Record<BookKind, BookConnector>>
  config: { publicUrl: string }
  /** What was seen of this process's own calls; without it, a round costs what it was expected to. */
  calls?: CallsSeen
  /** Names this worker in leases. */
  worker: string
  /** In [0, 1): for jitter. */
  dice: () => number
  /** True once this process is asked to stop: what was begun is ended, nothing new is begun. */
  isStopping?: () => boolean
}
