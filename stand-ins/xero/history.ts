/**
 * Notes in a document's history: they can be added and read, never taken away.
 */
import { instantStamp, notFound } from './answers.ts'
import type { XeroBook } from './book.ts'
import type { Element } from './elements.ts'
import { writeElements } from './elements.ts'
import type { Call, Endpoint } from './endpoint.ts'

const places: { plural: string; scope: string; holds(book: XeroBook, id: string): boolean }[] = [
  { plural: 'Invoices', scope: 'accounting.invoices', holds: (book, id) => book.tables.invoices.has(id) },
  { plural: 'CreditNotes', scope: 'accounting.invoices', holds: (book, id) => book.tables.creditNotes.has(id) },
  { plural: 'Contacts', scope: 'accounting.contacts', holds: (book, id) => book.tables.contacts.has(id) },
  { plural: 'Payments', scope: 'accounting.payments', holds: (book, id) => book.tables.payments.has(id) },
  { plural: 'Overpayments', scope: 'accounting.payments', holds: (book, id) => book.tables.credits.has(id) },
  {
    plural: 'BankTransactions',
    scope: 'accounting.banktransactions',
    holds: (book, id) => book.tables.bankEntries.has(id),
  },
  {
    plural: 'BankTransfers',
    scope: 'accounting.banktransactions',
    holds: (book, id) => book.tables.bankTransfers.has(id),
  },
  {
    plural: 'ManualJournals',
    scope: 'accounting.manualjournals',
    holds: (book, id) => book.tables.manualJournals.has(id),
  },
]

export const historyEndpoints: Endpoint[] = places.flatMap(({ plural, scope, holds }): Endpoint[] => {
  const idOf = (call: Call) => {
    const id = (call.params.id ?? '').toLowerCase()
    if (!holds(call.book, id)) throw notFound()
    return id
  }
  return [
    {
      method: 'GET',
      path: `/${plural}/:id/History`,
      scope,
      act: (call) => ({ HistoryRecords: (call.book.tables.history.get(idOf(call)) ?? []).map(render).reverse() }),
    },
    {
      method: 'PUT',
      path: `/${plural}/:id/History`,
      scope,
      body: { plural: 'HistoryRecords', schema: 'HistoryRecord', required: ['Details'] },
      act: (call) => {
        const id = idOf(call)
        return writeElements(call, 'HistoryRecords', ({ Details }) => {
          const note = { at: call.now.getTime(), changes: 'Note', by: 'System Generated', details: String(Details) }
          call.book.addHistory(id, note)
          return render(note)
        })
      },
    },
  ]
})

function render({ at, changes, by, details }: { at: number; changes: string; by: string; details: string }): Element {
  return {
    Changes: changes,
    DateUTCString: new Date(at).toISOString().slice(0, 19),
    DateUTC: instantStamp(at),
    User: by,
    Details: details,
  }
}
