/**
 * The letter about what needs a person: the words of the catalogue, cause by cause, to the people of the book they are about.
 *
 * Keeps: each parked delivery is told of once, and a book's people get one letter a day at most, whatever piles up.
 */
import type { Clock } from '../kit/clock.ts'
import { asWorker, type Db, inTransaction } from '../kit/db.ts'
import { idText, type Uuid } from '../kit/ids.ts'
import { queueMailToOrganisation } from '../networks/mail.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { inOneBreath, wordsFor } from './words.ts'

const mostBooks = 10_000

type Piled = { organisationId: Uuid; memberId: Uuid; business: string; network: string; cause: string; count: number }

/** A timed task. Gives the number of letters. */
export async function tellOfParked(deps: { db: Db; clock: Clock; config: { publicUrl: string } }): Promise<number> {
  const books = await inTransaction(
    deps.db,
    asWorker,
    (tx) => tx.$queryRaw<{ organisationId: Uuid }[]>`
      select distinct d.organisation_id as "organisationId" from delivery d
      where d.state = 'parked' and coalesce((d.parked_facts ->> 'at')::timestamptz, d.promised_at) > coalesce(
        (select max(t.done_at) from deed t where t.organisation_id = d.organisation_id and t.what = 'parked_told'), '-infinity')
        and not exists (select 1 from deed t where t.organisation_id = d.organisation_id and t.what = 'parked_told' and t.done_at > ${deps.clock.now()}::timestamptz - interval '20 hours')
      limit ${mostBooks}`,
  )
  let letters = 0
  for (const { organisationId } of books) letters += await tellOne(deps, organisationId)
  return letters
}

async function tellOne(
  deps: { db: Db; clock: Clock; config: { publicUrl: string } },
  organisationId: Uuid,
): Promise<number> {
  return inTransaction(deps.db, asWorker, async (tx) => {
    const piled = await tx.$queryRaw<Piled[]>`
      select d.organisation_id as "organisationId", m.id as "memberId", o.name as business, n.name as network, d.parked_cause as cause, count(*)::int as count
      from delivery d join organisation o on o.id = d.organisation_id join network n on n.id = d.network_id
      join member m on m.network_id = d.network_id and m.organisation_id = d.organisation_id
      where d.organisation_id = ${organisationId}::uuid and d.state = 'parked'
      group by 1, 2, 3, 4, 5 order by count(*) desc, d.parked_cause`
    const [first] = piled
    if (!first) return 0
    const count = piled.reduce((sum, one) => sum + one.count, 0)
    const letters = await queueMailToOrganisation(tx, deps.clock, organisationId, ['owner', 'bookkeeper'], {
      kind: 'parked',
      subject: `${count === 1 ? 'One document needs' : `${count} documents need`} you for the book of ${first.business}`,
      paragraphs: [
        ...piled.map((one) => {
          const words = wordsFor(one.cause)
          const page = `${deps.config.publicUrl}/members/${idText('member', one.memberId)}/deliveries?state=parked&cause=${encodeURIComponent(one.cause)}`
          return `${one.count} in ${one.network}: ${inOneBreath(words)} ${words.fix}\n${page}`
        }),
        'Everything else goes on by itself.',
      ],
    })
    await recordDeed(tx, deps.clock, { organisationId, actor: 'quits', what: 'parked_told', facts: { count } })
    return letters
  })
}
