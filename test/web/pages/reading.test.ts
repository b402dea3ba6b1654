/** The two pages on which the ledger is read: a member's statement and the network's totals. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addDays, dayIn } from '../../../src/kit/clock.ts'
import { idOfCause } from '../../../src/kit/ids.ts'
import { post } from '../../../src/ledger/post.ts'
import { membersAPage } from '../../../src/web/pages/convener/members-watched.ts'
import { type PagesWorld, pagesWorld } from './pages-world.ts'

let world: PagesWorld
let today: string
beforeAll(async () => {
  world = await pagesWorld()
  today = dayIn('Europe/London', world.app.clock.now())
  for (let place = 60; place > 0; place -= 1) await sale(place, addDays(today, -place))
})
afterAll(() => world.end())

async function sale(pence: number, bookedOn: string): Promise<void> {
  const { app, valley, mill, bakery } = world
  const causeId = idOfCause('trade', String(pence))
  const transfer = { id: idOfCause('transfer', String(pence)), kind: 'trade', causeKind: 'trade', causeId } as const
  const between = { debit: bakery.member.accountId, credit: mill.member.accountId, amountMinor: BigInt(pence) }
  await post(app.deps, valley.id, {
    id: idOfCause('posting', String(pence)),
    bookedOn,
    transfers: [{ ...transfer, ...between }],
  })
}

test('a statement shows the newest entries first, leads to the older ones, and draws the balance once', async () => {
  const { mill } = world
  const first = await mill.owner.get(`${mill.path}/statement`)
  expect(first.status).toBe(200)
  expect(first.html.match(/<svg/g)).toHaveLength(1)
  expect(first.text).toContain('Balance at the end of each week')
  expect(first.text.indexOf('£18.30')).toBeGreaterThan(0)
  const older = /href="([^"]*after=\d+)"/.exec(first.html)?.[1] ?? ''
  const second = await mill.owner.get(older.replaceAll('&amp;', '&'))
  expect(second.html.match(/<tr>/g)).toHaveLength(1 + 10)
  expect(second.html).not.toContain('<svg')
  expect(second.text).not.toContain('Older entries')
})

test('a short period is drawn by days, and one that runs backwards is refused in words', async () => {
  const { mill } = world
  const month = await mill.owner.get(`${mill.path}/statement?from=${addDays(today, -30)}&to=${today}`)
  expect(month.text).toContain('Balance at the end of each day')
  const backwards = await mill.owner.get(`${mill.path}/statement?from=${today}&to=${addDays(today, -30)}`)
  expect(backwards.status).toBe(400)
  expect(backwards.text).toContain('The period ends before it begins.')
  expect((await mill.owner.get(`${mill.path}/statement?from=0001-01-01`)).html).not.toContain('<svg')
})

test('the ledger page says what was sold, what is in use and how members stand', async () => {
  const { asha, valley, mill } = world
  const page = await asha.get(`/networks/${valley.slug}/ledger`)
  expect(page.status).toBe(200)
  expect(page.html.match(/<svg/g)).toHaveLength(2)
  expect(page.text).toContain('Credits in use now £18.30')
  expect(page.text).toContain('1 above zero, 1 below, 0 at zero')
  expect(page.text).toContain('£18.30, in 60 transfers')
  const day = await asha.get(`/networks/${valley.slug}/ledger?from=${addDays(today, -3)}&to=${addDays(today, -2)}`)
  expect(day.text).toContain('£0.05, in 2 transfers')
  expect((await asha.get(`/networks/${valley.slug}/ledger?from=2026-02-30`)).status).toBe(400)
  expect((await asha.get(`/networks/${valley.slug}/ledger?from=0001-01-01`)).status).toBe(400)
  expect((await mill.owner.get(`/networks/${valley.slug}/ledger`)).status).toBeGreaterThanOrEqual(403)
})

test('more members than a page holds are a link away, for the convener and for members', async () => {
  const { asha, valley, mill, app } = world
  await app.db.pool.query(
    `insert into organisation (id, name, legal_form, created_at)
       select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Extra ' || n, 'company', quits_now() from generate_series(1, $1) n`,
    [membersAPage],
  )
  await app.db.pool.query(
    `with made as (insert into account (network_id, id, kind, member_id, opened_at)
       select $1, ('00000000-0000-4000-8001-' || lpad(to_hex(n), 12, '0'))::uuid, 'member', ('00000000-0000-4000-8002-' || lpad(to_hex(n), 12, '0'))::uuid, quits_now() from generate_series(1, $2) n)
     insert into member (network_id, id, organisation_id, account_id, standing, invoice_prefix, invited_at, admitted_at)
       select $1, ('00000000-0000-4000-8002-' || lpad(to_hex(n), 12, '0'))::uuid, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
              ('00000000-0000-4000-8001-' || lpad(to_hex(n), 12, '0'))::uuid, 'admitted', 'Q' || n, quits_now(), quits_now() from generate_series(1, $2) n`,
    [valley.id, membersAPage],
  )
  for (const browser of [asha, mill.owner]) {
    const first = await browser.get(`/networks/${valley.slug}`)
    expect(first.text).not.toContain('Bakery')
    expect(first.text).toContain(`Extra ${membersAPage}`)
    const next = /href="([^"]*after=[^"]*)"/.exec(first.html)?.[1] ?? ''
    const second = await browser.get(next.replace('#members', ''))
    expect(second.text).toContain('Bakery')
    expect(second.text).not.toContain('Extra 1 ')
    expect(second.text).not.toContain('The next members')
  }
})
