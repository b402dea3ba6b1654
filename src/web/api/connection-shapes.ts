/** How a connection, its lists, its mapping and a preview look in JSON. Never a token, never a figure of the book. */
import { z } from 'zod'
import { type Connection, missingIn } from '../../books/connection.ts'
import { type MappingKept, mappingShape } from '../../books/mapping.ts'
import { type Pause, pauseOf } from '../../books/pause.ts'
import type { PreviewTrade } from '../../outbox/preview.ts'
import { inOneBreath, wordsFor } from '../../outbox/words.ts'
import { dayOut, idOut, at as instant, instantOut, money, moneyOut, show } from './shapes.ts'

export const bookKinds = ['xero', 'quickbooks', 'fake'] as const

const nextSteps: Record<Connection['state'], string> = {
  choosing: 'Choose which of the offered books it is for.',
  mapping: 'Look at the mapping and confirm it (PUT …/connection/mapping).',
  live: 'Nothing; what is promised is written by itself.',
  paused: 'Resume it when it should go on.',
  needs_sign_in: 'Give consent again (POST …/connection/consents) and choose the same book.',
  ended: 'Give consent again to connect a book.',
}

export const pauseOut = z
  .object({ by: z.string().nullable(), at: instantOut.nullable(), reason: z.string().nullable() })
  .meta({ id: 'Pause' })

export function showPause(pause: Pause | null): z.input<typeof pauseOut> | null {
  return pause && { by: pause.by, at: instant(pause.at), reason: pause.reason }
}

export const connectionOut = z
  .object({
    id: idOut('connection'),
    kind: z.enum(bookKinds),
    bookId: z.string(),
    bookName: z.string(),
    country: z.string(),
    currency: z.string(),
    state: z.enum(['choosing', 'mapping', 'live', 'paused', 'needs_sign_in', 'ended']),
    nextStep: z.string(),
    askFirst: z.number().int().nullable().meta({ description: 'So many trades wait for a yes; null: always' }),
    yesGiven: z.number().int(),
    lockedThrough: dayOut.nullable().meta({ description: 'Days up to this one are closed in the book' }),
    plan: z.string().nullable(),
    vatRegistered: z.boolean(),
    profileReadAt: instantOut,
    lastGoodCallAt: instantOut.nullable().meta({ description: 'Health: the last call that worked' }),
    lastError: z
      .object({
        cause: z.string(),
        words: z.string(),
        at: z.string(),
        missing: z
          .array(z.string())
          .meta({ description: 'What the consent does not cover, in the vendor’s own names' }),
      })
      .nullable(),
    paused: pauseOut.nullable().meta({ description: 'By whom, when and why; null while it is not paused' }),
  })
  .meta({ id: 'Connection' })

export function showConnection(connection: Connection): z.input<typeof connectionOut> {
  const { profile, lastError } = connection
  return {
    id: show.id('connection', connection.id),
    kind: connection.kind,
    bookId: connection.bookId,
    bookName: connection.bookName,
    country: profile.country,
    currency: profile.currency,
    state: connection.state,
    nextStep: nextSteps[connection.state],
    askFirst: connection.askFirst,
    yesGiven: connection.yesGiven,
    lockedThrough: profile.lockedThrough,
    plan: profile.plan,
    vatRegistered: profile.vat.registered,
    profileReadAt: instant(connection.profileReadAt),
    lastGoodCallAt: instant(connection.lastGoodCallAt),
    lastError: lastError && {
      cause: lastError.cause,
      words: inOneBreath(wordsFor(lastError.cause)),
      at: lastError.at,
      missing: missingIn(lastError),
    },
    paused: showPause(pauseOf(connection)),
  }
}

export const offeredOut = z.object({
  bookId: z.string(),
  bookName: z.string(),
  country: z.string().nullable(),
  currency: z.string().nullable(),
})

