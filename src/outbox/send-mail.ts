/** Sends the mail that rooms have promised; a mail server that is down delays it and loses nothing. */
import type { Transporter } from 'nodemailer'
import { instantOf } from '../kit/clock.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import { mailLaneId, textOf } from '../networks/mail.ts'
import { giveBack, takeLease } from './lease.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { backOffMs } from './policy.ts'

export type Letter = { to: string; subject: string; text: string }
export type Mailer = {
  send(letter: Letter): Promise<void>
  /** A mail box that only shows its letters keeps their text; a real one does not need it any more. */
  keepsText: boolean
}

const mostAtOnce = 50
const mostAttempts = 50

export function smtpMailer(url: string, from: string): Mailer {
  let opened: Promise<Transporter> | null = null
  return {
    keepsText: false,
    send: async (letter) => {
      opened ??= import('nodemailer').then(({ default: nodemailer }) => nodemailer.createTransport(url))
      const transport = await opened
      await transport.sendMail({ from, to: letter.to, subject: letter.subject, text: letter.text })
    },
  }
}

/** Letters stay in the mail box, where the demonstration shows them. */
export const shownMailer: Mailer = { keepsText: true, send: async () => {} }

/** Gives the number of letters dealt with. */
export async function sendMail(deps: OutboxDeps, mailer: Mailer): Promise<number> {
  const lease = await takeLease(deps.db, deps.worker, 'mail')
  if (!lease || lease.laneId !== mailLaneId) return 0
  const due = await inTransaction(deps.db, asWorker, (tx) =>
    tx.mail.findMany({
      where: { sentAt: null, failed: null, dueAt: { lte: deps.clock.now() } },
      orderBy: { madeAt: 'asc' },
      take: mostAtOnce,
    }),
  )
  for (const letter of due) {
    try {
      await mailer.send({ to: letter.recipient, subject: letter.subject, text: textOf(deps.seal, letter) })
      await inTransaction(deps.db, asWorker, (tx) =>
        tx.mail.update({
          where: { id: letter.id },
          data: { sentAt: deps.clock.now(), ...(mailer.keepsText ? {} : { body: '' }) },
        }),
      )
    } catch (error) {
      deps.log.warn({ error, mail: letter.id }, 'a mail could not be sent; it waits')
      const attempts = letter.attempts + 1
      const dueAt = instantOf(deps.clock.now().getTime() + backOffMs(attempts, deps.dice()))
      await inTransaction(deps.db, asWorker, (tx) =>
        tx.mail.update({
          where: { id: letter.id },
          data: { attempts, dueAt, ...(attempts >= mostAttempts ? { failed: 'gave up', body: '' } : {}) },
        }),
      )
    }
  }
  await giveBack(deps.db, lease, {}, due.length === mostAtOnce ? 0 : due.length > 0 ? 1_000 : 60_000)
  return due.length
}
