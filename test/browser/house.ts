/** A house as the demonstration has it, on a database of the test's own: the service on a free port and both stand-in books. */
import { randomBytes } from 'node:crypto'
import { readConfig } from '../../src/config.ts'
import { booksInConfig, ringAt, type StandInBooks, startBooks } from '../../src/demo/stand-in-books.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import { freePort } from '../../src/kit/system.ts'
import { type House, openHouse } from '../../src/main.ts'
import { makeOperator } from '../../src/networks/operator.ts'
import { freshDatabase } from '../support/db.ts'

export type DemoHouse = { url: string; house: House; books: StandInBooks; close(): Promise<void> }

export async function demoHouse(operatorEmail: string): Promise<DemoHouse> {
  const fresh = await freshDatabase()
  const books = await startBooks(null)
  const config = {
    ...readConfig({
      DATABASE_URL: fresh.url,
      QUITS_MASTER_KEY: randomBytes(32).toString('hex'),
      PORT: String(await freePort()),
      LOG_LEVEL: 'error',
    }),
    ...booksInConfig(books.url),
  }
  const house = await openHouse(config, { demo: true })
  await ringAt(books, config.publicUrl)
  await inTransaction(house.deps.db, asWorker, (tx) =>
    makeOperator(tx, house.deps.clock, operatorEmail, 'Olive Operator'),
  )
  return {
    url: config.publicUrl,
    house,
    books,
    async close() {
      await house.close()
      await books.close()
      await fresh.drop()
    },
  }
}
