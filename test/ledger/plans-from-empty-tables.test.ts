/** What is planned while a table is empty is kept while it fills, so it must be right from the first call. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Db, withConnection } from '../../src/kit/db.ts'
import { newId } from '../../src/kit/ids.ts'
import { databaseWithClock, firstInstant } from './small-ledger.ts'

let db: Db
let end: () => Promise<void>
beforeAll(async () => {
  ;({ db, end } = await databaseWithClock())
})
afterAll(() => end())

test.each(['transfer', 'trade', 'account'])('an empty table is asked for one %s through its key', async (name) => {
  const network = newId(firstInstant)
  const plan = await withConnection(db.writer, { role: 'writer', network }, async (client) => {
    await client.query('set local enable_seqscan = off')
    await client.query('set local plan_cache_mode = force_generic_plan')
    await client.query(`prepare one (uuid, uuid) as select * from ${name} where network_id = $1 and id = $2`)
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain execute one ('${network}', '${network}')`)
    await client.query('deallocate one')
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  })
  expect(plan).toContain(`using ${name}_pkey on ${name}`)
})
