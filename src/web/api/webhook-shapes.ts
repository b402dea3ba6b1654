/** How a webhook and what was told to it look in JSON. */
import { z } from 'zod'
import { factsToldBy, type ListedNotice, noticeStates } from '../../outbox/notice.ts'
import { noticeKinds, type WebhookAddress } from '../../outbox/webhook-address.ts'
import { idOut, at as instant, instantOut, pageQuery, show } from './shapes.ts'

export const webhookIn = z
  .strictObject({
    url: z.string().min(1).max(2000).meta({ description: 'https, and an address that can be reached from everywhere' }),
    events: z
      .array(z.enum(noticeKinds))
      .min(1)
      .max(noticeKinds.length)
      .default([...noticeKinds])
      .meta({ description: 'Left out: all of them' }),
  })
  .meta({ examples: [{ url: 'https://shop.example/quits', events: ['trade.accepted', 'trade.reversed'] }] })

export const webhookOut = z
  .object({
    id: idOut('webhook'),
    networkId: idOut('network'),
    organisationId: idOut('organisation')
      .nullable()
      .meta({ description: 'Of whom it hears; null: of the whole network' }),
    url: z.string(),
    events: z.array(z.string()),
    state: z
      .enum(['good', 'failing', 'off'])
      .meta({ description: 'Failing: the last try was not taken, and it is tried again' }),
    madeAt: instantOut,
    failingSince: instantOut.nullable(),
    offAt: instantOut.nullable(),
    offCause: z.string().nullable(),
  })
  .meta({ id: 'Webhook' })

export const secretOut = z.object({
  webhook: webhookOut,
  secret: z.string().nullable().meta({
    description: 'Told this once: what follows `whsec_`, read as base64, signs. Null when this answer is a repeat.',
  }),
})

export const noticeQuery = z.strictObject({ ...pageQuery, state: z.enum(noticeStates).optional() })

export const noticeOut = z
  .object({
    id: idOut('notice').meta({ description: 'The `webhook-id` of every try' }),
    type: z.string(),
    data: z.record(z.string(), z.string().nullable()),
    happenedAt: instantOut,
    state: z.enum(noticeStates),
    attempts: z.number().int(),
    lastStatus: z.string().nullable().meta({ description: 'The status of the last try, or why there was none' }),
    dueAt: instantOut.nullable().meta({ description: 'When it is tried next, where it waits' }),
    takenAt: instantOut.nullable(),
  })
  .meta({ id: 'Notice' })

export const changedOut = z.object({ count: z.number().int().meta({ description: 'How many are sent anew' }) })

export function showWebhook(address: WebhookAddress): z.input<typeof webhookOut> {
  const { failingAt, offAt, organisationId } = address
  return {
    id: show.id('webhook', address.id),
    networkId: show.id('network', address.networkId),
    organisationId: organisationId && show.id('organisation', organisationId),
    url: address.url,
    events: address.whats,
    state: offAt ? 'off' : failingAt ? 'failing' : 'good',
    madeAt: instant(address.madeAt),
    failingSince: instant(failingAt),
    offAt: instant(offAt),
    offCause: address.offCause,
  }
}

export function showNotice(notice: ListedNotice): z.input<typeof noticeOut> {
  return {
    id: show.id('notice', notice.id),
    type: notice.what,
    data: factsToldBy(notice),
    happenedAt: instant(notice.happenedAt),
    state: notice.state,
    attempts: notice.attempts,
    lastStatus: notice.lastStatus,
    dueAt: notice.state === 'waiting' ? instant(notice.dueAt) : null,
    takenAt: instant(notice.takenAt),
  }
}
