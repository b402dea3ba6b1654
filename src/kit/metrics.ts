/**
 * What this process tells Prometheus about itself: each figure by name, with its labels. What stands in the database is read when
 * somebody asks (insight/figures.ts) and laid into the same registry.
 *
 * Keeps: labels are words from fixed lists (a route's pattern, a vendor, a code), so that the number of series has a bound.
 * Never: a name, a book, a member or an amount.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof openMetrics>

const nanoseconds = 1e9
const lagResolutionMs = 20

export function openMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers })

  // Since the last asking, so that a short stop of the loop is seen once and not for ever.
  const lag = monitorEventLoopDelay({ resolution: lagResolutionMs })
  lag.enable()
  new Gauge({
    name: 'quits_event_loop_lag_seconds',
    help: 'How late timers fire, since the last scrape',
    labelNames: ['quantile'],
    registers,
    collect() {
      // A loop that waits is late by its own resolution.
      const late = (value: number) => Math.max(0, value / nanoseconds - lagResolutionMs / 1000)
      this.set({ quantile: '0.99' }, late(lag.percentile(99)))
      this.set({ quantile: '1' }, late(lag.max))
      lag.reset()
    },
  })
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that this process holds',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Gauge({
    name: 'process_heap_used_bytes',
    help: 'Memory in use by objects',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed)
    },
  })
  new Gauge({
    name: 'process_uptime_seconds',
    help: 'Since this process started',
    registers,
    collect() {
      this.set(process.uptime())
    },
  })
  let countedSeconds = 0
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time used, user and system',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      const seconds = (user + system) / 1e6
      this.inc(Math.max(0, seconds - countedSeconds))
      countedSeconds = seconds
    },
  })

  const metrics = {
    registry,
    httpRequests: counter('quits_http_requests_total', 'HTTP requests answered', ['route', 'method', 'status']),
    httpSeconds: histogram(
      'quits_http_request_seconds',
      'From the request to the end of its answer',
      ['route'],
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    ),
    vendorCalls: counter('quits_vendor_calls_total', 'What was asked of a vendor’s book, and how it ended', [
      'vendor',
      'verb',
      'outcome',
    ]),
    vendorThings: counter(
      'quits_vendor_things_total',
      'Contacts, documents and payments in those calls, each by its own verdict',
      ['vendor', 'verb', 'outcome'],
    ),
    vendorSeconds: histogram(
      'quits_vendor_call_seconds',
      'How long a vendor took',
      ['vendor', 'verb'],
      [0.1, 0.3, 1, 3, 10, 30],
    ),
    vendorThrottled: counter('quits_vendor_throttled_total', 'Answers with status 429', ['vendor']),
    refreshes: counter('quits_refreshes_total', 'Refreshes of a grant, and how they ended', ['vendor', 'outcome']),
    postings: counter(
      'quits_postings_total',
      'What was asked of the ledger, by verdict: ok, replayed, or the code of the refusal',
      ['door', 'verdict'],
    ),
    batchSize: histogram(
      'quits_batch_size',
      'How many asks shared one call of the ledger',
      ['door'],
      [1, 2, 5, 10, 25, 50, 100, 200, 500],
    ),
    batchWaiting: gauge('quits_batch_waiting', 'Asks in the waiting room of the network that has most, or at work', [
      'door',
    ]),

    databaseUp: gauge('quits_database_up', '1 when the database answered the last reading of figures'),
    deliveries: gauge(
      'quits_deliveries',
      'Deliveries that are not in their book, by state, kind and age since they were promised',
      ['state', 'kind', 'age'],
    ),
    deliveriesOldest: gauge('quits_deliveries_oldest_seconds', 'Age of the oldest delivery in a state', ['state']),
    connections: gauge('quits_connections', 'Connections that have not ended', ['vendor', 'state']),
    discrepancies: gauge('quits_discrepancies_open', 'Open discrepancies', ['kind']),
    driftingBooks: gauge('quits_drifting_books', 'Books whose last comparison does not come to zero'),
    reconciliationOldest: gauge(
      'quits_reconciliation_oldest_seconds',
      'Since the last good comparison of the live book that has waited longest',
    ),
    auditsBroken: gauge('quits_audits_broken', 'Networks whose last audit does not hold'),
    bellsWaiting: gauge('quits_bells_waiting', 'Webhooks that were taken in and not yet answered'),
    bellsOldest: gauge('quits_bells_oldest_seconds', 'Age of the oldest of them'),
    bellsSilent: gauge(
      'quits_bells_silent_seconds',
      'Since the last webhook of a vendor that has rung before and has live books',
      ['vendor'],
    ),
    mailWaiting: gauge('quits_mail_waiting', 'Letters not yet sent'),
    mailOldest: gauge('quits_mail_oldest_seconds', 'Age of the oldest of them'),
    taskLastSuccess: gauge('quits_timed_task_last_success_timestamp_seconds', 'When a timed task last ran to its end', [
      'task',
    ]),
    diskFree: gauge('quits_disk_free_bytes', 'Free on the disk that holds the embedded database'),
    diskSize: gauge('quits_disk_size_bytes', 'Size of that disk'),
    draining: gauge('quits_draining', '1 while this process is stopping'),
    workerAlive: gauge('quits_worker_alive', '1 while the worker of this process takes its turns'),

    close() {
      lag.disable()
      registry.clear()
    },
  }
  // Where there is nothing to measure there is no figure, rather than nought.
  for (const one of [metrics.diskFree, metrics.diskSize, metrics.workerAlive]) one.remove({})
  return metrics
}
