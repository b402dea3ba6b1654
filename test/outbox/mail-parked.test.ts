/** The letter about what needs a person: in the catalogue's words, once a day at most, and never about the same twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nameRole } from '../../src/networks/person.ts'
import { tellOfParked } from '../../src/outbox/mail-parked.ts'
import { wordsFor } from '../../src/outbox/words.ts'
import type { BooksSetUp } from '../books/set-up.ts'
import { ground, smallOutbox } from './small-outbox.ts'

let on: BooksSetUp
beforeAll(async () => {
  on = await ground()
})
afterAll(() => on.end())

const letters = async () =>
  (await on.db.pool.query("select recipient, subject, body from mail where kind = 'parked' order by id")).rows

test('people hear of what is parked in the words of the pages, once a day, and not again of the same', async () => {
  const outbox = await smallOutbox(on)
  const { organisationId } = outbox.member('mill')
  for (const role of ['owner', 'staff'] as const)
    await on.worker((tx) =>
      nameRole(tx, on.clock, { email: `${role}@mill.example`, organisationId, role, actor: 'quits' }),
    )
  const tell = () => tellOfParked({ ...on.deps, config: { publicUrl: 'https://quits.example' } })
  expect(await tell()).toBe(0)
  await outbox.sale('mill', 'bakery')
  outbox.book('mill').lockPeriod('2026-11-30')
  await outbox.deliver()
  await outbox.travel(60)
  expect(await tell()).toBe(1)
  const [letter] = await letters()
  expect(letter).toMatchObject({
    recipient: 'owner@mill.example',
    subject: 'One document needs you for the book of The mill',
  })
  const words = wordsFor('period_locked')
  expect(letter.body).toContain(`${words.says} ${words.means} ${words.fix}`)
  expect(letter.body).toMatch(
    /https:\/\/quits\.example\/members\/mem_\w+\/deliveries\?state=parked&cause=period_locked/,
  )

  await outbox.travel(60)
  await outbox.sale('mill', 'bakery')
  await outbox.deliver()
  await outbox.travel(3_600)
  expect(await tell()).toBe(0)
  await outbox.travel(86_400)
  expect(await tell()).toBe(1)
  expect((await letters()).at(-1)?.subject).toBe('2 documents need you for the book of The mill')
  await outbox.travel(86_400)
  expect(await tell()).toBe(0)
})
