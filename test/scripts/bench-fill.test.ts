/** A past written by COPY is as right as one that was posted. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyIn } from '../../scripts/bench/copy-in.ts'
import { proveCheaply, proveLedgers } from '../../scripts/bench/prove.ts'
import { dealerOf, openSite, type Site } from '../../scripts/bench/site.ts'
import { openDb } from '../../src/kit/db.ts'
import { post, postingsOf } from '../../src/ledger/post.ts'
import { type FreshDatabase, freshDatabase } from '../support/db.ts'

let database: FreshDatabase
let site: Site

beforeAll(async () => {
  database = await freshDatabase()
  site = await openSite(database.url, { networks: 1, accounts: 30, entries: 600 }, () => undefined)
})

afterAll(() => database.drop())

const networkId = () => site.networks[0]?.id ?? ''

test('every truth of the audit holds on it, and a posting goes on from where it ends', async () => {
  await proveLedgers(site.url, [networkId()])
  const db = openDb(site.url)
  const { ask } = dealerOf(site, 1)(false)
  const posted = await post({ postings: postingsOf(db) }, networkId(), ask)
  await db.close()
  expect(posted.transfers[0]?.number).toBe(301)
  await proveLedgers(site.url, [networkId()])
  await proveCheaply(site.url, networkId())
})

test('of a hot network four in five have the first account on one side', () => {
  const deal = dealerOf(site, 2)
  const first = site.networks[0]?.accounts[0]
  const isOnFirst = (hot: boolean) => {
    const [transfer] = deal(hot).ask.transfers
    return transfer?.debit === first || transfer?.credit === first
  }
  const share = (hot: boolean) => Array.from({ length: 1_000 }, () => isOnFirst(hot)).filter(Boolean).length
  expect(share(true)).toBeGreaterThan(750)
  expect(share(false)).toBeLessThan(150)
})

test('a changed amount is found by the cheap proof too', async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(
    `set session_replication_role = replica;
     update entry set amount_minor = amount_minor + 1, after_minor = after_minor + 1 where number = 300`,
  )
  await client.end()
  await expect(proveCheaply(site.url, networkId())).rejects.toThrow('balance_is_sum_of_entries')
})

test('COPY tells the database’s own no, and the connection goes on', async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('create temporary table few (n integer primary key)')
  await expect(copyIn(client, 'few', ['n'], '1\n1\n')).rejects.toMatchObject({ code: '23505' })
  await copyIn(client, 'few', ['n'], Array.from({ length: 100_000 }, (_, n) => `${n}\n`).join(''))
  const { rows } = await client.query('select count(*)::int as count from few')
  await client.end()
  expect(rows).toEqual([{ count: 100_000 }])
})
