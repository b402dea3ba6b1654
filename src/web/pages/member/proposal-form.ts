/** What the form of a proposal says, as people type it, turned into an ask of trades/propose. */
import { z } from 'zod'
import { idOfCause } from '../../../kit/ids.ts'
import type { PartAsk } from '../../../trades/price.ts'
import type { TradeAsk } from '../../../trades/proposal.ts'
import type { AtMember } from '../../api/place.ts'
import { dayIn, idIn, words } from '../../api/shapes.ts'
import type { Visit } from '../../page.ts'
import { amountShape, maybe, maybeWords, percentShape } from '../typed-form.tsx'
import type { Here } from '../whereabouts.ts'

export const mostRows = 8
export const rowNumbers = Array.from({ length: mostRows }, (_, place) => place + 1)

/** What can be chosen, those that are refused with their reason too. */
export const treatments = [
  { value: 'standard', text: 'Standard rate, 20 %' },
  { value: 'reduced', text: 'Reduced rate, 5 %' },
  { value: 'zero', text: 'Zero rate' },
  { value: 'exempt', text: 'Exempt' },
  { value: 'outside', text: 'Outside VAT (seller not registered)' },
  { value: 'reverse_charge', text: 'Domestic reverse charge' },
  { value: 'cis', text: 'CIS deduction (not taken)' },
  { value: 'margin_scheme', text: 'Margin scheme (not taken)' },
  { value: 'abroad', text: 'To or from abroad (not taken)' },
]

const head = z.object({
  side: z.enum(['seller', 'buyer'], 'Choose whether you sell or buy.'),
  other: idIn('member'),
  description: words(500),
  tradedOn: dayIn,
  dueOn: maybe(dayIn),
  buyerReference: maybeWords(100),
  reserve: z.literal('yes').optional(),
  part: z.enum(['most', 'amount', 'percent']),
  key: maybeWords(64),
})

/** Everything at once, so that all that is wrong is told at once. */
function wholeShape(scale: number) {
  const rows = rowNumbers.map((row) => [
    [`description${row}`, maybeWords(500)],
    [`net${row}`, maybe(amountShape(scale, 1n))],
    [`treatment${row}`, z.string().max(30).optional()],
  ])
  return z
    .object({ ...head.shape, ...Object.fromEntries(rows.flat()), partValue: z.string().max(30).optional() })
    .superRefine((given: Record<string, unknown>, context) => {
      const tell = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
      for (const row of rowNumbers) {
        const [description, net] = [given[`description${row}`], given[`net${row}`]]
        if (net !== undefined && description === undefined)
          tell(`description${row}`, `Line ${row} needs a description.`)
        if (net === undefined && description !== undefined) tell(`net${row}`, `Line ${row} needs an amount.`)
      }
      if (given.part === 'most') return
      const shape = given.part === 'percent' ? percentShape() : amountShape(scale, 1n)
      const part = shape.safeParse(given.partValue ?? '')
      if (!part.success) tell('partValue', part.error.issues[0]?.message ?? '')
    })
}

export function proposalTyped(visit: Visit, here: Here<AtMember>): TradeAsk {
  const { network, networkId, member, actor } = here
  const { scale } = network
  const whole = visit.form(wholeShape(scale)) as Record<string, unknown>
  const given = visit.form(head)
  const isSeller = given.side === 'seller'
  return {
    networkId,
    // The same form sent twice is the same trade.
    id: idOfCause('trade', networkId, member.id, given.key ?? ''),
    actor: actor.id,
    proposedBy: given.side,
    sellerMemberId: isSeller ? member.id : given.other,
    buyerMemberId: isSeller ? given.other : member.id,
    currency: network.currency,
    lines: rowNumbers.flatMap((row) => {
      const netMinor = whole[`net${row}`]
      if (typeof netMinor !== 'bigint') return []
      return [
        {
          description: String(whole[`description${row}`]),
          netMinor,
          treatment: String(whole[`treatment${row}`] ?? ''),
        },
      ]
    }),
    part: partTyped(given.part, String(whole.partValue ?? ''), scale),
    description: given.description,
    tradedOn: given.tradedOn,
    ...(given.dueOn ? { dueOn: given.dueOn } : {}),
    buyerReference: given.buyerReference ?? null,
    reserve: given.reserve === 'yes' && !isSeller,
    source: 'page',
  }
}

function partTyped(part: 'most' | 'amount' | 'percent', value: string, scale: number): PartAsk {
  if (part === 'amount') return { creditMinor: amountShape(scale, 1n).parse(value) }
  if (part === 'percent') return { creditBasisPoints: percentShape().parse(value) }
  return {}
}

/** The fields of the form, so that a preview carries all of them along. */
export const fieldNames = [
  ...Object.keys(head.shape).filter((name) => name !== 'key'),
  'partValue',
  ...rowNumbers.flatMap((row) => [`description${row}`, `net${row}`, `treatment${row}`]),
]
