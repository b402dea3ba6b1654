/**
 * Opens organisations: those of the demo, and any that a test asks for.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Account, Contact } from './book.ts'
import { XeroBook } from './book.ts'
import { chartFor, standardTaxTypes, taxRatesFor } from './chart.ts'

export interface XeroOrganisationSeed {
  name: string
  country?: string
  currency?: string
  vat?: 'registered' | 'none'
  taxNumber?: string
  salesTaxBasis?: string
  shortCode?: string
  plan?: 'STARTER' | 'STANDARD' | 'PREMIUM'
  approvalCap?: { sales: number; bills: number }
  adviser?: boolean
  reportsAllowed?: boolean
  contacts?: { name: string; email?: string; companyNumber?: string; taxNumber?: string }[]
  /** Beside the standard chart. A bank account has a number instead of a code. */
  accounts?: {
    code?: string
    name: string
    type: 'BANK' | 'CURRLIAB' | 'REVENUE' | 'OVERHEADS' | 'DIRECTCOSTS'
    bankAccountNumber?: string
    paymentsEnabled?: boolean
  }[]
}

export const demoXeroOrganisations: XeroOrganisationSeed[] = [
  {
    name: 'Mill Lane Timber Ltd',
    vat: 'registered',
    taxNumber: '384729156',
    shortCode: '!MiLn1',
    contacts: [
      { name: 'Northgate Sawmill Ltd', email: 'accounts@northgate-sawmill.example', companyNumber: '04417290' },
      { name: 'Green Door Joinery', email: 'office@greendoor.example' },
      { name: 'Ferry Road Hardware', email: 'hello@ferryroad.example' },
    ],
    accounts: [
      { name: 'Business Current Account', type: 'BANK', bankAccountNumber: '20445112345678' },
      { code: '210', name: 'Timber Sales', type: 'REVENUE' },
      { code: '311', name: 'Timber Purchases', type: 'DIRECTCOSTS' },
    ],
  },
  {
    name: 'Harbour Street Books',
    vat: 'none',
    shortCode: '!HaSt1',
    contacts: [
      { name: 'Quayside Coffee', email: 'bills@quaysidecoffee.example' },
      { name: 'Ink & Fold Printers', email: 'studio@inkandfold.example' },
    ],
    accounts: [
      { name: 'Current Account', type: 'BANK', bankAccountNumber: '20445187654321' },
      { code: '205', name: 'Book Sales', type: 'REVENUE' },
      { code: '470', name: 'Shop Expenses', type: 'OVERHEADS' },
    ],
  },
]

const classOf: Record<string, Account['class']> = {
  BANK: 'ASSET',
  CURRENT: 'ASSET',
  FIXED: 'ASSET',
  INVENTORY: 'ASSET',
  NONCURRENT: 'ASSET',
  PREPAYMENT: 'ASSET',
  CURRLIAB: 'LIABILITY',
  LIABILITY: 'LIABILITY',
  TERMLIAB: 'LIABILITY',
  REVENUE: 'REVENUE',
  SALES: 'REVENUE',
  OTHERINCOME: 'REVENUE',
  DIRECTCOSTS: 'EXPENSE',
  EXPENSE: 'EXPENSE',
  OVERHEADS: 'EXPENSE',
  DEPRECIATN: 'EXPENSE',
  EQUITY: 'EQUITY',
}

export function classOfType(type: string): Account['class'] | undefined {
  return classOf[type]
}

/** The same name gives the same id, so a demo's organisation keeps its identity when its file is lost. */
function idFromName(name: string): string {
  const hash = createHash('sha256').update(`xero organisation ${name}`).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

export function openBook(seed: XeroOrganisationSeed, now: Date, taken: (id: string) => boolean): XeroBook {
  const at = now.getTime()
  const country = seed.country ?? 'GB'
  const paysTax = (seed.vat ?? 'registered') === 'registered'
  const wanted = idFromName(seed.name)
  const id = taken(wanted) ? randomUUID() : wanted
  const book = new XeroBook({
    id,
    name: seed.name,
    legalName: seed.name,
    countryCode: country,
    currency: seed.currency ?? (country === 'GB' ? 'GBP' : 'EUR'),
    timezone: 'GMTSTANDARDTIME',
    ianaZone: country === 'GB' ? 'Europe/London' : 'Europe/Dublin',
    paysTax,
    ...(paysTax ? { taxNumber: seed.taxNumber ?? '123456789' } : {}),
    salesTaxBasis: paysTax ? (seed.salesTaxBasis ?? 'ACCRUAL') : 'NONE',
    shortCode: seed.shortCode ?? `!${id.slice(0, 5)}`,
    plan: seed.plan ?? 'PREMIUM',
    financialYearEnd: { day: 31, month: 3 },
    adviser: seed.adviser ?? false,
    reportsAllowed: seed.reportsAllowed ?? true,
    subscriptionLapsed: false,
    ...(seed.approvalCap === undefined ? {} : { approvalCap: seed.approvalCap }),
    createdAt: at,
  })

  const standard = standardTaxTypes(country)
  for (const taxRate of taxRatesFor(country, paysTax)) book.tables.taxRates.set(taxRate.taxType, taxRate)
  for (const row of chartFor(paysTax, standard)) {
    addAccount(book, { ...row, paymentsEnabled: row.paymentsEnabled ?? false }, at)
  }
  for (const { code, name, type, bankAccountNumber, paymentsEnabled } of seed.accounts ?? []) {
    const taxType = !paysTax ? 'NONE' : classOf[type] === 'REVENUE' ? standard.sale : standard.cost
    const plain = type === 'BANK' || type === 'CURRLIAB'
    addAccount(
      book,
      {
        code: code ?? null,
        name,
        type,
        class: classOf[type] ?? 'ASSET',
        taxType: plain ? 'NONE' : taxType,
        paymentsEnabled: paymentsEnabled ?? false,
        ...(bankAccountNumber === undefined ? {} : { bankAccountNumber }),
      },
      at,
    )
  }
  for (const { name, email, companyNumber, taxNumber } of seed.contacts ?? []) {
    const more = {
      ...(email === undefined ? {} : { EmailAddress: email }),
      ...(companyNumber === undefined ? {} : { CompanyNumber: companyNumber }),
      ...(taxNumber === undefined ? {} : { TaxNumber: taxNumber }),
    }
    const contact: Contact = { id: randomUUID(), name, status: 'ACTIVE', more, createdAt: at, updatedAt: at }
    book.tables.contacts.set(contact.id, contact)
  }
  return book
}

function addAccount(book: XeroBook, account: Omit<Account, 'id' | 'status' | 'updatedAt'>, at: number): void {
  const id = randomUUID()
  book.tables.accounts.set(id, { ...account, id, status: 'ACTIVE', updatedAt: at })
}
