/**
 * Manual journals: at least two lines, debit above zero, summing to zero; bank and control accounts are refused.
 */
import { randomUUID } from 'node:crypto'
import { formatMinor, toMinor } from '../kit/decimals.ts'
import { dayFields, dayFrom, Invalid, instantStamp, money, notFound } from './answers.ts'
import type { ManualJournal, XeroBook } from './book.ts'
import type { Element } from './elements.ts'
import { writeElements } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'
import { lineAccount, lineTypes, taxOn, taxRateFor } from './lines.ts'
import { list } from './list.ts'
import { refuseLockedDocument } from './locks.ts'

const scope = 'accounting.manualjournals'
const body = { plural: 'ManualJournals', schema: 'ManualJournal' }

export const manualJournalEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/ManualJournals',
    scope,
    act: (call) =>
      list(call, {
        plural: 'ManualJournals',
        schema: 'ManualJournal',
        rows: [...call.book.tables.manualJournals.values()],
        updatedAt: (row) => row.updatedAt,
        createdAt: (row) => row.createdAt,
        render: (row, whole) => render(call.book, row, whole),
      }),
  },
  {
    method: 'PUT',
    path: '/ManualJournals',
    scope,
    body: { ...body, required: ['Narration', 'JournalLines'] },
    act: (call) => writeElements(call, 'ManualJournals', (ask) => render(call.book, createJournal(call, ask))),
  },
  {
    method: 'POST',
    path: '/ManualJournals',
    scope,
    body,
    act: (call) =>
      writeElements(call, 'ManualJournals', (ask) => {
        const found = call.book.tables.manualJournals.get(String(ask.ManualJournalID ?? '').toLowerCase())
        return render(call.book, found ? changeJournal(call, found, ask) : createJournal(call, ask))
      }),
  },
  {
    method: 'GET',
    path: '/ManualJournals/:id',
    scope,
    act: ({ book, params }) => ({ ManualJournals: [render(book, journalAt(book, params.id ?? ''))] }),
  },
  {
    method: 'POST',
    path: '/ManualJournals/:id',
    scope,
    body,
    act: (call) => {
      const found = journalAt(call.book, call.params.id ?? '')
      return writeElements(call, 'ManualJournals', (ask) => render(call.book, changeJournal(call, found, ask)))
    },
  },
]

function journalAt(book: XeroBook, id: string): ManualJournal {
  const found = book.tables.manualJournals.get(id.toLowerCase())
  if (found === undefined) throw notFound()
  return found
}

function createJournal(call: Call, ask: Element): ManualJournal {
  const { book } = call
  const status = ask.Status ?? 'DRAFT'
  if (status !== 'DRAFT' && status !== 'POSTED') throw new Invalid('Status must be DRAFT or POSTED')
  if (!ask.Narration) throw new Invalid('Narration is required')
  const date = dayFrom(ask.Date, 'Date') ?? book.dayAt(call.now)
  refuseLockedDocument(book, date)
  const types = lineTypes(ask.LineAmountTypes, 'NoTax')
  const asks = Array.isArray(ask.JournalLines) ? (ask.JournalLines as Element[]) : []
  if (asks.length < 2) throw new Invalid('A manual journal needs at least two lines')
  const lines = asks.map((line) => {
    const account = lineAccount(book, line, true)
    if (account === undefined || account.systemAccount === 'RETAINEDEARNINGS')
      throw new Invalid(`Account code '${line.AccountCode}' is not a valid code for this document.`)
    const rate = taxRateFor(book, line, account, types)
    const amountMinor = toMinor((line.LineAmount ?? 0) as number)
    const taxMinor = taxOn(amountMinor, rate, types)
    const description = String(line.Description ?? '')
    return { accountId: account.id, amountMinor, taxMinor, taxType: rate?.taxType ?? 'NONE', description }
  })
  const withTax = (line: { amountMinor: bigint; taxMinor: bigint }) =>
    types === 'Exclusive' ? line.amountMinor + line.taxMinor : line.amountMinor
  const debit = lines.filter((line) => line.amountMinor > 0n).reduce((sum, line) => sum + withTax(line), 0n)
  const credit = lines.filter((line) => line.amountMinor < 0n).reduce((sum, line) => sum + withTax(line), 0n)
  if (debit + credit !== 0n)
    throw new Invalid(`The total debits (${formatMinor(debit)}) must equal total credits (${formatMinor(credit)})`)

  const at = call.now.getTime()
  const journal: ManualJournal = {
    id: randomUUID(),
    narration: String(ask.Narration),
    date,
    status,
    lineAmountTypes: types,
    lines,
    ...(ask.Url === undefined ? {} : { url: String(ask.Url) }),
    createdAt: at,
    updatedAt: at,
  }
  book.tables.manualJournals.set(journal.id, journal)
  if (status === 'POSTED') post(book, journal)
  return journal
}

function post(book: XeroBook, journal: ManualJournal): void {
  const tax = book.systemAccount('GST').id
  const lines = journal.lines.flatMap((line) => {
    const net = journal.lineAmountTypes === 'Inclusive' ? line.amountMinor - line.taxMinor : line.amountMinor
    return [
      { accountId: line.accountId, amountMinor: net, text: line.description || journal.narration },
      { accountId: tax, amountMinor: line.taxMinor },
    ]
  })
  book.ledger.journal(journal.date, lines, { kind: 'manual', id: journal.id })
}

export function changeJournal(call: Call, before: ManualJournal, ask: Element): ManualJournal {
  const { book } = call
  const status = ask.Status ?? before.status
  if (before.status === 'DELETED' || before.status === 'VOIDED')
    throw new Invalid('Manual journal not of valid status for modification')
  refuseLockedDocument(book, before.date)
  const fits = before.status === 'DRAFT' ? ['DRAFT', 'POSTED', 'DELETED'] : ['POSTED', 'VOIDED']
  if (!fits.includes(String(status))) throw new Invalid('Manual journal not of valid status for modification')
  if ('JournalLines' in ask && before.status === 'POSTED')
    throw new Invalid('Manual journal not of valid status for modification')
  const changed: ManualJournal = {
    ...before,
    status: status as ManualJournal['status'],
    narration: ask.Narration === undefined ? before.narration : String(ask.Narration),
    updatedAt: call.now.getTime(),
  }
  book.tables.manualJournals.set(before.id, changed)
  if (before.status === 'POSTED' && changed.status === 'VOIDED') book.ledger.undoSource('manual', before.id)
  if (before.status === 'DRAFT' && changed.status === 'POSTED') post(book, changed)
  return changed
}

function render(book: XeroBook, journal: ManualJournal, whole = true): Element {
  return {
    ManualJournalID: journal.id,
    Narration: journal.narration,
    ...dayFields('Date', journal.date),
    Status: journal.status,
    LineAmountTypes: journal.lineAmountTypes,
    ...(journal.url === undefined ? {} : { Url: journal.url }),
    ShowOnCashBasisReports: true,
    HasAttachments: false,
    UpdatedDateUTC: instantStamp(journal.updatedAt),
    JournalLines: !whole
      ? []
      : journal.lines.map((line) => ({
          LineAmount: money(line.amountMinor),
          AccountID: line.accountId,
          AccountCode: book.tables.accounts.get(line.accountId)?.code ?? undefined,
          Description: line.description,
          TaxType: line.taxType,
          TaxAmount: money(line.taxMinor),
          Tracking: [],
          IsBlank: false,
        })),
  }
}
