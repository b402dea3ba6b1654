/**
 * Where whole trades are measured: a network that takes a fee of the seller, two hundred members with wide limits, a key for
 * each of the sellers, and a standing consent of each of the buyers that it sells to.
 */
import { machineClock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb } from '../../src/kit/db.ts'
import { idText, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { makeKey } from '../../src/networks/api-key.ts'
import { importMembers } from '../../src/networks/import-members.ts'
import { giveConsent } from '../../src/trades/standing-consent.ts'
import { steadyDice } from './measure.ts'
import { openNetwork, settle } from './site.ts'

export type Seller = { secret: string; memberId: Uuid; buyers: readonly Uuid[] }
export type TradeSite = { url: string; networkId: Uuid; sellers: readonly Seller[] }

const aMonthMinor = 900_000_000_000n
const limitMinor = 90_000_000_000n
/** In units, as high as the template's terms allow; the accounts' own limits are then widened, so that none is reached. */
const limitOfMembers = '25000'

export async function openTradeSite(
  url: string,
  { members, sellers, buyersOfASeller }: { members: number; sellers: number; buyersOfASeller: number },
): Promise<TradeSite> {
  const db = openDb(url)
  try {
    const networkId = await openNetwork(db, 'trades', 'uk-monthly')
    await admitMembers(db, networkId, members)
    const rows = await inTransaction(db, asWorker, (tx) =>
      tx.member.findMany({ where: { networkId }, orderBy: { invoicePrefix: 'asc' } }),
    )
    const buyers = rows.slice(sellers)
    const dice = steadyDice(5)
    const made: Seller[] = []
    for (const seller of rows.slice(0, sellers)) {
      const first = dice(buyers.length)
      const chosen = Array.from({ length: buyersOfASeller }, (_, place) => {
        const buyer = buyers[(first + place) % buyers.length]
        invariant(buyer, 'a buyer is missing')
        return buyer.id
      })
      const secret = await inTransaction(db, asWorker, async (tx) => {
        for (const memberId of chosen)
          await giveConsent(tx, machineClock, {
            networkId,
            memberId,
            fromMemberId: seller.id,
            side: 'buyer',
            aMonthMinor,
            actor: 'quits',
          })
        const key = { name: 'bench', role: 'owner', organisationId: seller.organisationId, mayWrite: true } as const
        return (await makeKey(tx, machineClock, { ...key, livesDays: 7, actor: 'quits' })).secret
      })
      made.push({ secret, memberId: seller.id, buyers: chosen })
    }
    await settle(db)
    return { url, networkId, sellers: made }
  } finally {
    await db.close()
  }
}

/** A body of `POST /v1/trades`: a few pounds from this seller to one of its buyers, all in credits. */
export function tradeDealer(site: TradeSite, seed: number): (seller: Seller) => Record<string, unknown> {
  const dice = steadyDice(seed)
  const networkId = idText('network', site.networkId)
  const told = new Map<Uuid, string>()
  const member = (id: Uuid) => {
    const text = told.get(id) ?? idText('member', id)
    told.set(id, text)
    return text
  }
  return ({ memberId, buyers }) => ({
    networkId,
    sellerId: member(memberId),
    buyerId: member(buyers[dice(buyers.length)] ?? ''),
    description: 'Flour for November',
    lines: [
      {
        description: 'Flour, a sack',
        net: { amount: String(100 + dice(400)), currency: 'GBP' },
        treatment: 'outside',
      },
    ],
    creditBasisPoints: 10_000,
  })
}

/** By the names given back. */
export async function admitMembers(db: Db, networkId: Uuid, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, place) => `Business ${place + 1}`)
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
  invariant(made.done === count, `a member was refused: ${made.refusals[0]?.why}`)
  await db.pool.query(
    `update account set floor_minor = -$2::bigint, ceiling_minor = $2, soft_floor_minor = null, soft_ceiling_minor = null
      where network_id = $1 and kind = 'member'`,
    [networkId, limitMinor],
  )
  return names
}
