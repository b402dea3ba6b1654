/**
 * Creating, changing, voiding and deleting: what holds for every kind of object, in the order QuickBooks asks it.
 *
 * Keeps: a refused write leaves nothing behind; an old version never overwrites a newer one; nothing moves in a closed period.
 */
import { toMinor } from '../kit/decimals.ts'
import { wrongIn } from './check.ts'
import type { Company } from './company.ts'
import { type Body, isDocumentKind, type Kind } from './document.ts'
import { businessRule, gone, refuse, unknownReference } from './fault.ts'
import { numberedForms, rulesOf, shown, voidedBy } from './kinds.ts'
import { nothingMade } from './rules.ts'

export interface WriteAsk {
  operation: 'write' | 'void' | 'delete'
  /** The caller lets a number be used twice. */
  allowDuplicateNumber: boolean
  /** Hears what was wrong with the shape of the body, before it is refused. */
  onViolation: (what: string) => void
}

export type Written = Body | { status: 'Deleted'; domain: 'QBO'; Id: string }

export function write(company: Company, kind: Kind, body: Body, ask: WriteAsk): Written {
  const rules = rulesOf[kind]
  if (!rules) throw refuse('500', `Unsupported Operation : ${kind} cannot be written`)
  if (ask.operation === 'delete') return remove(company, kind, body, ask)
  if (ask.operation === 'void') return voidIt(company, kind, body, ask)

  const shape = body.Id === undefined ? 'create' : body.sparse === true ? 'sparse' : 'update'
  checkShape(kind, shape, body, ask)
  const earlier = body.Id === undefined ? undefined : current(company, kind, body)
  const wanted: Body = shape === 'sparse' ? { ...earlier, ...body } : { ...body }
  if (kind === 'Payment' && earlier) mustNotBeDeposited(company, body.Id ?? '')
  if (kind === 'SalesReceipt' && earlier) mustNotBeDeposited(company, body.Id ?? '', 'SalesReceipt')
  if (shape === 'sparse' && body.Line !== undefined && body.TxnTaxDetail === undefined) delete wanted.TxnTaxDetail // New lines, new tax.
  checkPeriod(company, kind, earlier?.TxnDate, wanted.TxnDate ?? company.day)

  const { body: complete, made } = rules.prepare(company, wanted, earlier)
  const id = body.Id
  if (isDocumentKind(kind)) {
    checkNumber(company, kind, complete, earlier, ask)
    if (earlier && id) checkStillCovers(company, kind, id, complete)
  }
  if (!earlier && numberedForms.includes(kind) && !complete.DocNumber && !company.terms.customTxnNumbers)
    complete.DocNumber = company.newNumber()
  return shown(company, kind, company.put(kind, complete, made, earlier ? 'Update' : 'Create'))
}

function checkShape(kind: Kind, shape: 'create' | 'update' | 'sparse' | 'idOnly', body: Body, ask: WriteAsk): void {
  const wrong = wrongIn(kind, shape, body)
  if (!wrong) return
  ask.onViolation(`${kind}.${shape}: ${wrong.message}`)
  throw wrong
}

/** The stored object in the very version the caller has seen. */
function current(company: Company, kind: Kind, body: Body): Body {
  const found = company.find(kind, body.Id)
  if (!found)
    throw isDocumentKind(kind) || company.tombstones().some((stone) => stone.kind === kind && stone.id === body.Id)
      ? gone()
      : unknownReference(kind, body.Id ?? '', 'Id')
  if (found.SyncToken !== body.SyncToken)
    throw refuse(
      '5010',
      'Stale Object Error : You and Robin Books were working on this at the same time. Robin Books finished before you did, so your work was not saved.',
    )
  return found
}

function checkPeriod(company: Company, kind: Kind, ...days: (string | undefined)[]): void {
  const closed = company.terms.closedThrough
  if (!closed || !isDocumentKind(kind) || !days.some((day) => day !== undefined && day <= closed)) return
  const code = company.terms.closedWithPassword ? '6210' : '6200'
  throw refuse(
    code,
    `The account period has closed and the account books cannot be updated through through the QBO Services API. Please use the QBO website to make these changes. Closing date: ${closed}`,
    'TxnDate',
  )
}

function checkNumber(company: Company, kind: Kind, body: Body, earlier: Body | undefined, ask: WriteAsk): void {
  if (!body.DocNumber || body.DocNumber === earlier?.DocNumber || ask.allowDuplicateNumber) return
  if (kind === 'Bill' && !company.terms.warnDuplicateBills) return
  const same = company
    .all(kind)
    .find(
      (other) =>
        other.Id !== body.Id &&
        other.DocNumber === body.DocNumber &&
        (kind !== 'Bill' || other.VendorRef?.value === body.VendorRef?.value),
    )
  if (!same) return
  throw refuse(
    '6140',
    `Duplicate Document Number Error : You must specify a different number. This number has already been used. DocNumber=${body.DocNumber} is assigned to TxnType=${kind} with TxnId=${same.Id}`,
    'DocNumber',
  )
}

