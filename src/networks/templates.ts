/** Named sets of terms that a new network starts from: what works elsewhere, to be copied and then changed. */
import type { TermsBody } from './terms.ts'

export type Template = {
  name: string
  says: string
  currency: string
  scale: number
  timeZone: string
  terms: TermsBody
}

const ukTerms: TermsBody = {
  defaultCreditLimitMinor: 100_000n,
  defaultExposureLimitMinor: 500_000n,
  maxCreditLimitMinor: 2_500_000n,
  maxExposureLimitMinor: 5_000_000n,
  softLimitBasisPoints: 8_000,
  largestCreditShareBasisPoints: 10_000,
  vatIn: 'money',
  proposalLifeDays: 14,
  fees: [],
  feesBackOnReversal: true,
  settlementMode: 'running',
  settlementDay: null,
  words:
    'Members sell to each other and count what they owe in mutual credit, one for one with the pound. ' +
    'A balance below zero is settled by selling; nothing here can be cashed. VAT is always owed to the tax office in pounds.',
}

const uk = { currency: 'GBP', scale: 2, timeZone: 'Europe/London' }

export const templates = {
  'uk-business': {
    name: 'UK businesses',
    says: 'The net price in credits, VAT in pounds. No fees; £1,000 credit limit to begin with.',
    ...uk,
    terms: ukTerms,
  },
  'uk-all-credits': {
    name: 'UK businesses, all in credits',
    says: 'The whole price in credits, VAT included; each seller pays its VAT from its own pounds.',
    ...uk,
    terms: { ...ukTerms, vatIn: 'credits' },
  },
  'uk-monthly': {
    name: 'UK businesses, settled monthly',
    says: 'As "UK businesses", with 1 % of the part in credits from the seller and a settlement day on the 28th.',
    ...uk,
    terms: {
      ...ukTerms,
      fees: [
        {
          side: 'seller',
          basisPoints: 100,
          fixedMinor: '0',
          mode: 'credits',
          words: 'Network fee, 1 % of the part in credits',
        },
      ],
      settlementMode: 'periods',
      settlementDay: 28,
    },
  },
} as const satisfies Record<string, Template>

export type TemplateName = keyof typeof templates

export function isTemplate(name: string): name is TemplateName {
  return Object.hasOwn(templates, name)
}
