/**
 * Where transfers are measured: a database with one network, or many, whose accounts have wide limits (nobody is refused, the
 * limit is asked all the same) and a past of so many entries.
 */
import { machineClock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import { idOfCause, newId, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import type { PostingAsk } from '../../src/ledger/post.ts'
import { createNetwork } from '../../src/networks/network.ts'
import type { TemplateName } from '../../src/networks/templates.ts'
import { fillLedger } from './fill.ts'
import { steadyDice } from './measure.ts'

export type Site = {
  url: string
  networks: readonly { id: Uuid; accounts: readonly Uuid[] }[]
}
export type NetworkAsk = { networkId: Uuid; ask: PostingAsk }
/** `hot`: four in five are on the first account of their network. */
export type Dealer = (hot: boolean) => NetworkAsk

const limitMinor = 90_000_000_000n
const largestMinor = 50_000

export async function openSite(
  url: string,
  ask: { networks: number; accounts: number; entries: number },
  say: (line: string) => void,
): Promise<Site> {
  const db = openDb(url)
  try {
    const networks: { id: Uuid; accounts: readonly Uuid[] }[] = []
    for (let place = 0; place < ask.networks; place += 1) {
      const id = await openNetwork(db, `accounts-${place + 1}`, 'uk-business')
      const accounts = await openAccounts(db, id, ask.accounts)
      await fillLedger(url, id, accounts, ask.entries / 2, say)
      networks.push({ id, accounts })
    }
    await settle(db)
    return { url, networks }
  } finally {
    await db.close()
  }
}

/** Plans know the sizes, and what was written until now is on the disk before anything is measured. */
export async function settle(db: Db): Promise<void> {
  await db.pool.query('vacuum analyze')
  await db.pool.query('checkpoint')
}

/** Asks that never repeat an id, of amounts and accounts that are the same in each run. */
export function dealerOf(site: Site, seed: number): Dealer {
  const dice = steadyDice(seed)
  return (hot) => {
    const network = site.networks[dice(site.networks.length)]
    invariant(network, 'a site without a network')
    const { accounts } = network
    const id = newId(machineClock.now())
    const first = hot && dice(5) < 4 ? 0 : dice(accounts.length)
    const sides = [accounts[first], accounts[(first + 1 + dice(accounts.length - 1)) % accounts.length]]
    const [debit, credit] = dice(2) === 0 ? sides : sides.reverse()
    invariant(debit && credit, 'an account is missing')
    const amountMinor = BigInt(1 + dice(largestMinor))
    const transfer = { id: idOfCause('bench', id), kind: 'trade' as const, debit, credit, amountMinor }
    return { networkId: network.id, ask: { id, transfers: [{ ...transfer, causeKind: 'bench', causeId: id }] } }
  }
}

export async function openNetwork(db: Db, slug: string, template: TemplateName): Promise<Uuid> {
  const form = { legalForm: 'cic', evidence: { kind: 'registration_number', number: '01234567' } } as const
  const { id } = await inTransaction(db, asWorker, (tx) =>
    createNetwork(tx, machineClock, {
      slug,
      name: slug,
      from: { template },
      organisation: { name: `${slug} CIC`, form: { ...form, partners: null } },
      actor: 'quits',
    }),
  )
  return id
}

async function openAccounts(db: Db, networkId: Uuid, count: number): Promise<Uuid[]> {
  const ids = Array.from({ length: count }, (_, place) => idOfCause('account', networkId, String(place)))
  await db.pool.query(
    `insert into account (network_id, id, kind, member_id, floor_minor, ceiling_minor, opened_at)
     select $1, a.id, 'gateway', null, $3, $4, quits_now() from unnest($2::uuid[]) a(id)`,
    [networkId, ids, -limitMinor, limitMinor],
  )
  return ids
}
