/**
 * Reports made from the double-entry book: trial balance, balance sheet, general ledger, list of documents, list of accounts.
 */
import { formatMinor } from '../kit/decimals.ts'
import { isDay, stamp } from './clocking.ts'
import type { Company } from './company.ts'
import { type Body, documentKinds, isDocumentKind, type Kind } from './document.ts'
import { refuse } from './fault.ts'
import { shown } from './kinds.ts'

interface Cell {
  value: string
  id?: string
}

type Row = Record<string, unknown>

interface Span {
  from: string
  to: string
}

const titlesOfKinds: Partial<Record<Kind, string>> = {
  CreditMemo: 'Credit Note',
  SalesReceipt: 'Sales Receipt',
  RefundReceipt: 'Refund',
  VendorCredit: 'Supplier Credit',
  BillPayment: 'Bill Payment (Cheque)',
  Purchase: 'Expense',
  JournalEntry: 'Journal Entry',
}

export function report(
  company: Company,
  name: string,
  query: Record<string, string | undefined>,
): Record<string, unknown> {
  const span = spanOf(company, query)
  switch (name) {
    case 'TrialBalance':
      return framed(
        company,
        name,
        span,
        [
          ['', 'Account'],
          ['Debit', 'Money'],
          ['Credit', 'Money'],
        ],
        trialBalance(company, span),
      )
    case 'BalanceSheet':
      return framed(
        company,
        name,
        span,
        [
          ['', 'Account'],
          ['Total', 'Money'],
        ],
        balanceSheet(company, span),
      )
    case 'GeneralLedger':
      return framed(company, name, span, ledgerColumns, generalLedger(company, span, query.account))
    case 'TransactionList':
      return framed(company, name, span, listColumns, documentList(company, span))
    case 'AccountList':
      return framed(
        company,
        name,
        span,
        [
          ['Account', 'String'],
          ['Type', 'String'],
          ['Detail type', 'String'],
          ['Balance', 'Money'],
        ],
        accountList(company),
      )
    default:
      throw refuse('2010', `Report ${name} is not known`)
  }
}

function spanOf(company: Company, query: Record<string, string | undefined>): Span {
  for (const field of ['start_date', 'end_date']) {
    const given = query[field]
    if (given !== undefined && !isDay(given)) throw refuse('2060', `Date format is invalid at ${field}`, field)
  }
  return { from: query.start_date ?? '0001-01-01', to: query.end_date ?? company.day }
}

function framed(
  company: Company,
  name: string,
  span: Span,
  columns: [string, string][],
  rows: Row[],
): Record<string, unknown> {
  return {
    Header: {
      Time: stamp(company.clock.now()),
      ReportName: name,
      ReportBasis: 'Accrual',
      StartPeriod: span.from,
      EndPeriod: span.to,
      Currency: company.terms.currency,
      Option: [{ Name: 'NoReportData', Value: String(rows.length === 0) }],
    },
    Columns: { Column: columns.map(([ColTitle, ColType]) => ({ ColTitle, ColType })) },
    Rows: rows.length === 0 ? {} : { Row: rows },
  }
}

const cells = (...values: (string | Cell)[]): Cell[] =>
  values.map((value) => (typeof value === 'string' ? { value } : value))
const line = (...values: (string | Cell)[]): Row => ({ ColData: cells(...values), type: 'Data' })

function trialBalance(company: Company, span: Span): Row[] {
  let debitMinor = 0n
  let creditMinor = 0n
  const rows = company.all('Account').flatMap((account) => {
    const minor = company.books.balanceOf(account.Id ?? '', span.to)
    if (minor === 0n) return []
    if (minor > 0n) debitMinor += minor
    else creditMinor -= minor
    return [
      line(
        { value: account.Name ?? '', id: account.Id ?? '' },
        minor > 0n ? formatMinor(minor) : '',
        minor < 0n ? formatMinor(-minor) : '',
      ),
    ]
  })
  if (rows.length === 0) return []
  return [
    ...rows,
    {
      Summary: { ColData: cells('TOTAL', formatMinor(debitMinor), formatMinor(creditMinor)) },
      type: 'Section',
      group: 'GrandTotal',
    },
  ]
}

function balanceSheet(company: Company, span: Span): Row[] {
  const section = (
    title: string,
    group: string,
    classification: string,
    sign: 1n | -1n,
    extra: Row[] = [],
    extraMinor = 0n,
  ): Row => {
    let totalMinor = extraMinor
    const rows = company.all('Account').flatMap((account) => {
      if (account.Classification !== classification) return []
      const minor = sign * company.books.balanceOf(account.Id ?? '', span.to)
      totalMinor += minor
      return minor === 0n ? [] : [line({ value: account.Name ?? '', id: account.Id ?? '' }, formatMinor(minor))]
    })
    return {
      Header: { ColData: cells(title, '') },
      Rows: { Row: [...rows, ...extra] },
      Summary: { ColData: cells(`Total ${title}`, formatMinor(totalMinor)) },
      type: 'Section',
      group,
    }
  }
  const profitMinor = company
    .all('Account')
    .filter((account) => account.Classification === 'Revenue' || account.Classification === 'Expense')
    .reduce((sum, account) => sum - company.books.balanceOf(account.Id ?? '', span.to), 0n)
  return [
    section('Assets', 'TotalAssets', 'Asset', 1n),
    section('Liabilities', 'Liabilities', 'Liability', -1n),
    section('Equity', 'Equity', 'Equity', -1n, [line('Profit for the year', formatMinor(profitMinor))], profitMinor),
  ]
}

