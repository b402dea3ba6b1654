/** Group commit: who shares a call, who waits for whom, and who is told what. */
import { expect, test } from 'vitest'
import { type Batch, batchOf } from '../../src/kit/batch.ts'
import { Refusal } from '../../src/kit/refusal.ts'

type Call = { lane: string; asked: string[]; done(): void; fail(error: Error): void }

/** Calls that end when the test says so. */
function hand(settings: { most?: number; waitingRoom?: number; atOnce?: number } = {}) {
  const calls: Call[] = []
  const batch: Batch<string, string> = batchOf({
    run: (lane, asked) =>
      new Promise((yes, no) => {
        calls.push({ lane, asked, done: () => yes(asked.map((one) => `${one}!`)), fail: no })
      }),
    most: 100,
    waitingRoom: 1_000,
    atOnce: 10,
    ...settings,
  })
  return { batch, calls, shapes: () => calls.map(({ lane, asked }) => `${lane}:${asked.join('')}`) }
}
const turn = () => new Promise((done) => setImmediate(done))
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await turn()
}

test('those who ask in one turn share a call; who asks meanwhile is the next one', async () => {
  const { batch, calls, shapes } = hand()
  const first = ['a', 'b', 'c'].map((one) => batch.add('x', one))
  await turns(2)
  expect(shapes()).toEqual(['x:abc'])
  const next = ['d', 'e'].map((one) => batch.add('x', one))
  await turns(3)
  expect(calls.length).toBe(1)
  calls[0]?.done()
  expect(await Promise.all(first)).toEqual(['a!', 'b!', 'c!'])
  await turns(3)
  expect(shapes()).toEqual(['x:abc', 'x:de'])
  calls[1]?.done()
  expect(await Promise.all(next)).toEqual(['d!', 'e!'])
  await batch.idle()
})

test('those who are answered together and ask again at once share the next call', async () => {
  const { batch, calls, shapes } = hand()
  const caller = async (name: string) => {
    await batch.add('x', name)
    await batch.add('x', name.toUpperCase())
  }
  const both = [caller('a'), caller('b')]
  await turns(2)
  calls[0]?.done()
  await turns(4)
  expect(shapes()).toEqual(['x:ab', 'x:AB'])
  calls[1]?.done()
  await Promise.all(both)
})

test('a full call goes while the one before it is under way, and no third; what is not full waits', async () => {
  const { batch, calls, shapes } = hand({ most: 2 })
  const asked = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((one) => batch.add('x', one))
  await turns(4)
  expect(shapes()).toEqual(['x:ab', 'x:cd'])
  calls[0]?.done()
  await turns(3)
  expect(shapes()).toEqual(['x:ab', 'x:cd', 'x:ef'])
  calls[1]?.done()
  await turns(3)
  expect(shapes().length).toBe(3)
  calls[2]?.done()
  await turns(3)
  expect(shapes()[3]).toBe('x:g')
  calls[3]?.done()
  expect(await Promise.all(asked)).toEqual(['a!', 'b!', 'c!', 'd!', 'e!', 'f!', 'g!'])
  await batch.idle()
})

test('a lane that is always full makes room for one that waits', async () => {
  const { batch, calls, shapes } = hand({ most: 1, atOnce: 1 })
  const asked = ['a', 'b', 'c', 'd', 'e'].map((one) => batch.add('x', one))
  await turns(3)
  expect(shapes()).toEqual(['x:a', 'x:b'])
  asked.push(batch.add('y', 'f'))
  for (let place = 0; place < 6; place += 1) {
    calls[place]?.done()
    await turns(3)
  }
  expect(await Promise.all(asked)).toEqual(['a!', 'b!', 'c!', 'd!', 'e!', 'f!'])
  expect(shapes()).toEqual(['x:a', 'x:b', 'x:c', 'y:f', 'x:d', 'x:e'])
})

test('one lane never holds up another, up to the calls that may run at once', async () => {
  const { batch, calls, shapes } = hand({ atOnce: 2 })
  const asked = ['x', 'y', 'z'].map((lane) => batch.add(lane, 'a'))
  await turns(2)
  expect(shapes()).toEqual(['x:a', 'y:a'])
  calls[1]?.done()
  await turns(3)
  expect(shapes()).toEqual(['x:a', 'y:a', 'z:a'])
  for (const call of calls) call.done()
  await Promise.all(asked)
})

test('a call takes no more than it may; the rest follows in order', async () => {
  const { batch, calls, shapes } = hand({ most: 2 })
  const asked = ['a', 'b', 'c'].map((one) => batch.add('x', one))
  await turns(2)
  calls[0]?.done()
  await turns(3)
  expect(shapes()).toEqual(['x:ab', 'x:c'])
  calls[1]?.done()
  await Promise.all(asked)
})

test('a full waiting room refuses at once, and those inside are served', async () => {
  const { batch, calls } = hand({ waitingRoom: 2 })
  const inside = ['a', 'b'].map((one) => batch.add('x', one))
  await expect(batch.add('x', 'c')).rejects.toMatchObject(new Refusal('try_again_soon', {}))
  const other = batch.add('y', 'd')
  await turns(2)
  for (const call of calls) call.done()
  expect(await Promise.all([...inside, other])).toEqual(['a!', 'b!', 'd!'])
})

test('an unexpected error is told to the one who brought it alone', async () => {
  const sizes: number[] = []
  const batch: Batch<string, string> = batchOf({
    run: async (_lane, asked) => {
      sizes.push(asked.length)
      if (asked.includes('bad')) throw new Error('it broke')
      return asked.map((one) => `${one}!`)
    },
    most: 100,
    waitingRoom: 100,
    atOnce: 1,
  })
  const told = await Promise.allSettled(['a', 'b', 'bad', 'c', 'd'].map((one) => batch.add('x', one)))
  expect(told.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message))).toEqual([
    'a!',
    'b!',
    'it broke',
    'c!',
    'd!',
  ])
  expect(sizes[0]).toBe(5)
  await batch.idle()
})

test('a call that answers too few tells the others so', async () => {
  const batch: Batch<string, string> = batchOf({ run: async () => ['a!'], most: 9, waitingRoom: 9, atOnce: 1 })
  const told = await Promise.allSettled(['a', 'b'].map((one) => batch.add('x', one)))
  expect(told.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
})

test('idle waits for what runs and what waits, and is at once when there is nothing', async () => {
  const { batch, calls } = hand({ atOnce: 1 })
  await batch.idle()
  const asked = [batch.add('x', 'a'), batch.add('y', 'b')]
  let isIdle = false
  const idle = batch.idle().then(() => {
    isIdle = true
  })
  await turns(2)
  calls[0]?.done()
  await turns(4)
  expect(isIdle).toBe(false)
  calls[1]?.done()
  await Promise.all(asked)
  await idle
})

test('a call that is refused as a whole is not asked again in halves: each of its askers hears why', async () => {
  const { batch, calls } = hand()
  const told = Promise.allSettled(['a', 'b', 'c'].map((one) => batch.add('x', one)))
  await turns(2)
  calls[0]?.fail(new Refusal('try_again_soon', {}))
  expect((await told).map((one) => (one.status === 'rejected' ? one.reason.code : one.value))).toEqual(
    Array(3).fill('try_again_soon'),
  )
  expect(calls.length).toBe(1)
})
