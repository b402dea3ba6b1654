/** Who comes first on the convener's page. */
import { expect, test } from 'vitest'
import { badness, type Watched, worstFirst } from '../../../src/web/pages/convener/members-watched.ts'

function watched(
  name: string,
  more: { standing?: string; state?: string; cause?: string; review?: boolean } & Partial<Watched> = {},
): Watched {
  const { standing = 'admitted', state = 'live', cause = null, review = false, ...rest } = more
  return {
    member: {
      standing,
      organisation: { name, reviewDueAt: review ? new Date(0) : null },
      account: { frozen: false },
    } as Watched['member'],
    health: { state, lastCause: cause } as Watched['health'],
    parked: 0,
    oldestWaitingAt: null,
    openLimitAsks: 0,
    ...rest,
  }
}

test('a lost sign-in is worse than a parked document, that than an application, that than nothing', () => {
  const found = [
    watched('Calm'),
    watched('Gone', { standing: 'left' }),
    watched('Applicant', { standing: 'applied' }),
    watched('Parked', { parked: 1 }),
    watched('Locked out', { state: 'needs_sign_in' }),
    watched('Reviewed', { review: true }),
    watched('Asks', { openLimitAsks: 1 }),
  ].sort(worstFirst)
  expect(found.map((one) => one.member.organisation.name)).toEqual([
    'Locked out',
    'Parked',
    'Applicant',
    'Asks',
    'Reviewed',
    'Calm',
    'Gone',
  ])
})

test('of the same kind, what has waited longer comes first', () => {
  const late = watched('Late', { parked: 1, oldestWaitingAt: new Date('2026-11-02') })
  const early = watched('Zebra', { parked: 1, oldestWaitingAt: new Date('2026-10-01') })
  expect([late, early].sort(worstFirst)[0]).toBe(early)
  expect(badness(late)).toBe(badness(early))
})
