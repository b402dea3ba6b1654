/** How a network, its terms and a new organisation look in JSON. */
import { z } from 'zod'
import { Refusal } from '../../kit/refusal.ts'
import { legalForms, type ShownForm } from '../../networks/evidence.ts'
import type { Network } from '../../networks/network.ts'
import type { NewOrganisation } from '../../networks/organisation.ts'
import type { Fee, Terms, TermsBody } from '../../networks/terms.ts'
import { at, dayIn, email, idOut, instantOut, money, moneyIn, moneyOut, show, words } from './shapes.ts'

export const networkOut = z
  .object({
    id: idOut('network'),
    slug: z.string(),
    name: z.string(),
    organisationId: idOut('organisation').meta({ description: 'The legal person that runs it' }),
    currency: z.string(),
    scale: z.number().int().meta({ description: 'Decimal places of one unit: amounts are whole 10^-scale' }),
    timeZone: z.string(),
    state: z.enum(['open', 'paused', 'closed']),
    createdAt: instantOut,
  })
  .meta({ id: 'Network' })

export function showNetwork(network: Network): z.input<typeof networkOut> {
  return {
    ...network,
    id: show.id('network', network.id),
    organisationId: show.id('organisation', network.organisationId),
    createdAt: at(network.createdAt),
  }
}

const basisPoints = z.number().int().min(0).max(10_000).meta({ description: 'Hundredths of a per cent: 2000 is 20 %' })
const feeIn = z.strictObject({
  side: z.enum(['seller', 'buyer']),
  basisPoints: basisPoints,
  fixed: moneyIn,
  mode: z.enum(['credits', 'money']),
  words: words(200),
})

/** Every field may be left out: then it stays as it is (or as the template has it). */
export const termsIn = z
  .strictObject({
    defaultCreditLimit: moneyIn,
    defaultExposureLimit: moneyIn,
    maxCreditLimit: moneyIn,
    maxExposureLimit: moneyIn,
    softLimitBasisPoints: basisPoints.min(1),
    largestCreditShareBasisPoints: basisPoints.min(1),
    vatIn: z.enum(['money', 'credits']),
    proposalLifeDays: z.number().int().min(1).max(365),
    fees: z.array(feeIn).max(4),
    feesBackOnReversal: z.boolean(),
    settlementMode: z.enum(['running', 'periods']),
    settlementDay: z.number().int().min(1).max(28).nullable(),
    words: words(20_000),
  })
  .partial()
export const termsOut = z
  .object({
    version: z.number().int(),
    defaultCreditLimit: moneyOut,
    defaultExposureLimit: moneyOut,
    maxCreditLimit: moneyOut,
    maxExposureLimit: moneyOut,
    softLimitBasisPoints: z.number().int(),
    largestCreditShareBasisPoints: z.number().int(),
    vatIn: z.enum(['money', 'credits']),
    proposalLifeDays: z.number().int(),
    fees: z.array(
      z.object({
        side: z.enum(['seller', 'buyer']),
        basisPoints: z.number().int(),
        fixed: moneyOut,
        mode: z.enum(['credits', 'money']),
        words: z.string(),
      }),
    ),
    feesBackOnReversal: z.boolean(),
    settlementMode: z.enum(['running', 'periods']),
    settlementDay: z.number().int().nullable(),
    words: z.string(),
    madeBy: z.string(),
    from: instantOut,
  })
  .meta({ id: 'Terms' })

