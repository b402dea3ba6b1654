/** The master key is changed under a running service: every row opens at every moment, and what dies is begun again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateKeys, verifyKeys } from '../../src/backup/rotate-keys.ts'
import { everySealedPlace } from '../../src/backup/sealed-places.ts'
import { withGrant } from '../../src/books/grants.ts'
import { newId } from '../../src/kit/ids.ts'
import { keyId, sealWith } from '../../src/kit/seal.ts'
import { queueMail, textOf } from '../../src/networks/mail.ts'
import { quits } from '../../src/quits.ts'
import { type BooksSetUp, setUpBooks } from '../books/set-up.ts'

const [oldKey, newKey, otherKey] = [7, 8, 9].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]
const [older, both, newer] = [sealWith([oldKey]), sealWith([newKey, oldKey]), sealWith([newKey])]
const hex = (...keys: Uint8Array[]) => keys.map((key) => Buffer.from(key).toString('hex')).join(',')
const letters = 20
let world: BooksSetUp
let connectionId: string
let mailIds: string[]
beforeAll(async () => {
  world = await setUpBooks()
  const network = await world.network()
  const firm = await world.memberWithBook(network)
  connectionId = (await world.live(firm)).id
  // One consent has come back and waits for its choice.
  const waiting = await world.memberWithBook(network)
  await world.offered((await world.begin(waiting)).url, [waiting.book.profile.bookId])
  // Invitations of the set-up are sealed with a key that is not in question here.
  await world.worker((tx) => tx.mail.updateMany({ data: { body: '' } }))
  mailIds = []
  for (let number = 1; number <= letters; number += 1)
    mailIds.push(
      await world.worker((tx) =>
        queueMail(tx, world.clock, {
          ...{ kind: 'invitation', to: 'asha@valley.example', subject: 'Come in', seal: older },
          paragraphs: [`Letter ${number}`],
        }),
      ),
    )
})
afterAll(() => world.end())

const deps = (seal: typeof both) => ({ db: world.db, seal })
const byKey = async () => (await verifyKeys(deps(both))).byKey
function environment(...keys: Uint8Array[]) {
  return { DATABASE_URL: world.db.url, QUITS_MASTER_KEY: hex(...keys), PUBLIC_URL: 'https://quits.example' }
}
async function ask(args: string[], ...keys: Uint8Array[]) {
  const out: string[] = []
  const terminal = { out: (text: string) => out.push(text), err: () => {}, environment: environment(...keys) }
  const exit = await quits([...args, '--json'], terminal)
  return { exit, json: JSON.parse(out.join('\n')) }
}

/** Somebody's session that has a row in its hand until it lets go. */
async function holding(table: string, row: string, id: string) {
  const client = new pg.Client({ connectionString: world.db.url })
  await client.connect()
  await client.query('begin')
  await client.query(`select 1 from ${table} where ${row} = $1 for update`, [id])
  return {
    query: (text: string, values: unknown[]) => client.query(text, values),
    async letGo() {
      await client.query('commit')
      await client.end()
    },
  }
}

/** Until somebody waits for a row that another has in its hand. */
async function untilStuck() {
  for (;;) {
    const { rows } = await world.db.pool.query(
      "select (select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as stuck, pg_sleep(0.05)",
    )
    if (rows[0].stuck > 0) return
  }
}

test('fault 13: a rotation killed in the middle leaves every row readable by a listed key, and the next one does the rest', async () => {
  const begun = await byKey()
  const [all] = Object.values(begun)
  expect(begun).toEqual({ [keyId(oldKey)]: letters + 4 })
  const stuckAt = mailIds[letters / 2] ?? ''
  const held = await holding('mail', 'id', stuckAt)

  const child = spawn(process.execPath, ['--import', 'tsx', 'src/quits.ts', 'keys', 'rotate'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env.PATH ?? '', ...environment(newKey, oldKey) },
  })
  const ended = once(child, 'exit')
  await untilStuck()
  child.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
  await held.letGo()

  const half = await verifyKeys(deps(both))
  expect(half.unopened).toEqual([])
  expect(half.byKey[keyId(newKey)]).toBeGreaterThan(letters / 2)
  expect(half.byKey[keyId(oldKey)]).toBeGreaterThan(0)

  const { exit, json } = await ask(['keys', 'rotate'], newKey, oldKey)
  expect([exit, json.unopened]).toEqual([0, []])
  expect(json.resealed).toBeLessThanOrEqual(letters / 2)
  expect(await byKey()).toEqual({ [keyId(newKey)]: all })
}, 120_000)

