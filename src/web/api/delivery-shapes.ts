/** How a delivery and its tries look in JSON. */
import { z } from 'zod'
import { type Delivery, deliveryKinds } from '../../outbox/delivery.ts'
import { type LastTry, troubleOf } from '../../outbox/find-deliveries.ts'
import { candidatesOf } from '../../outbox/move-delivery.ts'
import { buttons } from '../../outbox/words.ts'
import { dayOut, idOut, at as instant, instantOut, money, moneyOut, show } from './shapes.ts'

export const deliveryStates = ['waiting', 'sending', 'delivered', 'parked', 'undone', 'dropped'] as const

const nextOut = z
  .object({
    button: z.string().meta({ description: 'The move that mends it: retry, choose_contact, mapping, redate, …' }),
    text: z.string(),
    route: z.string().nullable().meta({ description: 'Where that move is made; null: there is nothing to do here' }),
  })
  .meta({ id: 'NextAction' })

export const deliveryOut = z
  .object({
    id: idOut('delivery'),
    tradeId: idOut('trade').nullable(),
    kind: z.enum(deliveryKinds),
    reference: z.string().meta({ description: 'Our marker in the book' }),
    number: z.string().nullable(),
    datedOn: dayOut.nullable(),
    total: moneyOut.nullable(),
    state: z.enum(deliveryStates),
    dependsOn: z.array(idOut('delivery')),
    attempts: z.number().int(),
    dueAt: instantOut,
    cause: z.string().nullable().meta({
      description: 'Why it is not in the book: parked for a person, or waiting after a try that did not end well',
    }),
    words: z.string().nullable().meta({ description: 'What happened and what it means for the book, in plain words' }),
    who: z
      .enum(['bookkeeper', 'owner', 'convener', 'operator', 'nobody'])
      .nullable()
      .meta({ description: 'Whose it is' }),
    next: nextOut.nullable().meta({ description: 'The one next action' }),
    said: z.string().nullable().meta({ description: 'The book’s own words, as the last try got them' }),
    candidates: z
      .array(z.object({ contactId: z.string(), name: z.string(), email: z.string().nullable() }))
      .meta({ description: 'The contacts of the book to choose from, when the cause is an ambiguous contact' }),
    warnings: z.array(z.string()).meta({ description: 'The book’s words when it took it but was not happy' }),
    inTheBook: z
      .object({ id: z.string(), number: z.string().nullable(), deepLink: z.string().nullable() })
      .nullable()
      .meta({ description: 'What stands in the book, with a link into it' }),
    droppedReason: z.string().nullable(),
    promisedAt: instantOut,
    settledAt: instantOut.nullable(),
  })
  .meta({ id: 'Delivery' })

/** `memberPath`: the member’s own address in the API; `last`: what became of the last try. */
export function showDelivery(
  delivery: Delivery,
  { currency, memberPath, last }: { currency: string; memberPath: string; last: LastTry | undefined },
): z.input<typeof deliveryOut> {
  const { document, receipt } = delivery
  const trouble = troubleOf(delivery, last)
  const deed = trouble && buttons[trouble.button].deed
  const id = show.id('delivery', delivery.id)
  const amount = 'totalMinor' in document ? document.totalMinor : 'amountMinor' in document ? document.amountMinor : ''
  return {
    id,
    tradeId: delivery.tradeId && show.id('trade', delivery.tradeId),
    kind: delivery.kind,
    reference: delivery.reference,
    number: 'number' in document ? document.number : null,
    datedOn: 'datedOn' in document ? document.datedOn : null,
    total: /^-?\d+$/.test(amount) ? money(BigInt(amount), currency) : null,
    state: delivery.state,
    dependsOn: delivery.dependsOn.map((id) => show.id('delivery', id)),
    attempts: delivery.attempts,
    dueAt: instant(delivery.dueAt),
    cause: trouble?.cause ?? null,
    words: trouble?.words ?? null,
    who: trouble?.who ?? null,
    next: trouble && {
      button: trouble.button,
      text: trouble.fix,
      route: deed ? `${memberPath}/${deed.replace('{deliveryId}', id)}` : null,
    },
    said: trouble ? (last?.said ?? null) : null,
    candidates: (delivery.state === 'parked' ? candidatesOf(delivery) : []).map(({ id, ...rest }) => ({
      contactId: id,
      ...rest,
    })),
    warnings: delivery.warnings,
    inTheBook: receipt && { id: receipt.id, number: receipt.number, deepLink: receipt.deepLink },
    droppedReason: delivery.droppedReason,
    promisedAt: instant(delivery.promisedAt),
    settledAt: instant(delivery.settledAt),
  }
}

export const attemptOut = z
  .object({
    number: z.number().int(),
    verb: z.string(),
    startedAt: instantOut,
    endedAt: instantOut.nullable(),
    outcome: z.string().nullable(),
    cause: z.string().nullable(),
    said: z.string().nullable().meta({ description: 'The book’s own words' }),
    status: z.number().int().nullable(),
    callId: z.string().nullable().meta({ description: 'The vendor’s id of the call, for its support' }),
  })
  .meta({ id: 'Attempt' })

type AttemptRow = Omit<z.input<typeof attemptOut>, 'startedAt' | 'endedAt'> & { startedAt: Date; endedAt: Date | null }

export function showAttempt(row: AttemptRow): z.input<typeof attemptOut> {
  const { number, verb, outcome, cause, said, status, callId } = row
  return {
    number,
    verb,
    startedAt: instant(row.startedAt),
    endedAt: instant(row.endedAt),
    outcome,
    cause,
    said,
    status,
    callId,
  }
}