export function showTerms(terms: Terms, currency: string): z.input<typeof termsOut> {
  const { defaultCreditLimitMinor, defaultExposureLimitMinor, maxCreditLimitMinor, maxExposureLimitMinor } = terms
  return {
    version: terms.version,
    defaultCreditLimit: money(defaultCreditLimitMinor, currency),
    defaultExposureLimit: money(defaultExposureLimitMinor, currency),
    maxCreditLimit: money(maxCreditLimitMinor, currency),
    maxExposureLimit: money(maxExposureLimitMinor, currency),
    softLimitBasisPoints: terms.softLimitBasisPoints,
    largestCreditShareBasisPoints: terms.largestCreditShareBasisPoints,
    vatIn: terms.vatIn,
    proposalLifeDays: terms.proposalLifeDays,
    fees: terms.fees.map(({ fixedMinor, ...fee }) => ({ ...fee, fixed: money(BigInt(fixedMinor), currency) })),
    feesBackOnReversal: terms.feesBackOnReversal,
    settlementMode: terms.settlementMode,
    settlementDay: terms.settlementDay,
    words: terms.words,
    madeBy: terms.madeBy,
    from: at(terms.fromAt),
  }
}

/** What somebody sends as terms, in our own words. */
export function termsFrom(given: z.output<typeof termsIn>, currency: string): Partial<TermsBody> {
  const { defaultCreditLimit, defaultExposureLimit, maxCreditLimit, maxExposureLimit, fees, ...rest } = given
  const minor = (amount: { amountMinor: bigint; currency: string }) => inCurrency(amount, currency)
  const change = {
    ...rest,
    ...(defaultCreditLimit && { defaultCreditLimitMinor: minor(defaultCreditLimit) }),
    ...(defaultExposureLimit && { defaultExposureLimitMinor: minor(defaultExposureLimit) }),
    ...(maxCreditLimit && { maxCreditLimitMinor: minor(maxCreditLimit) }),
    ...(maxExposureLimit && { maxExposureLimitMinor: minor(maxExposureLimit) }),
    ...(fees && { fees: fees.map(({ fixed, ...fee }): Fee => ({ ...fee, fixedMinor: String(minor(fixed)) })) }),
  }
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<TermsBody>
}

/** Amounts of other currencies are refused before any rule is asked. */
export function inCurrency(given: { amountMinor: bigint; currency: string }, wanted: string): bigint {
  if (given.currency === wanted) return given.amountMinor
  throw new Refusal('currencies_differ', { wanted, currency: given.currency })
}

export const formIn = z
  .strictObject({
    legalForm: z.enum(legalForms),
    partners: z.number().int().min(2).max(1000).nullable().default(null).meta({ description: 'Of a partnership' }),
    evidence: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('registration_number'), number: words(30) }),
      z.strictObject({ kind: z.literal('statement'), text: words(2000), on: dayIn }),
    ]),
  })
  .meta({
    description:
      'The legal form and how it is shown. Registered forms (company, llp, cic, cio, registered_society) give their number; ' +
      'the others (public_body, partnership, sole_trader, unincorporated_association) a statement with its day.',
    examples: [
      { legalForm: 'company', evidence: { kind: 'registration_number', number: '01234567' } },
      {
        legalForm: 'sole_trader',
        evidence: { kind: 'statement', text: 'Trades under her own name', on: '2026-11-02' },
      },
    ],
  })
export const vatIn = z
  .strictObject({
    registered: z.boolean(),
    number: words(20).nullish(),
    fromOn: dayIn.nullish(),
    scheme: z.enum(['accrual', 'cash', 'flat_rate', 'unknown']).nullish(),
  })
  .meta({ examples: [{ registered: true, number: 'GB123456789', scheme: 'accrual' }] })
export const organisationIn = z.strictObject({
  name: words(200),
  form: formIn.optional(),
  vat: vatIn.optional(),
  email: email.nullish(),
  address: words(500).nullish(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'A country is two capital letters, e.g. "GB".')
    .optional(),
})

export function organisationAsk(given: z.output<typeof organisationIn>): NewOrganisation {
  const { vat, ...rest } = given
  return { ...rest, ...(vat ? { vat: vatAsk(vat) } : {}) }
}

export function vatAsk(given: z.output<typeof vatIn>) {
  return {
    registered: given.registered,
    number: given.number ?? null,
    fromOn: given.fromOn ?? null,
    scheme: given.scheme ?? null,
  }
}

export function formAsk(given: z.output<typeof formIn>): ShownForm {
  return given
}
