/**
 * Where it is measured: an embedded Postgres of its own with fsync on, migrated, with a network of a thousand accounts and
 * ten thousand entries, and one of twenty members without a past. Gone at the end.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineClock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import { startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { idOfCause, newId, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { migrate } from '../../src/kit/migrate.ts'
import { audit } from '../../src/ledger/audit.ts'
import { type PostingAsk, post, postingsOf } from '../../src/ledger/post.ts'
import { importMembers } from '../../src/networks/import-members.ts'
import { createNetwork } from '../../src/networks/network.ts'
import { steadyDice } from './measure.ts'

export type Ground = {
  /** As the service opens it. */
  db: Db
  /** With as many connections as there are callers, for those who use one each. */
  wide: Db
  networkId: Uuid
  /** A posting of one transfer between two of the accounts; `hot`: four in five are on the first of them. */
  nextAsk(hot?: boolean): PostingAsk
  importNetworkId: Uuid
  memberNames: string[]
  /** Every truth of the ledger, whoever wrote it. Throws when one does not hold. */
  proveRight(): Promise<void>
  end(): Promise<void>
}

const accounts = 1_000
const transfersBefore = 5_000
const members = 20
/** Wide enough that nobody is refused: the limit is asked all the same. */
const limitMinor = 90_000_000_000n
/** In units; as high as the template's terms allow. */
const limitOfMembers = '25000'

export async function openGround(callers: number, say: (line: string) => void): Promise<Ground> {
  const home = await mkdtemp(join(tmpdir(), 'quits-bench-'))
  const database = await startEmbeddedPostgres({ home, log: say })
  const opened: Db[] = []
  const end = async () => {
    await Promise.all(opened.map((db) => db.close()))
    await database.stop()
    await rm(database.dataFolder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
  try {
    await migrate(database.url)
    const db = openDb(database.url)
    const wide = openDb(database.url, { connections: callers, writers: callers })
    opened.push(db, wide)
    const { rows } = await db.pool.query('show fsync')
    invariant(rows[0]?.fsync === 'on', 'the database is not durable, so nothing measured on it counts')
    say(`${accounts} accounts with ${transfersBefore * 2} entries, and ${members} members`)
    const networkId = await openNetwork(db, 'accounts')
    const nextAsk = await openAccounts(db, networkId)
    const importNetworkId = await openNetwork(db, 'members')
    const memberNames = await admitMembers(db, importNetworkId)
    await db.pool.query('analyze')
    const proveRight = async () => {
      for (const id of [networkId, importNetworkId]) await proveLedger(db, id)
    }
    return { db, wide, networkId, nextAsk, importNetworkId, memberNames, proveRight, end }
  } catch (error) {
    await end()
    throw error
  }
}

async function openNetwork(db: Db, slug: string): Promise<Uuid> {
  const form = { legalForm: 'cic', evidence: { kind: 'registration_number', number: '01234567' } } as const
  const { id } = await inTransaction(db, asWorker, (tx) =>
    createNetwork(tx, machineClock, {
      slug,
      name: slug,
      from: { template: 'uk-business' },
      organisation: { name: `${slug} CIC`, form: { ...form, partners: null } },
      actor: 'quits',
    }),
  )
  return id
}

async function openAccounts(db: Db, networkId: Uuid): Promise<Ground['nextAsk']> {
  const ids = Array.from({ length: accounts }, (_, place) => idOfCause('account', networkId, String(place)))
  await db.pool.query(
    `insert into account (network_id, id, kind, member_id, floor_minor, ceiling_minor, opened_at)
     select $1, a.id, 'gateway', null, $3, $4, quits_now() from unnest($2::uuid[]) a(id)`,
    [networkId, ids, -limitMinor, limitMinor],
  )
  const dice = steadyDice(1)
  const nextAsk = (hot = false): PostingAsk => {
    const id = newId(machineClock.now())
    const first = hot && dice(5) < 4 ? 0 : dice(accounts)
    const sides = [ids[first], ids[(first + 1 + dice(accounts - 1)) % accounts]]
    const [debit, credit] = dice(2) === 0 ? sides : sides.reverse()
    invariant(debit && credit, 'an account is missing')
    const amountMinor = BigInt(1 + dice(50_000))
    return {
      id,
      transfers: [
        { id: idOfCause('bench', id), kind: 'trade', debit, credit, amountMinor, causeKind: 'bench', causeId: id },
      ],
    }
  }
  const postings = postingsOf(db)
  await Promise.all(Array.from({ length: transfersBefore }, () => post({ postings }, networkId, nextAsk())))
  return nextAsk
}

async function admitMembers(db: Db, networkId: Uuid): Promise<string[]> {
  const names = Array.from({ length: members }, (_, place) => `Business ${place + 1}`)
  const lines = names.map(
    (name, place) => `${name},${place}@bench.example,company,0${4_000_000 + place},${limitOfMembers},${limitOfMembers}`,
  )
  const made = await importMembers(
    { db, clock: machineClock },
    {
      networkId,
      fileName: 'members.csv',
      text: `name,email,legal_form,registration_number,credit_limit,exposure_limit\n${lines.join('\n')}\n`,
      dryRun: false,
      actor: 'quits',
    },
  )
  invariant(made.done === members, `a member was refused: ${made.refusals[0]?.why}`)
  return names
}

async function proveLedger(db: Db, networkId: Uuid): Promise<void> {
  const found = await inTransaction(db, asWorker, (tx) => audit(tx, networkId), 300_000)
  const broken = found.truths.filter((truth) => !truth.holds)
  invariant(found.holds, `the ledger is not right: ${broken.map((truth) => truth.name).join(', ')}`)
}
