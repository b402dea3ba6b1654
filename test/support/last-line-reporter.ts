/**
 * The very last line of a run: `N passed, N failed`.
 *
 * Keeps: whatever did not pass has failed, and the run with it: a skipped test, a file that breaks while it loads, a broken hook
 * or set-up, an error that nobody caught, and a run in which nothing ran.
 */
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

export default class LastLineReporter implements Reporter {
  #line = '0 passed, 1 failed'
  #hasFailed = true

  onInit(): void {
    // On exit, so that it stands after every other reporter's words.
    process.once('exit', () => {
      if (this.#hasFailed) process.exitCode = 1
      process.stdout.write(`${this.#line}\n`)
    })
  }

  onTestRunStart(): void {
    this.#line = '0 passed, 1 failed'
    this.#hasFailed = true
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const { passed, failed } = tally(modules, errors.length)
    const isShort = passed + failed === 0 || (reason === 'interrupted' && failed === 0)
    const counted = isShort ? failed + 1 : failed
    this.#line = `${passed} passed, ${counted} failed`
    this.#hasFailed = counted > 0
  }
}

export function tally(modules: readonly TestModule[], errors: number): { passed: number; failed: number } {
  let passed = 0
  let failed = errors
  for (const module of modules) {
    const states = [...module.children.allTests()].map((test) => test.result().state)
    const unwell = states.filter((state) => state !== 'passed').length
    passed += states.length - unwell
    failed += unwell
    if (module.state() === 'failed' && !states.includes('failed')) failed += 1
  }
  return { passed, failed }
}
