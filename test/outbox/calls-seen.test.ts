/** What this process has seen of its own calls. */
import { expect, test } from 'vitest'
import type { CallSeen } from '../../connectors/port.ts'
import { callsSeen } from '../../src/outbox/calls-seen.ts'

const seen = (more: Partial<CallSeen>): CallSeen => ({
  bookId: 'a',
  status: 200,
  callId: null,
  leftThisMinute: null,
  leftToday: null,
  leftForApp: null,
  tookMs: 5,
  ...more,
})

test('calls are counted book by book since they were last asked for, with the vendor’s last word', () => {
  const calls = callsSeen()
  calls.note(seen({ leftThisMinute: 59, leftToday: 4_000 }))
  calls.note(seen({ leftThisMinute: 58 }))
  calls.note(seen({ bookId: 'b' }))
  calls.note(seen({ bookId: null }))
  // A call that got no answer says nothing of what is left, and was a call.
  calls.note(seen({ status: null }))

  expect(calls.take('a')).toEqual({ calls: 3, leftThisMinute: 58, leftToday: 4_000, leftForApp: null })
  expect(calls.take('a')).toBeNull()
  expect(calls.take('b')?.calls).toBe(1)
})
