/** A bell and the end of a look that know nothing of each other: the bell is answered all the same. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerBells } from '../../src/inbox/answer-bells.ts'
import type { Tx } from '../../src/kit/db.ts'
import { openLog } from '../../src/kit/log.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { type BooksSetUp, setUpBooks } from '../books/set-up.ts'

let on: BooksSetUp
let deps: OutboxDeps
let bookId: string
beforeAll(async () => {
  on = await setUpBooks()
  const firm = await on.memberWithBook(await on.network())
  bookId = (await on.live(firm)).bookId
  const log = openLog('silent')
  deps = { ...on.deps, log, config: { publicUrl: 'https://quits.example' }, worker: 'worker 1', dice: () => 0 }
})
afterAll(() => on.end())

async function ring(tx: Tx, id: string): Promise<void> {
  const bells = JSON.stringify([{ id, bookId, kind: 'invoice', thingId: id, at: '' }])
  await tx.$queryRaw`select ring_bells('fake', ${bells}::jsonb)`
}
let looks = 0
const answer = () =>
  answerBells(deps, async () => {
    looks += 1
    return true
  })
const unanswered = () => on.worker((tx) => tx.bell.count({ where: { answeredAt: null } }))
async function later(ms = 90_000): Promise<void> {
  await on.travelTo(new Date(on.clock.now().getTime() + ms))
}
/** Past the longest rest between two looks. */
const anHourLater = () => later(3_700_000)

test('a bell not yet committed keeps the lane that was due for the one before, and both are one look', async () => {
  await on.worker((tx) => ring(tx, 'bell-1'))
  await on.worker(async (tx) => {
    await ring(tx, 'bell-2')
    // Another worker comes by in between: the old bell alone must not use up the look.
    expect(await answer()).toBe(0)
  })
  expect(await answer()).toBe(1)
  expect([looks, await unanswered()]).toEqual([1, 0])
})

test('a bell that rings while a look runs is followed by another look', async () => {
  looks = 0
  await on.worker((tx) => ring(tx, 'bell-3'))
  await answerBells(deps, async () => {
    await later()
    await on.worker((tx) => ring(tx, 'bell-4'))
    return true
  })
  expect(await unanswered()).toBe(1)
  await later()
  expect(await answer()).toBe(1)
  expect([looks, await unanswered()]).toEqual([1, 0])
})

test('a burst over several bells is one look, and the same bell again is none', async () => {
  looks = 0
  await anHourLater()
  await on.worker(async (tx) => {
    await ring(tx, 'bell-5')
    await ring(tx, 'bell-6')
    await ring(tx, 'bell-5')
  })
  expect(await answer()).toBe(1)
  await anHourLater()
  await on.worker((tx) => ring(tx, 'bell-6'))
  expect(await answer()).toBe(0)
  expect([looks, await unanswered()]).toEqual([1, 0])
})
