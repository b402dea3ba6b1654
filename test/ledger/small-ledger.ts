/** A network with named accounts and nothing else, for tests of the ledger alone. */

import { asWorker, type Db, inTransaction, openDb, withConnection } from '../../src/kit/db.ts'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'
import { accountOf, networkAccountId, type OpenAccount, openAccount, openLedger } from '../../src/ledger/account.ts'
import { audit } from '../../src/ledger/audit.ts'
import {
  askWriter,
  type Posted,
  type PostingAsk,
  type PostingVerdict,
  post,
  postingJson,
  postingsOf,
  type TransferAsk,
} from '../../src/ledger/post.ts'
import { freshDatabase, setDatabaseClock } from '../support/db.ts'
import { ledgerTable } from '../support/tables.ts'

export type Limits = Partial<
  Pick<OpenAccount, 'floorMinor' | 'ceilingMinor' | 'softFloorMinor' | 'softCeilingMinor' | 'frozen' | 'neverBelowZero'>
>

export const firstInstant = new Date('2026-03-02T09:00:00.000Z')

export async function databaseWithClock(
  at: Date = firstInstant,
): Promise<{ db: Db; end(): Promise<void>; setClock(at: Date): Promise<void> }> {
  const database = await freshDatabase()
  await setDatabaseClock(database.url, at)
  const db = openDb(database.url, { connections: 5, writers: 3 })
  return {
    db,
    setClock: (to) => setDatabaseClock(database.url, to),
    async end() {
      await db.close()
      await database.drop()
    },
  }
}

let made = 0

export async function smallLedger(db: Db, accounts: Record<string, Limits>, timeZone = 'Europe/London') {
  made += 1
  const networkId = idOfCause('network', String(made))
  const ids: Record<string, Uuid> = {}
  await inTransaction(db, asWorker, async (tx) => {
    const organisationId = idOfCause('organisation', networkId)
    await tx.$executeRaw`insert into organisation (id, name, legal_form, created_at) values (${organisationId}::uuid, 'The network', 'cic', quits_now())`
    await tx.$executeRaw`insert into network (id, slug, name, organisation_id, currency, time_zone, created_at)
      values (${networkId}::uuid, ${`network-${made}`}, 'Network', ${organisationId}::uuid, 'GBP', ${timeZone}, quits_now())`
    await openLedger(tx, networkId, timeZone)
    ids.fees = networkAccountId(networkId, 'fees')
    for (const [name, limits] of Object.entries(accounts)) {
      ids[name] = idOfCause('account', networkId, name)
      await openAccount(tx, {
        networkId,
        id: ids[name],
        kind: 'member',
        memberId: idOfCause('member', networkId, name),
        openedAt: firstInstant,
        ...limits,
      })
    }
  })
  const postings = postingsOf(db)
  const account = (name: string): Uuid => {
    const id = ids[name]
    if (!id) throw new Error(`no account ${name}`)
    return id
  }
  const small = {
    db,
    networkId,
    postings,
    account,
    /** A transfer whose id follows from its name. */
    transfer(
      name: string,
      from: string,
      to: string,
      amountMinor: bigint,
      more: Partial<TransferAsk> = {},
    ): TransferAsk {
      return {
        id: idOfCause('transfer', networkId, name),
        kind: 'trade',
        debit: account(from),
        credit: account(to),
        amountMinor,
        causeKind: 'trade',
        causeId: idOfCause('trade', networkId, name),
        ...more,
      }
    },
    posting(name: string, transfers: TransferAsk[], more: Partial<PostingAsk> = {}): PostingAsk {
      return { id: idOfCause('posting', networkId, name), transfers, ...more }
    },
    post: (ask: PostingAsk): Promise<Posted> => post({ postings }, networkId, ask),
    /** Exactly one call for all of these; through the batch the first would go ahead alone. */
    together: (asks: PostingAsk[]): Promise<PostingVerdict[]> =>
      askWriter(db, networkId, 'ledger_post', asks.map(postingJson)),
    sale: (
      name: string,
      buyer: string,
      seller: string,
      amountMinor: bigint,
      more: Partial<TransferAsk> = {},
      posting: Partial<PostingAsk> = {},
    ) =>
      post({ postings }, networkId, {
        id: idOfCause('posting', networkId, name),
        transfers: [small.transfer(name, buyer, seller, amountMinor, more)],
        ...posting,
      }),
    read: (name: string) => inTransaction(db, asWorker, (tx) => accountOf(tx, networkId, account(name))),
    balance: async (name: string) => (await small.read(name)).balanceMinor,
    setLimits: async (name: string, limits: Record<string, unknown>) => {
      for (const [column, value] of Object.entries(limits))
        await withConnection(db.pool, asWorker, (client) =>
          client.query(`update account set ${column} = $1 where network_id = $2 and id = $3`, [
            value,
            networkId,
            account(name),
          ]),
        )
    },
    audit: () => inTransaction(db, asWorker, (tx) => audit(tx, networkId)),
    table: () => ledgerTable(db, networkId, ids),
    async brokenTruths(): Promise<string[]> {
      return (await small.audit()).truths.filter((truth) => !truth.holds).map((truth) => truth.name)
    },
  }
  return small
}
export type SmallLedger = Awaited<ReturnType<typeof smallLedger>>
