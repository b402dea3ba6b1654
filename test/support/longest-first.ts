/**
 * The order of the test files: the longest begin, so that no worker is left with a long one when the other has nothing to do.
 *
 * The seconds are rough and of a quiet machine: only the order they give counts. Files not named are short; the larger first.
 */
import { statSync } from 'node:fs'
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

export const longFiles: Readonly<Record<string, number>> = {
  'test/properties/simulator.test.ts': 180,
  'test/properties/planted-bugs.test.ts': 120,
  'test/demo.test.ts': 89,
  'test/scripts/bench.test.ts': 74,
  'test/properties/planted-faults.test.ts': 74,
  'test/scripts/bench-delivery.test.ts': 65,
  'test/browser/main-path.test.ts': 54,
  'test/properties/simulate-ledger.test.ts': 48,
  'test/kit/embedded-postgres.test.ts': 43,
  'test/backup/restore.test.ts': 41,
  'test/web/stop.test.ts': 36,
  'test/faults/killed.test.ts': 30,
  'test/reconcile/sweep.test.ts': 26,
  'test/faults/refresh.test.ts': 25,
  'test/web/api/fuzz.test.ts': 20,
  'test/outbox/deliver.test.ts': 20,
  'test/faults/refused-by-the-book.test.ts': 20,
  'test/outbox/backlog.test.ts': 18,
  'test/backup/drill.test.ts': 18,
  'test/trades/import-trades.test.ts': 14,
  'test/web/redaction.test.ts': 13,
  'test/web/pages/bookkeeper.test.ts': 13,
  'test/quits.test.ts': 12,
  'test/properties/several-writers.test.ts': 11,
  'test/properties/ledger-model.test.ts': 11,
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const told = new Map(
      files.map((file) => {
        const name = relative(this.ctx.config.root, file.moduleId).replaceAll('\\', '/')
        return [file, { name, seconds: longFiles[name] ?? 0, bytes: statSync(file.moduleId).size }]
      }),
    )
    const of = (file: TestSpecification) => told.get(file) ?? { name: '', seconds: 0, bytes: 0 }
    return [...files].sort(
      (a, b) => of(b).seconds - of(a).seconds || of(b).bytes - of(a).bytes || (of(a).name < of(b).name ? -1 : 1),
    )
  }
}
