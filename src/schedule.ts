/**
 * Every timed task in one table: name, when, what. Claimed in Postgres (one row per task and due instant), so that it
 * runs once however many services are started. The only user of node-cron.
 *
 * @path reconcile 1/6 asks for each book's reconciliation at its hour
 */
import cron from 'node-cron'
import { asWorker, type Db, inTransaction } from './kit/db.ts'
import type { Log } from './kit/log.ts'
import { plainError } from './kit/log.ts'

export type TimedTask = { name: string; when: string; what: () => Promise<string> }
export type Schedule = { stop(): Promise<void> }

export function keepSchedule(deps: { db: Db; log: Log; worker: string }, tasks: TimedTask[]): Schedule {
  const running = new Set<Promise<void>>()
  const timers = tasks.map((task) =>
    cron.schedule(
      task.when,
      (context) => {
        const run = runOnce(deps, task, context.date).catch((error: unknown) =>
          deps.log.error({ error: plainError(error), task: task.name }, 'a timed task could not be claimed'),
        )
        running.add(run)
        return run.finally(() => running.delete(run))
      },
      { name: task.name, timezone: 'UTC', noOverlap: true },
    ),
  )
  return {
    async stop() {
      await Promise.all(timers.map((timer) => timer.destroy()))
      await Promise.all(running)
    },
  }
}

/** Runs the task for this due instant unless another service has it already. */
export async function runOnce(deps: { db: Db; log: Log; worker: string }, task: TimedTask, due: Date): Promise<void> {
  const dueAt = minuteOf(due)
  const claimed = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$executeRaw`
      insert into timed_task (name, due_at, claimed_by, claimed_at) values (${task.name}, ${dueAt}, ${deps.worker}, quits_now())
      on conflict (name, due_at) do nothing`,
  )
  if (claimed === 0) return
  let outcome: string
  try {
    outcome = await task.what()
    deps.log.info({ task: task.name, outcome }, 'a timed task ran')
  } catch (error) {
    outcome = `failed: ${error instanceof Error ? error.name : 'unknown'}`
    deps.log.error({ error: plainError(error), task: task.name }, 'a timed task failed')
  }
  await inTransaction(
    deps.db,
    asWorker,
    (tx) =>
      tx.$executeRaw`update timed_task set ended_at = quits_now(), outcome = ${outcome.slice(0, 500)} where name = ${task.name} and due_at = ${dueAt}`,
  )
}

/** Two services' clocks may differ by seconds: the minute names the due instant. */
function minuteOf(due: Date): Date {
  const minute = structuredClone(due)
  minute.setUTCSeconds(0, 0)
  return minute
}
