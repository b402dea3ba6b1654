/** The order in which test files are begun. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { TestSpecification, Vitest } from 'vitest/node'
import LongestFirst, { longFiles } from '../support/longest-first.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('every file that is said to be long is there', () => {
  expect(Object.keys(longFiles).filter((name) => !existsSync(`${root}${name}`))).toEqual([])
})

test('the longest begin, the others by their size; none is lost', async () => {
  const named = (name: string) => ({ moduleId: `${root}${name}` }) as TestSpecification
  const files = ['test/schema.test.ts', 'test/quits.test.ts', 'test/tidy.test.ts', 'test/demo.test.ts'].map(named)
  const sequencer = new LongestFirst({ config: { root } } as Vitest)
  expect((await sequencer.sort(files)).map(({ moduleId }) => moduleId.slice(root.length))).toEqual([
    'test/demo.test.ts',
    'test/quits.test.ts',
    'test/tidy.test.ts',
    'test/schema.test.ts',
  ])
})