test('fault 13: after a rotation the old key is needed nowhere: grants, consents and letters open with the new one alone', async () => {
  const { exit, json } = await ask(['keys', 'verify'], newKey, oldKey)
  expect([exit, json.unused, json.keyIds]).toEqual([0, [keyId(oldKey)], [keyId(newKey), keyId(oldKey)]])
  const token = await withGrant({ ...world.deps, seal: newer }, connectionId, async (grant) => grant.accessToken)
  expect(token).toMatch(/\S/)
  const found = await world.worker((tx) => tx.mail.findMany({ where: { id: { in: mailIds } } }))
  expect(found.map((letter) => textOf(newer, letter)).sort()).toEqual(
    mailIds.map((_, place) => `Letter ${place + 1}\n`).sort(),
  )
})

test('fault 13: what a running service writes while its row is being sealed anew is kept, and sealed anew too', async () => {
  const id = mailIds[0] ?? ''
  const place = { table: 'mail', row: id, column: 'body' }
  const write = (body: string) => world.worker((tx) => tx.mail.update({ where: { id }, data: { body } }))
  await write(older.close(place, 'first'))
  const held = await holding('mail', 'id', id)
  const rotation = rotateKeys(deps(both))
  await untilStuck()
  await held.query('update mail set body = $2 where id = $1', [id, older.close(place, 'second')])
  await held.letGo()

  expect(await rotation).toMatchObject({ resealed: 1, unopened: [] })
  const letter = await world.worker((tx) => tx.mail.findUniqueOrThrow({ where: { id } }))
  expect(textOf(newer, letter)).toBe('second')
})

test('fault 13: a row that no listed key opens is named, left as it is, and is 2 in both commands', async () => {
  const id = newId(world.clock.now())
  const place = { table: 'mail', row: id, column: 'body' }
  const foreign = sealWith([otherKey]).close(place, 'lost')
  await world.worker((tx) =>
    tx.mail.create({
      data: {
        ...{ id, kind: 'invitation', recipient: 'a@valley.example', subject: 'x', body: foreign },
        ...{ madeAt: world.clock.now(), dueAt: world.clock.now() },
      },
    }),
  )
  const named = [{ table: 'mail', row: id, column: 'body', keyId: keyId(otherKey) }]
  const rotated = await ask(['keys', 'rotate'], newKey, oldKey)
  expect([rotated.exit, rotated.json.resealed, rotated.json.unopened]).toEqual([2, 0, named])
  const verified = await ask(['keys', 'verify'], newKey, oldKey)
  expect([verified.exit, verified.json.unopened]).toEqual([2, named])
  expect((await world.worker((tx) => tx.mail.findUniqueOrThrow({ where: { id } }))).body).toBe(foreign)
  expect((await ask(['keys', 'rotate'], newKey, oldKey, otherKey)).exit).toBe(0)
})

test('every column that holds something sealed is among the places', async () => {
  const { rows } = await world.db.pool.query<{ place: string }>(
    `select table_name || '.' || column_name as place from information_schema.columns
      where table_schema = 'public' and column_name like '%sealed' order by 1`,
  )
  const known = everySealedPlace.map(({ table, column }) => `${table}.${column}`)
  expect(rows.map(({ place }) => place).filter((place) => !known.includes(place as (typeof known)[number]))).toEqual([])
  expect(rows).toHaveLength(5)
})
