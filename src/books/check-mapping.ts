/**
 * Does a mapping fit the book as it is now? Asked before it is confirmed, daily, and when the book refuses something. Pure.
 *
 * Says every fault at once, each with the field it is about and words a bookkeeper uses.
 */
import type { BookAccount, BookAccountKind, BookProfile, TaxUse, VatTreatment } from '../../connectors/port.ts'
import type { Mapping } from './mapping.ts'
import { treatments } from './propose-mapping.ts'

/** `isNotice`: it fits still, but a person should look whether it is what was meant. */
export type MappingFault = { field: string; why: string; isNotice?: true }

export function checkMapping(profile: BookProfile, mapping: Mapping): MappingFault[] {
  const account = (field: string, id: string | null | undefined, kinds: BookAccountKind[], says: string) =>
    id ? accountFault(profile.accounts, field, id, kinds, says) : []
  const { creditAccountKind: creditKind } = mapping
  return [
    ...account(
      'creditAccountId',
      mapping.creditAccountId,
      [creditKind],
      creditKind === 'bank' ? 'a bank account' : 'a current liability',
    ),
    ...paymentsFault(profile, mapping),
    ...account('salesAccountId', mapping.salesAccountId, ['income'], 'an income account'),
    ...saleThingFault(profile, mapping.salesItemId),
    ...account('costAccountId', mapping.costAccountId, ['expense'], 'an expense account'),
    ...account('feeAccountId', mapping.feeAccountId, ['expense'], 'an expense account'),
    ...account('lossAccountId', mapping.lossAccountId, ['expense'], 'an expense account'),
    ...account('netWagesAccountId', mapping.netWagesAccountId, ['current_liability'], 'a current liability'),
    ...account('staffBenefitAccountId', mapping.staffBenefitAccountId, ['expense'], 'an expense account'),
    ...account('settlementBankAccountId', mapping.settlementBankAccountId, ['bank'], 'a bank account'),
    ...account('otherIncomeAccountId', mapping.otherIncomeAccountId, ['income'], 'an income account'),
    ...(mapping.settlementBankAccountId === mapping.creditAccountId
      ? [
          {
            field: 'settlementBankAccountId',
            why: 'the bank account for settlement is the mutual-credit account itself',
          },
        ]
      : []),
    ...codeFaults(profile, mapping, 'sales'),
    ...codeFaults(profile, mapping, 'purchases'),
    ...(mapping.feeTaxCodeId ? codeFault(profile, 'feeTaxCodeId', mapping.feeTaxCodeId, 'purchases', null) : []),
  ]
}

function accountFault(
  accounts: BookAccount[],
  field: string,
  id: string,
  kinds: BookAccountKind[],
  says: string,
): MappingFault[] {
  const account = accounts.find((one) => one.id === id)
  if (!account) return [{ field, why: 'the account is not in the book any more' }]
  if (!account.active) return [{ field, why: `the account "${account.name}" was archived in the book` }]
  if (account.reserved) return [{ field, why: `the account "${account.name}" is the book’s own` }]
  if (!kinds.includes(account.kind)) return [{ field, why: `the account "${account.name}" is not ${says}` }]
  return []
}

function paymentsFault(profile: BookProfile, mapping: Mapping): MappingFault[] {
  const account = profile.accounts.find((one) => one.id === mapping.creditAccountId)
  if (!account || account.takesPayments) return []
  return [{ field: 'creditAccountId', why: `payments are not enabled on the account "${account.name}"` }]
}

function saleThingFault(profile: BookProfile, id: string | null): MappingFault[] {
  const field = 'salesItemId'
  if (!id) return profile.needsItem ? [{ field, why: 'this book needs an item for sales' }] : []
  const thing = profile.items.find((one) => one.id === id)
  if (!thing) return [{ field, why: 'the item for sales is not in the book any more' }]
  if (!thing.active) return [{ field, why: `the item "${thing.name}" was made inactive in the book` }]
  return thing.incomeAccountId ? [] : [{ field, why: `the item "${thing.name}" has no income account` }]
}

function codeFaults(profile: BookProfile, mapping: Mapping, use: TaxUse): MappingFault[] {
  return treatments.flatMap((treatment) => {
    const field = `vatCodes.${use}.${treatment}`
    const id = mapping.vatCodes[use][treatment]
    if (id) return codeFault(profile, field, id, use, treatment)
    // Others are asked when a trade needs them; without this one a registered book can hardly write anything.
    const isNeeded = profile.vat.registered && treatment === 'standard'
    return isNeeded ? [{ field, why: `there is no VAT code for ${use} at the standard rate` }] : []
  })
}

function codeFault(
  profile: BookProfile,
  field: string,
  id: string,
  use: TaxUse,
  treatment: VatTreatment | null,
): MappingFault[] {
  const code = profile.taxCodes.find((one) => one.id === id)
  if (!code) return [{ field, why: 'the VAT code is not in the book any more' }]
  if (!code.active) return [{ field, why: `the VAT code "${code.name}" was made inactive in the book` }]
  if (!code.uses.includes(use)) return [{ field, why: `the VAT code "${code.name}" is not for ${use}` }]
  const rate = treatment && profile.country === 'GB' ? ukRates[treatment] : undefined
  if (rate !== undefined && code.rateBasisPoints !== rate)
    return [{ field, why: `the VAT code "${code.name}" is at ${code.rateBasisPoints / 100} %, not ${rate / 100} %` }]
  return []
}

/** Reverse charge is left out: books differ in what rate they show for it. */
const ukRates: Partial<Record<VatTreatment, number>> = { standard: 2000, reduced: 500, zero: 0, exempt: 0, outside: 0 }
