/**
 * Reads what a person's deed asks for: which document, name, account or product, which amount and day.
 */
import { type Ask, ControlRefusal } from '../kit/control.ts'
import { toJsonNumber, toMinor } from '../kit/decimals.ts'
import { isDay } from './clocking.ts'
import type { Company } from './company.ts'
import { type Body, type DocumentKind, isDocumentKind, type Kind } from './document.ts'
import { rulesOf } from './kinds.ts'

export function text(ask: Ask, name: string): string {
  const value = ask[name]
  if (typeof value !== 'string' || value === '') throw new ControlRefusal(`give ${name} as text`)
  return value
}

export function amount(ask: Ask): number {
  if (typeof ask.amount !== 'string' && typeof ask.amount !== 'number')
    throw new ControlRefusal('give amount as a decimal')
  return toJsonNumber(toMinor(ask.amount))
}

export function day(company: Company, value: unknown): string {
  if (value === undefined) return company.day
  if (typeof value !== 'string' || !isDay(value)) throw new ControlRefusal('give the day as YYYY-MM-DD')
  return value
}

export const dated = (company: Company, ask: Ask): Body => ({
  TxnDate: day(company, ask.date),
  ...(typeof ask.number === 'string' ? { DocNumber: ask.number } : {}),
  ...(typeof ask.memo === 'string' ? { PrivateNote: ask.memo } : {}),
})

export const partyRef = (body: Body): Body =>
  body.CustomerRef
    ? { CustomerRef: { value: body.CustomerRef.value } }
    : { VendorRef: { value: body.VendorRef?.value ?? '' } }

/** A person's own entry goes through the same rules as one of the API. */
export function entered(company: Company, kind: Kind, body: Body): Body {
  const prepared = rulesOf[kind]?.prepare(company, body, undefined)
  if (!prepared) throw new ControlRefusal(`a ${kind} cannot be entered`)
  if (kind === 'Invoice' && !prepared.body.DocNumber) prepared.body.DocNumber = company.newNumber()
  return company.put(kind, prepared.body, prepared.made, 'Create')
}

export function documentOf(
  company: Company,
  ask: Ask,
  kinds: readonly DocumentKind[],
): { kind: DocumentKind; body: Body } {
  const id = typeof ask.id === 'string' ? ask.id : undefined
  const number = typeof ask.number === 'string' ? ask.number : undefined
  for (const kind of kinds) {
    if (typeof ask.kind === 'string' && isDocumentKind(ask.kind) && ask.kind !== kind) continue
    const body = id
      ? company.find(kind, id)
      : company.all(kind).find((one) => number !== undefined && one.DocNumber === number)
    if (body) return { kind, body }
  }
  throw new ControlRefusal(`no such document: ${id ?? number ?? 'give id or number'}`)
}

export function listed(company: Company, kind: Kind, ask: Ask): Body {
  const wanted = ask.id ?? ask.account ?? ask.name
  const found = company.all(kind).find((body) => body.Id === wanted || body.Name === wanted)
  if (!found) throw new ControlRefusal(`no such ${kind}: ${wanted}`)
  return found
}

export function contactOf(company: Company, ask: Ask): { kind: 'Customer' | 'Vendor'; body: Body } {
  const wanted = ask.id ?? ask.contact
  for (const kind of ['Customer', 'Vendor'] as const) {
    if (ask.kind !== undefined && ask.kind !== kind) continue
    const body = company.all(kind).find((one) => one.Id === wanted || one.DisplayName === wanted)
    if (body) return { kind, body }
  }
  throw new ControlRefusal(`no such customer or vendor: ${wanted}`)
}

export function partyId(company: Company, kind: 'Customer' | 'Vendor', ask: Ask): string {
  const wanted = ask.contact
  const found = company.all(kind).find((one) => one.Id === wanted || one.DisplayName === wanted)
  if (found?.Id) return found.Id
  return entered(company, kind, { DisplayName: text(ask, 'contact') }).Id ?? ''
}

export function accountId(company: Company, wanted: unknown): string {
  const found = company.all('Account').find((account) => account.Id === wanted || account.Name === wanted)
  if (!found?.Id) throw new ControlRefusal(`no such account: ${wanted}`)
  return found.Id
}

export function productId(company: Company, ask: Ask): string {
  const found = company
    .all('Item')
    .find((product) => ask.product === undefined || product.Id === ask.product || product.Name === ask.product)
  if (!found?.Id) throw new ControlRefusal(`no such product: ${ask.product}`)
  return found.Id
}

export function coded(company: Company, ask: Ask): Body {
  if (company.terms.vat === 'none') return {}
  const wanted = ask.taxCode ?? '20.0% S'
  const found = company.all('TaxCode').find((code) => code.Id === wanted || code.Name === wanted)
  if (!found?.Id) throw new ControlRefusal(`no such VAT code: ${wanted}`)
  return { TaxCodeRef: { value: found.Id } }
}

export const costLine = (company: Company, ask: Ask) => ({
  Amount: amount(ask),
  DetailType: 'AccountBasedExpenseLineDetail',
  AccountBasedExpenseLineDetail: {
    AccountRef: { value: accountId(company, ask.against ?? 'Office expenses') },
    ...coded(company, ask.taxCode === undefined ? { ...ask, taxCode: 'No VAT' } : ask),
  },
})
