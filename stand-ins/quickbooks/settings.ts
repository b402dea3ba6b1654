/**
 * What a company says about itself: CompanyInfo and Preferences.
 */
import { stamp } from './clocking.ts'
import type { Company } from './company.ts'
import type { Body } from './document.ts'

const founded = '2020-04-06'

export function aboutCompany(company: Company): Body {
  const { id, name, country, lapsed } = company.terms
  return {
    Id: '1',
    SyncToken: '0',
    domain: 'QBO',
    sparse: false,
    MetaData: { CreateTime: `${founded}T09:00:00-07:00`, LastUpdatedTime: stamp(company.clock.now()) },
    CompanyName: name,
    LegalName: name,
    Country: country,
    CompanyStartDate: founded,
    FiscalYearStartMonth: 'April',
    SupportedLanguages: 'en',
    CompanyAddr: { Id: '1', Line1: '1 Market Street', City: 'Exampleton', PostalCode: 'EX1 1AA', Country: country },
    NameValue: [
      { Name: 'NeoEnabled', Value: 'true' },
      { Name: 'OfferingSku', Value: 'QuickBooks Online Plus' },
      { Name: 'CompanyType', Value: 'Other' },
      { Name: 'SubscriptionStatus', Value: lapsed ? 'CANCELLED' : 'PAID' },
      { Name: 'RealmId', Value: id },
    ],
  }
}

export function preferences(company: Company): Body {
  const { terms } = company
  return {
    Id: '1',
    SyncToken: '0',
    domain: 'QBO',
    sparse: false,
    MetaData: { CreateTime: `${founded}T09:00:00-07:00`, LastUpdatedTime: stamp(company.clock.now()) },
    AccountingInfoPrefs: {
      UseAccountNumbers: false,
      FirstMonthOfFiscalYear: 'April',
      TaxYearMonth: 'April',
      ...(terms.closedThrough ? { BookCloseDate: terms.closedThrough } : {}),
    },
    SalesFormsPrefs: {
      CustomTxnNumbers: terms.customTxnNumbers,
      AllowDeposit: false,
      AllowDiscount: false,
      AutoApplyCredit: false,
      AutoApplyPayments: false,
    },
    VendorAndPurchasesPrefs: { EnableBills: true, TrackingByCustomer: false },
    TaxPrefs: { UsingSalesTax: terms.vat === 'registered' },
    CurrencyPrefs: { MultiCurrencyEnabled: terms.multiCurrency, HomeCurrency: { value: terms.currency } },
    OtherPrefs: { NameValue: [{ Name: 'WarnDuplicateBillNumber', Value: String(terms.warnDuplicateBills) }] },
  }
}
