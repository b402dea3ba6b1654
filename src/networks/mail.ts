/**
 * Mail that is promised: rows in the caller's transaction, sent later by the outbox through the mail box's own lane.
 *
 * Keeps: a letter that holds a link is sealed for its row until it is sent, so a copied table opens no door.
 * Runs as the worker: only that role sees mail.
 */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idOfCause, newId, type Uuid } from '../kit/ids.ts'
import type { Seal } from '../kit/seal.ts'

/** There is one mail box, so one lane for it. */
export const mailLaneId = idOfCause('lane', 'mail')

export type NewMail = {
  /** What it is about: `invitation`, `sign_in`, `limit_answered`… */
  kind: string
  to: string
  subject: string
  /** Paragraphs of plain text. */
  paragraphs: string[]
  /** For a letter that holds a link which opens something. */
  seal?: Seal
}

export async function queueMail(tx: Tx, clock: Clock, mail: NewMail): Promise<Uuid> {
  const at = clock.now()
  const id = newId(at)
  const text = `${mail.paragraphs.join('\n\n')}\n`
  await tx.mail.create({
    data: {
      id,
      kind: mail.kind,
      recipient: mail.to,
      // A name in it may have come from a file or a book; a subject is one line.
      subject: mail.subject.replace(/\s+/g, ' '),
      body: mail.seal ? mail.seal.close(placeOf(id), text) : text,
      madeAt: at,
      dueAt: at,
    },
  })
  await makeLaneDue(tx, mailLaneId, 'mail')
  return id
}

/** The text of a letter. What is sealed is one word; a text ends with its line. */
export function textOf(seal: Seal, letter: { id: Uuid; body: string }): string {
  return /^v1\.\S+$/.test(letter.body) ? seal.open(placeOf(letter.id), letter.body) : letter.body
}

function placeOf(id: Uuid) {
  return { table: 'mail', row: id, column: 'body' }
}

/** Makes a lane (a book's or the mail box's) due at once, and wakes whoever keeps it. */
export async function makeLaneDue(tx: Tx, laneId: Uuid, kind: 'book' | 'mail'): Promise<void> {
  await tx.$executeRaw`
    insert into lane (id, kind, due_at) values (${laneId}::uuid, ${kind}, quits_now())
    on conflict (id) do update set due_at = least(lane.due_at, excluded.due_at)`
  await tx.$queryRaw`select pg_notify('quits_lane', ${laneId})::text`
}

/** To everyone who acts for an organisation in one of these roles; if there is nobody, to the organisation's own address. */
export async function queueMailToOrganisation(
  tx: Tx,
  clock: Clock,
  organisationId: Uuid,
  roles: ('owner' | 'staff' | 'bookkeeper')[],
  mail: Omit<NewMail, 'to'>,
): Promise<number> {
  const acting = await tx.actsFor.findMany({ where: { organisationId, endedAt: null, role: { in: roles } } })
  const people = await tx.person.findMany({ where: { id: { in: acting.map((one) => one.personId) } } })
  const own = people.length > 0 ? null : await tx.organisation.findUnique({ where: { id: organisationId } })
  const addresses = own?.email ? [own.email] : people.map((one) => one.email)
  for (const to of addresses) await queueMail(tx, clock, { ...mail, to })
  return addresses.length
}