/** A document that is partly paid keeps its party, and may not fall below what was paid. */
function checkStillCovers(company: Company, kind: Kind, id: string, body: Body): void {
  if (!isDocumentKind(kind) || company.settlersOf(kind, id).length === 0) return
  const earlier = company.find(kind, id)
  if ((earlier?.CustomerRef ?? earlier?.VendorRef)?.value !== (body.CustomerRef ?? body.VendorRef)?.value)
    throw businessRule('The name cannot be changed while the transaction is linked to others.', 'CustomerRef')
  const settledMinor = company.settlersOf(kind, id).reduce((sum, { settlement }) => sum + settlement.amountMinor, 0n)
  if (body.TotalAmt !== undefined && toMinor(body.TotalAmt) < settledMinor)
    throw businessRule('The amount cannot be less than what is already applied.', 'TotalAmt')
}

function mustNotBeDeposited(company: Company, id: string, kind: 'Payment' | 'SalesReceipt' = 'Payment'): void {
  if (company.settlersOf(kind, id).some(({ by }) => by.kind === 'Deposit'))
    throw refuse(
      '6540',
      'Deposited Transaction Cannot Be Changed : this transaction has been deposited. If you want to change or delete it, remove it from the deposit first.',
    )
}

function remove(company: Company, kind: Kind, body: Body, ask: WriteAsk): Written {
  if (!isDocumentKind(kind))
    throw refuse('500', `Unsupported Operation : Operation delete is not supported for ${kind}`)
  checkShape(kind, 'idOnly', body, ask)
  if (kind === 'Transfer' && body.FromAccountRef === undefined)
    throw refuse('2020', 'Required parameter FromAccountRef is missing in the request', 'FromAccountRef')
  const found = current(company, kind, body)
  checkPeriod(company, kind, found.TxnDate)
  mustBeFree(company, kind, body.Id ?? '', 'deleted')
  company.remove(kind, body.Id ?? '')
  return { status: 'Deleted', domain: 'QBO', Id: body.Id ?? '' }
}

function mustBeFree(company: Company, kind: Kind, id: string, deed: string): void {
  if (kind === 'Payment' || kind === 'SalesReceipt') mustNotBeDeposited(company, id, kind)
  if (!isDocumentKind(kind) || company.settlersOf(kind, id).length === 0) return
  if (company.quirks.voidOfSettled === 'refused')
    throw businessRule(`The transaction is linked to others and cannot be ${deed} before they are unlinked.`)
  unlink(company, kind, id)
}

/** Takes the lines that settle a document out of the payments that have them; the payments stay, unapplied. */
export function unlink(company: Company, kind: Kind, id: string): void {
  if (!isDocumentKind(kind)) return
  for (const { by } of company.settlersOf(kind, id)) {
    const settler = company.find(by.kind, by.id)
    if (!settler) continue
    const made = company.madeBy(by.kind, by.id)
    const Line = (settler.Line ?? []).filter((line) => line.LinkedTxn?.[0]?.TxnId !== id)
    const settles = made.settles.filter((settle) => !(settle.kind === kind && settle.id === id))
    company.put(by.kind, { ...settler, Line }, { ...made, settles }, 'Update')
  }
}

function voidIt(company: Company, kind: Kind, body: Body, ask: WriteAsk): Written {
  if (!isDocumentKind(kind) || !voidedBy[kind])
    throw refuse('500', `Unsupported Operation : Operation void is not supported for ${kind}`)
  checkShape(kind, 'idOnly', body, ask)
  const found = current(company, kind, body)
  checkPeriod(company, kind, found.TxnDate)
  mustBeFree(company, kind, body.Id ?? '', 'voided')
  return shown(company, kind, company.put(kind, voided(found), nothingMade(), 'Void'))
}

/** The record stays, with nothing in it. */
export function voided(body: Body): Body {
  const payment = body.Line?.some((line) => line.LinkedTxn) || !body.Line
  const Line = (body.Line ?? []).map((line) => {
    const detail = line.SalesItemLineDetail
    return {
      ...line,
      ...(line.Amount === undefined ? {} : { Amount: 0 }),
      ...(detail ? { SalesItemLineDetail: { ...detail, Qty: 0, TaxInclusiveAmt: 0 } } : {}),
    }
  })
  const already = body.PrivateNote?.startsWith('Voided')
  return {
    ...body,
    Line: payment ? [] : Line,
    TotalAmt: 0,
    ...(body.TxnTaxDetail ? { TxnTaxDetail: { TotalTax: 0 } } : {}),
    PrivateNote: already
      ? (body.PrivateNote ?? 'Voided')
      : body.PrivateNote
        ? `Voided - ${body.PrivateNote}`
        : 'Voided',
  }
}
