/**
 * The organisation's own particulars, and what the connecting person and plan may do.
 */
import { dayStamp, instantStamp } from './answers.ts'
import type { XeroBook } from './book.ts'
import type { Element } from './elements.ts'
import type { Endpoint } from './endpoint.ts'

const scope = 'accounting.settings'
const actions = [
  'CreateApprovedInvoice',
  'CreateDraftInvoice',
  'CreateApprovedBill',
  'CreateDraftBill',
  'CreateInvoicePayment',
  'AttachFilesIntoInvoice',
  'CreateRepeatingInvoice',
  'CreateRepeatingBill',
  'CreateSentQuote',
  'CreateDraftQuote',
  'CreateApprovedPurchaseOrder',
  'CreateDraftPurchaseOrder',
]

export const organisationEndpoints: Endpoint[] = [
  { method: 'GET', path: '/Organisation', scope, act: ({ book }) => ({ Organisations: [render(book)] }) },
  {
    method: 'GET',
    path: '/Organisation/Actions',
    scope,
    act: ({ book }) => ({
      Actions: [
        ...actions.map((Name) => ({ Name, Status: 'ALLOWED' })),
        { Name: 'UseMulticurrency', Status: 'NOT-ALLOWED' },
        {
          Name: 'ApproveTransactionsBeforePeriodLockDate',
          Status: book.settings.adviser ? 'ALLOWED' : 'NOT-ALLOWED',
        },
      ],
    }),
  },
  {
    method: 'GET',
    path: '/Currencies',
    scope,
    act: ({ book }) => ({ Currencies: [{ Code: book.settings.currency, Description: book.settings.currency }] }),
  },
  { method: 'GET', path: '/TrackingCategories', scope, act: () => ({ TrackingCategories: [] }) },
]

function render({ settings }: XeroBook): Element {
  const { periodLockDate, endOfYearLockDate } = settings
  return {
    OrganisationID: settings.id,
    Name: settings.name,
    LegalName: settings.legalName,
    PaysTax: settings.paysTax,
    Version: settings.countryCode === 'GB' ? 'UK' : 'GLOBAL',
    OrganisationType: 'COMPANY',
    BaseCurrency: settings.currency,
    CountryCode: settings.countryCode,
    IsDemoCompany: false,
    OrganisationStatus: 'ACTIVE',
    ...(settings.taxNumber === undefined ? {} : { TaxNumber: settings.taxNumber }),
    FinancialYearEndDay: settings.financialYearEnd.day,
    FinancialYearEndMonth: settings.financialYearEnd.month,
    SalesTaxBasis: settings.salesTaxBasis,
    SalesTaxPeriod: settings.paysTax ? 'QUARTERLY' : 'NONE',
    DefaultSalesTax: 'Tax Exclusive',
    DefaultPurchasesTax: 'Tax Exclusive',
    ...(periodLockDate === undefined ? {} : { PeriodLockDate: dayStamp(periodLockDate) }),
    ...(endOfYearLockDate === undefined ? {} : { EndOfYearLockDate: dayStamp(endOfYearLockDate) }),
    CreatedDateUTC: instantStamp(settings.createdAt),
    OrganisationEntityType: 'COMPANY',
    Timezone: settings.timezone,
    ShortCode: settings.shortCode,
    Edition: 'BUSINESS',
    Class: settings.plan,
    Addresses: [],
    Phones: [],
    ExternalLinks: [],
    PaymentTerms: {},
  }
}