export const mappingOut = z
  .object({
    version: z.number().int(),
    confirmed: z.boolean().meta({ description: 'False: only proposed; nothing is written until it is confirmed' }),
    confirmedAt: instantOut.nullable(),
    checkedAt: instantOut.nullable(),
    mapping: mappingShape.partial().meta({ description: 'As confirmed, or as proposed with what could be guessed' }),
    problems: z.array(z.object({ field: z.string(), why: z.string() })),
    notices: z.array(z.object({ field: z.string(), why: z.string() })).meta({
      description: 'What was renamed in the book since a person confirmed the mapping; it is used as before',
    }),
    lists: z.object({
      accounts: z.array(
        z.object({
          id: z.string(),
          code: z.string().nullable(),
          name: z.string(),
          kind: z.string(),
          takesPayments: z.boolean(),
        }),
      ),
      taxCodes: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          rateBasisPoints: z.number().int(),
          uses: z.array(z.string()),
          treatment: z.string().nullable(),
        }),
      ),
      sellable: z.array(z.object({ id: z.string(), name: z.string() })).meta({
        description: 'What a sale needs besides an account (QuickBooks: items)',
      }),
      needsSellable: z.boolean(),
    }),
  })
  .meta({ id: 'Mapping' })

export function showMapping(kept: MappingKept, profile: Connection['profile']): z.input<typeof mappingOut> {
  return {
    version: kept.version,
    confirmed: kept.mapping !== null,
    confirmedAt: instant(kept.confirmedAt),
    checkedAt: instant(kept.checkedAt),
    mapping: kept.mapping ?? kept.draft,
    problems: (kept.problem ?? []).filter((one) => !one.isNotice),
    notices: (kept.problem ?? []).filter((one) => one.isNotice).map(({ field, why }) => ({ field, why })),
    lists: {
      accounts: profile.accounts
        .filter((one) => one.active && !one.reserved)
        .map(({ id, code, name, kind, takesPayments }) => ({ id, code, name, kind, takesPayments })),
      taxCodes: profile.taxCodes
        .filter((one) => one.active)
        .map(({ id, name, rateBasisPoints, uses, treatment }) => ({ id, name, rateBasisPoints, uses, treatment })),
      sellable: profile.items.filter((one) => one.active).map(({ id, name }) => ({ id, name })),
      needsSellable: profile.needsItem,
    },
  }
}

export const previewOut = z
  .object({
    tradeId: idOut('trade'),
    documents: z.array(
      z.object({
        deliveryId: idOut('delivery'),
        kind: z.string(),
        reference: z.string(),
        contact: z.string(),
        number: z.string().nullable(),
        datedOn: dayOut.nullable(),
        dueOn: dayOut.nullable(),
        lines: z.array(
          z.object({
            description: z.string(),
            net: moneyOut,
            vat: moneyOut,
            account: z.string().nullable(),
            taxCode: z.string().nullable(),
          }),
        ),
        total: moneyOut,
        open: moneyOut.nullable().meta({ description: 'What stays open on it once the trade’s payments stand too' }),
        isNewContact: z.boolean(),
        isLinked: z.boolean().meta({ description: 'It stands in the book already and is used as it is' }),
        entries: z.array(z.object({ account: z.string(), debit: moneyOut, credit: moneyOut })),
        remarks: z.array(z.string()),
        account: z.string().nullable().meta({ description: 'The account that pays or is paid into' }),
        note: z.string(),
        trouble: z.object({ says: z.string(), fix: z.string(), button: z.string(), who: z.string() }).nullable(),
      }),
    ),
  })
  .meta({ id: 'Preview', description: 'The exact documents of one trade as they will look in this book' })

export function showPreview(preview: PreviewTrade, currency: string): z.input<typeof previewOut> {
  return {
    tradeId: show.id('trade', preview.tradeId),
    documents: preview.documents.map(({ deliveryId, totalMinor, openMinor, lines, entries, ...rest }) => ({
      ...rest,
      open: openMinor === null ? null : money(openMinor, currency),
      entries: entries.map(({ account, debitMinor, creditMinor }) => ({
        account,
        debit: money(debitMinor, currency),
        credit: money(creditMinor, currency),
      })),
      deliveryId: show.id('delivery', deliveryId),
      total: money(totalMinor, currency),
      lines: lines.map(({ netMinor, vatMinor, ...line }) => ({
        ...line,
        net: money(netMinor, currency),
        vat: money(vatMinor, currency),
      })),
    })),
  }
}
