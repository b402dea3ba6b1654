/**
 * Takes back what we made and nobody has touched: voids, deletes or archives, by the book's own id.
 *
 * Keeps: it looks before it takes; what is gone already is a yes, what a person has changed since is stale.
 */
import type {
  AccountingApi,
  BankTransactions,
  Contacts,
  CreditNotes,
  Invoices,
  ManualJournals,
  PaymentDelete,
} from 'xero-node'
import type { Ask, BookDocument, BookError, DocumentKind, Grant, Receipt, Verdict } from '../port.ts'
import { listAt, textAt } from './answer.ts'
import { callIdIn, errorFrom, refuse } from './errors.ts'
import type { xeroFind } from './find.ts'
import { contactReceipt } from './groups.ts'
import { inTurn } from './in-turn.ts'
import type { XeroSheets } from './sheet.ts'
import { endFields, type Fields } from './translate.ts'
import { receiptFrom } from './translate-back.ts'
import type { XeroWire } from './wire.ts'

export function xeroCancel(wire: XeroWire, sheets: XeroSheets, find: ReturnType<typeof xeroFind>, now: () => Date) {
  return async function cancel(grant: Grant, asks: Ask<Receipt>[]): Promise<Verdict[]> {
    return inTurn(
      asks,
      asks.map((ask, at) => [[{ at, ask }], async () => [await takeBack(grant, ask)]]),
    )
  }

  async function takeBack(grant: Grant, ask: Ask<Receipt>): Promise<Verdict> {
    return ask.thing.kind === 'contact' ? archive(grant, ask) : end(grant, ask, ask.thing.kind)
  }

  async function end(grant: Grant, { key, thing }: Ask<Receipt>, kind: DocumentKind): Promise<Verdict> {
    const found = await find.byId(grant, kind, thing.id)
    if (found === null) return no(refuse('invalid', 'not_found', 'The book has no such thing.'))
    const { document, json } = found
    const gone = (document: BookDocument, callId: string | null): Verdict => ({
      ok: true,
      receipt: receiptFrom(document, [], callId),
    })
    if (document.status === 'voided' || document.status === 'deleted') return gone(document, null)
    if (isChanged(thing, document)) return no(refuse('stale', 'version_moved_on', 'It was changed in the book since.'))
    const fields = endFields(thing, document.status === 'draft')
    const narration = kind === 'journal' ? { narration: textAt(json, 'Narration') } : {}
    const run = endings[kind]
    if (run === undefined) return no(refuse('invalid', 'refused', 'Xero takes no such thing back.'))

    const answer = await wire.send(grant, true, (api) =>
      run(api, grant.bookId, thing.id, { ...fields, ...narration }, key),
    )
    if (answer.status === 400 || answer.status === 404) return no(errorFrom(answer, { isWrite: true, now: now() }))
    await wire.judge(grant, answer, true, key)
    const status = kind === 'payment' || kind === 'allocation' || kind.startsWith('money') ? 'deleted' : 'voided'
    return gone({ ...document, status, openMinor: 0n }, callIdIn(answer))
  }

  /** By its id only: a contact named by anything else could be another one. */
  async function archive(grant: Grant, { key, thing }: Ask<Receipt>): Promise<Verdict> {
    const frame = await sheets.frame(grant)
    const wired = await wire.readOne(grant, (api) => api.getContact(grant.bookId, thing.id))
    const known = wired && listAt(wired.json, 'Contacts')[0]
    if (!wired || !known) return no(refuse('invalid', 'not_found', 'The book has no such contact.'))
    const isActive = (textAt(known, 'ContactStatus') ?? 'ACTIVE') === 'ACTIVE'
    const body = { contacts: [endFields(thing, false)] } as unknown as Contacts
    const answer = isActive
      ? await wire.send(grant, true, (api) => api.updateContact(grant.bookId, thing.id, body, key))
      : wired.answer
    if (answer.status === 400 || answer.status === 404) return no(errorFrom(answer, { isWrite: true, now: now() }))
    await wire.judge(grant, answer, true, key)
    const receipt = contactReceipt(known, frame, answer)
    return receipt ? { ok: true, receipt } : no(refuse('invalid', 'not_found', 'The book has no such contact.'))
  }
}

const no = (error: BookError): Verdict => ({ ok: false, error })

/** Settling moves the stamp of a document, so its substance is compared, not its stamp. */
function isChanged(before: Receipt, now: BookDocument): boolean {
  const differs = <T>(was: T | null, is: T | null) => was !== null && is !== null && was !== is
  return (
    differs(before.totalMinor, now.totalMinor) ||
    differs(before.datedOn, now.datedOn) ||
    differs(before.number, now.number)
  )
}

type Ending = (api: AccountingApi, tenant: string, id: string, fields: Fields, key: string) => Promise<unknown>

const endInvoice: Ending = (api, tenant, id, fields, key) =>
  api.updateInvoice(tenant, id, { invoices: [fields] } as unknown as Invoices, undefined, key)
const endCreditNote: Ending = (api, tenant, id, fields, key) =>
  api.updateCreditNote(tenant, id, { creditNotes: [fields] } as unknown as CreditNotes, undefined, key)
const endMoney: Ending = (api, tenant, id, fields, key) =>
  api.updateBankTransaction(tenant, id, { bankTransactions: [fields] } as unknown as BankTransactions, undefined, key)

const endings: Partial<Record<DocumentKind, Ending>> = {
  invoice: endInvoice,
  bill: endInvoice,
  credit_note: endCreditNote,
  supplier_credit: endCreditNote,
  money_spent: endMoney,
  money_received: endMoney,
  payment: (api, tenant, id, fields, key) => api.deletePayment(tenant, id, fields as unknown as PaymentDelete, key),
  journal: (api, tenant, id, fields, key) =>
    api.updateManualJournal(tenant, id, { manualJournals: [fields] } as unknown as ManualJournals, key),
  allocation: (api, tenant, id) => {
    const [creditNoteId = '', allocationId = ''] = id.split('/')
    return api.deleteCreditNoteAllocations(tenant, creditNoteId, allocationId)
  },
}
