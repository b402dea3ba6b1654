/** All that the faces need of the house, as main.ts builds it. */
import type { BookConnector, BookKind } from '../../connectors/port.ts'
import type { Config } from '../config.ts'
import type { Batch } from '../kit/batch.ts'
import type { Clock } from '../kit/clock.ts'
import type { Db } from '../kit/db.ts'
import type { Log } from '../kit/log.ts'
import type { Seal } from '../kit/seal.ts'
import type { PostingAsk, PostingVerdict } from '../ledger/post.ts'
import type { AcceptanceAsk, AcceptanceVerdict } from '../trades/record-trade.ts'

export type Deps = {
  config: Config
  db: Db
  clock: Clock
  log: Log
  seal: Seal
  connectors: Partial<Record<BookKind, BookConnector>>
  postings: Batch<PostingAsk, PostingVerdict>
  acceptances: Batch<AcceptanceAsk, AcceptanceVerdict>
  /** Shows the mail box and says on each page that this is a demonstration. */
  demo: boolean
  /** Red while the service drains or the database is away. */
  ready: () => boolean
}
