/** QuickBooks takes ten calls a second for one company; ours wait for their turn instead of being refused. */
import { expect, test } from 'vitest'
import { paceOf } from '../../connectors/quickbooks/pace.ts'

test('no window of time sees more calls of one company than it may', async () => {
  const turn = paceOf(3, 60)
  const left: number[] = []

  await Promise.all(Array.from({ length: 8 }, () => turn('one').then(() => left.push(performance.now()))))

  expect(left).toHaveLength(8)
  for (let place = 3; place < left.length; place += 1)
    expect((left[place] ?? 0) - (left[place - 3] ?? 0)).toBeGreaterThanOrEqual(59)
})

test('a busy company does not hold up another', async () => {
  const turn = paceOf(1, 500)
  await turn('busy')
  const waits = turn('busy').then(() => 'busy')

  expect(await Promise.race([waits, turn('idle').then(() => 'idle')])).toBe('idle')
})
