/** What an error tells the log: its end, never the values it was made of. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction, openDb, type Tx } from '../../src/kit/db.ts'
import { plainError } from '../../src/kit/log.ts'
import { type FreshDatabase, freshDatabase } from '../support/db.ts'

let fresh: FreshDatabase
let db: Db
beforeAll(async () => {
  fresh = await freshDatabase()
  db = openDb(fresh.url, { connections: 2 })
})
afterAll(async () => {
  await db.close()
  await fresh.drop()
})

test('an error of the database client does not repeat the values of the call', async () => {
  const data = { id: 'no uuid', kind: 'canary-7', recipient: 'canary-7', subject: 'canary-7', body: 'canary-7' }
  const failing = [
    // A field of the wrong type, and one that is not there: the client prints the whole call.
    (tx: Tx) => tx.mail.create({ data: { ...data, madeAt: 'canary-7' } as never }),
    (tx: Tx) => tx.mail.create({ data: { ...data, nowhere: 1 } as never }),
    (tx: Tx) => tx.$queryRaw`select ${'canary-7'}::integer`,
  ]
  for (const one of failing) {
    const error = await inTransaction<unknown>(db, asWorker, one).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    const told = plainError(error)
    expect(told.name).toMatch(/^PrismaClient/)
    expect([JSON.stringify(told), told.message.length > 0]).toEqual([expect.not.stringContaining('canary-7'), true])
  }
})
