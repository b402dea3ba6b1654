/** All that the faces need of the house, as main.ts builds it. */
import type { Batch } from '../kit/batch.ts'
import type { Metrics } from '../kit/metrics.ts'
import type { PostingAsk, PostingVerdict } from '../ledger/post.ts'
import type { OutboxDeps } from '../outbox/outbox-deps.ts'
import type { PromisedPosting, PromisedVerdict } from '../outbox/post-and-promise.ts'
import type { Grounds } from '../trades/grounds.ts'
import type { ProposalAsk, ProposalVerdict } from '../trades/propose.ts'
import type { AcceptanceAsk, AcceptanceVerdict } from '../trades/record-trade.ts'

export type Deps = OutboxDeps & {
  config: {
    publicUrl: string
    host: string
    port: number
    xero: { identityUrl: string; webhookKey: string | null } | null
    quickbooks: { discoveryUrl: string; webhookVerifier: string | null } | null
    /** Who shows it may read /metrics. */
    metricsToken?: string | null
    /** Webhooks may go to this machine: for a trial. */
    webhooksToLoopback?: boolean
  }
  postings: Batch<PostingAsk, PostingVerdict>
  promisedPostings: Batch<PromisedPosting, PromisedVerdict>
  acceptances: Batch<AcceptanceAsk, AcceptanceVerdict>
  proposals: Batch<ProposalAsk, ProposalVerdict>
  grounds: Grounds
  /** Shows the mail box and says on each page that this is a demonstration. */
  demo: boolean
  /** False while the service drains. */
  ready: () => boolean
  /** Left out: no worker runs in this process. */
  workerAlive?: () => boolean
  metrics?: Metrics
  /** Of the embedded database, for the room left on its disk. */
  dataFolder?: string
}
