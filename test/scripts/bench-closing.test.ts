/** Nothing that the bench opened outlives it. */
import { expect, test } from 'vitest'
import { closingList } from '../../scripts/bench/closing.ts'

test('what was opened last is closed first, and only once', async () => {
  const closing = closingList()
  const closed: string[] = []
  for (const name of ['database', 'program'])
    await closing.add(Promise.resolve({ end: async () => void closed.push(name) }))
  await Promise.all([closing.all(), closing.all()])
  expect(closed).toEqual(['program', 'database'])
})

test('what is still being opened is waited for and closed', async () => {
  const closing = closingList()
  const closed: string[] = []
  let open: (program: { end(): Promise<void> }) => void = () => undefined
  void closing.add(new Promise<{ end(): Promise<void> }>((done) => (open = done)))
  const over = closing.all()
  open({ end: async () => void closed.push('program') })
  await over
  expect(closed).toEqual(['program'])
})

test('one that cannot be closed does not keep the others open, and is told of', async () => {
  const closing = closingList()
  const closed: string[] = []
  await closing.add(Promise.resolve({ end: async () => void closed.push('database') }))
  await closing.add(Promise.resolve({ end: () => Promise.reject(new Error('stuck')) }))
  await closing.add(Promise.reject(new Error('never opened'))).catch(() => undefined)
  await expect(closing.all()).rejects.toThrow('stuck')
  expect(closed).toEqual(['database'])
})
