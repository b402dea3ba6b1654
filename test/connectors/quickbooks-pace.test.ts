/** QuickBooks takes ten calls a second for one company; ours wait for their turn instead of being refused. */
import { expect, test } from 'vitest'
import { paceOf } from '../../connectors/quickbooks/pace.ts'

/** A watch that stands still but for what is waited. */
function stoppedWatch() {
  let ms = 0
  return {
    now: () => ms,
    wait: async (more: number) => {
      ms += more
    },
  }
}

test('quickbooks group 16: no window of time sees more calls of one company than it may', async () => {
  const watch = stoppedWatch()
  const turn = paceOf(3, 60, watch)
  const left: number[] = []

  await Promise.all(Array.from({ length: 8 }, () => turn('one').then(() => left.push(watch.now()))))

  expect(left).toEqual([0, 0, 0, 60, 60, 60, 120, 120])
})

test('quickbooks group 16: a busy company does not hold up another', async () => {
  const turn = paceOf(1, 500)
  await turn('busy')
  const waits = turn('busy').then(() => 'busy')

  expect(await Promise.race([waits, turn('idle').then(() => 'idle')])).toBe('idle')
})
