/**
 * The first guess at a mapping: each choice prefilled from the book's own lists, so that a person only looks and says yes.
 * Pure.
 */
import type { BookAccount, BookProfile, BookTaxCode, TaxUse, VatTreatment } from '../../connectors/port.ts'
import type { MappingDraft } from './mapping.ts'

export const treatments: readonly VatTreatment[] = [
  'standard',
  'reduced',
  'zero',
  'exempt',
  'outside',
  'reverse_charge',
]

export function proposeMapping(profile: BookProfile, creditAccountNames: string[]): MappingDraft {
  const usable = profile.accounts.filter((one) => one.active && !one.reserved)
  const ofKind = (kind: BookAccount['kind']) => usable.filter((one) => one.kind === kind)
  const credit = usable.find((one) => creditAccountNames.includes(one.name) && isCreditKind(one))
  const thing = profile.needsItem ? profile.items.find((one) => one.active && one.incomeAccountId !== null) : undefined
  const draft: MappingDraft = {
    creditAccountKind: credit?.kind === 'current_liability' ? 'current_liability' : 'bank',
    bankScreen: 'reconciled',
    salesItemId: thing?.id ?? null,
    vatCodes: {
      sales: codesFor(profile.taxCodes, 'sales'),
      purchases: codesFor(profile.taxCodes, 'purchases'),
    },
  }
  const sales =
    thing?.incomeAccountId ?? best(ofKind('income'), /^sales|^turnover|trading income/i, /sales|income/i)?.id
  const cost = best(ofKind('expense'), /^general expenses/i, /purchases|cost of (goods|sales)|expenses/i)?.id
  const fee = best(ofKind('expense'), /subscription|membership/i, /fees|charges/i)?.id
  if (credit) draft.creditAccountId = credit.id
  if (sales) draft.salesAccountId = sales
  if (cost) draft.costAccountId = cost
  if (fee) draft.feeAccountId = fee
  return draft
}

/** A code is proposed when the connector is sure of it, or when just one code has the rate on that side. */
function codesFor(codes: BookTaxCode[], use: TaxUse): Record<VatTreatment, string | null> {
  const usable = codes.filter((one) => one.active && one.uses.includes(use))
  const codeFor = (treatment: VatTreatment): string | null => {
    const sure = usable.find((one) => one.treatment === treatment)
    if (sure) return sure.id
    const rate = { standard: 2000, reduced: 500 }[treatment as string]
    const alike =
      rate === undefined ? [] : usable.filter((one) => one.treatment === null && one.rateBasisPoints === rate)
    return alike.length === 1 ? (alike[0]?.id ?? null) : null
  }
  const [standard, reduced, zero, exempt, outside, reverseCharge] = treatments.map(codeFor)
  return {
    standard: standard ?? null,
    reduced: reduced ?? null,
    zero: zero ?? null,
    exempt: exempt ?? null,
    outside: outside ?? null,
    reverse_charge: reverseCharge ?? null,
  }
}

function isCreditKind(account: BookAccount): boolean {
  return account.kind === 'bank' || (account.kind === 'current_liability' && account.takesPayments)
}

function best(accounts: BookAccount[], ...patterns: RegExp[]): BookAccount | undefined {
  for (const pattern of patterns) {
    const found = accounts.find((one) => pattern.test(one.name))
    if (found) return found
  }
  return accounts[0]
}