const ledgerColumns: [string, string][] = [
  ['Date', 'String'],
  ['Transaction Type', 'String'],
  ['Num', 'String'],
  ['Name', 'String'],
  ['Memo/Description', 'String'],
  ['Amount', 'Money'],
  ['Balance', 'Money'],
]

function generalLedger(company: Company, span: Span, only: string | undefined): Row[] {
  const wanted = only?.split(',')
  return company.all('Account').flatMap((account) => {
    if (wanted && !wanted.includes(account.Id ?? '')) return []
    const dayBefore = new Date(Date.parse(`${span.from}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10)
    let balanceMinor = company.books.balanceOf(account.Id ?? '', dayBefore)
    const rows = entriesOf(company, account.Id ?? '').flatMap(({ on, kind, id, amountMinor, text }) => {
      if (on < span.from || on > span.to) return []
      balanceMinor += amountMinor
      const body = company.find(kind, id)
      return [
        line(
          on,
          { value: titlesOfKinds[kind] ?? kind, id },
          body?.DocNumber ?? '',
          partyNameOf(body),
          text ?? body?.PrivateNote ?? '',
          formatMinor(amountMinor),
          formatMinor(balanceMinor),
        ),
      ]
    })
    if (rows.length === 0) return []
    return [
      {
        Header: { ColData: cells({ value: account.Name ?? '', id: account.Id ?? '' }, '', '', '', '', '', '') },
        Rows: { Row: rows },
        Summary: { ColData: cells(`Total for ${account.Name}`, '', '', '', '', formatMinor(balanceMinor), '') },
        type: 'Section',
      },
    ]
  })
}

export interface Entry {
  on: string
  kind: Kind
  id: string
  amountMinor: bigint
  text: string | undefined
}

/** The entries of an account as its documents stand now: what an edit undid is not shown twice. */
export function entriesOf(company: Company, accountId: string): Entry[] {
  const undone = new Set(
    company.books.journals().flatMap((journal) => (journal.undoes ? [journal.undoes, journal.id] : [])),
  )
  return company.books.entriesOf(accountId).flatMap(({ journal, line: entry }) => {
    const kind = journal.source.kind
    if (undone.has(journal.id) || !isDocumentKind(kind)) return []
    return [{ on: journal.on, kind, id: journal.source.id, amountMinor: entry.amountMinor, text: entry.text }]
  })
}

const listColumns: [string, string][] = [
  ['Date', 'String'],
  ['Transaction Type', 'String'],
  ['Num', 'String'],
  ['Posting', 'String'],
  ['Name', 'String'],
  ['Memo/Description', 'String'],
  ['Account', 'String'],
  ['Amount', 'Money'],
]

function documentList(company: Company, span: Span): Row[] {
  return allDocuments(company)
    .filter(({ body }) => (body.TxnDate ?? '') >= span.from && (body.TxnDate ?? '') <= span.to)
    .map(({ kind, body }) => {
      const account = company.find('Account', company.madeBy(kind, body.Id ?? '').postings[0]?.accountId)
      const minor = company.madeBy(kind, body.Id ?? '').postings[0]?.amountMinor ?? 0n
      return line(
        body.TxnDate ?? '',
        { value: titlesOfKinds[kind] ?? kind, id: body.Id ?? '' },
        body.DocNumber ?? '',
        'Yes',
        partyNameOf(body),
        body.PrivateNote ?? '',
        { value: account?.Name ?? '', id: account?.Id ?? '' },
        formatMinor(minor),
      )
    })
}

export function allDocuments(company: Company): { kind: Kind; body: Body }[] {
  return documentKinds
    .flatMap((kind) => company.all(kind).map((body) => ({ kind: kind as Kind, body: shown(company, kind, body) })))
    .sort((a, b) => (a.body.TxnDate ?? '').localeCompare(b.body.TxnDate ?? '') || Number(a.body.Id) - Number(b.body.Id))
}

export const partyNameOf = (body: Body | undefined): string =>
  body?.CustomerRef?.name ?? body?.VendorRef?.name ?? body?.EntityRef?.name ?? ''

function accountList(company: Company): Row[] {
  return company.all('Account').map((account) => {
    const minor = company.books.balanceOf(account.Id ?? '')
    return line(
      { value: account.Name ?? '', id: account.Id ?? '' },
      account.AccountType ?? '',
      account.AccountSubType ?? '',
      formatMinor(minor),
    )
  })
}
