/**
 * A network made for a simulation: plain accounts with narrow limits, and members with standing consents between all of them.
 *
 * Keeps: only names and ids leave this file, so that writers in other processes can be told of it as text.
 */
import { machineClock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../../src/kit/db.ts'
import { idOfCause, type Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { networkAccountId, openAccount } from '../../src/ledger/account.ts'
import { importMembers } from '../../src/networks/import-members.ts'
import { createNetwork } from '../../src/networks/network.ts'
import { giveConsent } from '../../src/trades/standing-consent.ts'

export type Consent = { id: Uuid; sellerMemberId: Uuid; buyerMemberId: Uuid }
export type Scene = { networkId: Uuid; feesId: Uuid; accounts: Uuid[]; consents: Consent[] }

/** Narrow, so that a good part of what is asked is refused. In pence; the last is a business that may never owe. */
const limits = [
  { floorMinor: -5_000n, ceilingMinor: 5_000n },
  { floorMinor: -3_000n, ceilingMinor: 4_000n },
  { floorMinor: -2_500n, ceilingMinor: 2_500n },
  { floorMinor: -4_000n, ceilingMinor: 3_000n },
  { floorMinor: -1_000n, ceilingMinor: 6_000n },
  { floorMinor: 0n, ceilingMinor: 5_000n, neverBelowZero: true },
]
const members = 5
const limitOfMembers = '60.00'
/** A month's worth that a busy pair uses up. */
const aMonthMinor = [20_000n, 1_000_000n, 60_000n]

export async function openScene(db: Db, slug: string): Promise<Scene> {
  const form = { legalForm: 'cic', evidence: { kind: 'registration_number', number: '01234567' } } as const
  const { id: networkId } = await inTransaction(db, asWorker, (tx) =>
    createNetwork(tx, machineClock, {
      slug,
      name: slug,
      from: { template: 'uk-business' },
      terms: { fees: [{ side: 'seller', basisPoints: 100, fixedMinor: '2', mode: 'credits', words: 'Network fee' }] },
      organisation: { name: `${slug} CIC`, form: { ...form, partners: null } },
      actor: 'quits',
    }),
  )
  const accounts = limits.map((_, place) => idOfCause('account', networkId, String(place)))
  await inTransaction(db, asWorker, async (tx) => {
    for (const [place, limit] of limits.entries()) {
      const id = accounts[place]
      invariant(id, 'an account is missing')
      await openAccount(tx, { networkId, id, kind: 'gateway', memberId: null, openedAt: machineClock.now(), ...limit })
    }
  })
  await admitMembers(db, networkId, slug)
  return {
    networkId,
    feesId: networkAccountId(networkId, 'fees'),
    accounts,
    consents: await giveConsents(db, networkId),
  }
}

async function admitMembers(db: Db, networkId: Uuid, slug: string): Promise<void> {
  const lines = Array.from(
    { length: members },
    (_, place) =>
      `Business ${place + 1},${place}@${slug}.example,company,0${4_000_000 + place},${limitOfMembers},${limitOfMembers}`,
  )
  const header = 'name,email,legal_form,registration_number,credit_limit,exposure_limit'
  const made = await importMembers(
    { db, clock: machineClock },
    { networkId, fileName: 'members.csv', text: `${header}\n${lines.join('\n')}\n`, dryRun: false, actor: 'quits' },
  )
  invariant(made.done === members, `a member was refused: ${made.refusals[0]?.why}`)
}

/** Each buyer says yes beforehand to each seller, some for little and some for much. */
async function giveConsents(db: Db, networkId: Uuid): Promise<Consent[]> {
  return inTransaction(db, asWorker, async (tx) => {
    const all = await tx.member.findMany({
      where: { networkId },
      orderBy: { invoicePrefix: 'asc' },
      select: { id: true },
    })
    const consents: Consent[] = []
    for (const buyer of all)
      for (const seller of all) {
        if (buyer.id === seller.id) continue
        const given = await giveConsent(tx, machineClock, {
          networkId,
          memberId: buyer.id,
          fromMemberId: seller.id,
          side: 'buyer',
          aMonthMinor: aMonthMinor[consents.length % aMonthMinor.length] as bigint,
          actor: 'quits',
        })
        consents.push({ id: given.id, sellerMemberId: seller.id, buyerMemberId: buyer.id })
      }
    return consents
  })
}
