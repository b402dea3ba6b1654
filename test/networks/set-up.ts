/** A database of its own, a clock that both Node and Postgres follow, and shorthand for making networks and members. */
import type { Clock } from '../../src/kit/clock.ts'
import { asWorker, type Db, inTransaction, openDb, type Tx } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { admit } from '../../src/networks/admit.ts'
import type { LegalForm, ShownForm } from '../../src/networks/evidence.ts'
import { invite } from '../../src/networks/invite.ts'
import { textOf } from '../../src/networks/mail.ts'
import type { Member } from '../../src/networks/member.ts'
import { createNetwork, type Network } from '../../src/networks/network.ts'
import type { TermsBody } from '../../src/networks/terms.ts'
import { promisedPostingsOf } from '../../src/outbox/post-and-promise.ts'
import { freshDatabase, setDatabaseClock } from '../support/db.ts'

export const start = new Date('2026-11-02T10:00:00Z')
export const publicUrl = 'https://quits.example'
export const convener = { id: 'per_convener', name: 'Asha' }

export type SetUp = Awaited<ReturnType<typeof setUp>>

export async function setUp() {
  const fresh = await freshDatabase()
  const db = openDb(fresh.url, { connections: 5 })
  let at = start
  const clock: Clock = { now: () => at }
  await setDatabaseClock(fresh.url, at)
  const worker = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(db, asWorker, work)
  const seal = sealWith([new Uint8Array(32).fill(5)])
  let slugs = 0
  return {
    db: db as Db,
    clock,
    seal,
    worker,
    postings: postingsOf(db),
    promisedPostings: promisedPostingsOf(db),
    publicUrl,
    async travelTo(next: Date) {
      at = next
      await setDatabaseClock(fresh.url, at)
    },
    async network(terms: Partial<TermsBody> = {}, template = 'uk-business'): Promise<Network> {
      slugs += 1
      const slug = `valley-${slugs}`
      const organisation = { name: 'Valley Exchange CIC', form: formOf('cic') }
      const ask = { slug, name: 'Calder Valley', from: { template }, terms, organisation, actor: 'quits' }
      return worker((tx) =>
        createNetwork(tx, clock, { ...ask, convener: { email: 'asha@valley.example', name: 'Asha' } }),
      )
    },
    async member(network: Network, name: string, form: ShownForm = formOf('company')): Promise<Member> {
      return worker(async (tx) => {
        const email = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}@example.org`
        const ask = {
          networkId: network.id,
          email,
          organisation: { name, form, email },
          from: convener,
          publicUrl,
          seal,
        }
        const { member } = await invite(tx, clock, ask)
        return admit(tx, clock, { networkId: network.id, memberId: member.id, actor: convener.id })
      })
    },
    async mails(kind: string): Promise<{ recipient: string; subject: string; body: string }[]> {
      const letters = await worker((tx) => tx.mail.findMany({ where: { kind }, orderBy: { id: 'asc' } }))
      return letters.map((one) => ({ ...one, body: textOf(seal, one) }))
    },
    async end() {
      await db.close()
      await fresh.drop()
    },
  }
}

let numbers = 1_000_000
export function formOf(legalForm: LegalForm, partners: number | null = null): ShownForm {
  numbers += 1
  const registered: Partial<Record<LegalForm, string>> = {
    company: `0${numbers}`,
    cic: `0${numbers}`,
    llp: `OC${String(numbers).slice(-6)}`,
    cio: String(numbers),
    registered_society: 'RS007654',
  }
  const number = registered[legalForm]
  const statement = { kind: 'statement' as const, text: 'Stated by the person in charge.', on: '2026-10-01' }
  return { legalForm, partners, evidence: number ? { kind: 'registration_number', number } : statement }
}

export type Pair = { networkId: Uuid; memberId: Uuid }
