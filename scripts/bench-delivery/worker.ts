/**
 * A worker in a process of its own, as the service runs it: serves the books that are due until it is told to stop.
 *
 * In: one JSON argument. Out: a message when it is ready, and its memory whenever it is asked.
 */
import { machineClock } from '../../src/kit/clock.ts'
import { openDb } from '../../src/kit/db.ts'
import { keepPromises } from '../../src/outbox/keep.ts'
import { shownMailer } from '../../src/outbox/send-mail.ts'
import { depsOf, type Vendor } from './scene.ts'

export type WorkerAsk = { url: string; vendors: Record<Vendor, string>; atOnce: number }
export type Memory = { rssMb: number; heapMb: number }

const { url, vendors, atOnce } = JSON.parse(process.argv[2] ?? '{}') as WorkerAsk
const db = openDb(url)
const deps = depsOf(db, machineClock, vendors)
const worker = await keepPromises(deps, shownMailer, { atOnce })
process.on('message', (word) => {
  if (word === 'memory') process.send?.(memory())
  if (word === 'stop') void stop()
})
// Whoever started it is gone.
process.on('disconnect', () => void stop())
process.send?.('ready')

function memory(): Memory {
  ;(globalThis as { gc?: () => void }).gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssMb: rss / 2 ** 20, heapMb: (heapUsed + external) / 2 ** 20 }
}

async function stop(): Promise<void> {
  await worker.stop()
  await db.close()
  process.exit(0)
}
