/**
 * Documents of a purchase: bill and vendor credit on creditors, and the purchase paid at once.
 */
import { toJsonNumber, toMinor } from '../kit/decimals.ts'
import type { Company, Posting } from './company.ts'
import type { Body, Line } from './document.ts'
import { businessRule, refuse } from './fault.ts'
import { linksOf, openAmount } from './open.ts'
import {
  accountOfType,
  checkCurrency,
  codeOf,
  named,
  nothingMade,
  numbered,
  ownAccount,
  partyOn,
  type Rules,
  referred,
  vatAccount,
} from './rules.ts'
import { taxOf } from './tax.ts'

interface Bought {
  lines: Line[]
  postings: Posting[]
  taxable: Parameters<typeof taxOf>[1]
}

/** `direction` is 1 when goods come in, -1 when they go back. */
function onCreditors(kind: 'Bill' | 'VendorCredit', direction: 1n | -1n): Rules {
  return {
    prepare(company, body) {
      const vendor = referred(company, 'Vendor', body.VendorRef, 'VendorRef')
      const creditors = body.APAccountRef
        ? accountOfType(company, body.APAccountRef, 'APAccountRef', ['Accounts Payable']).Id
        : ownAccount(company, 'Accounts Payable').Id
      const { complete, postings, totalMinor } = bought(company, body, direction)
      postings.unshift({
        accountId: creditors,
        amountMinor: -direction * totalMinor,
        party: { kind: 'Vendor', id: vendor.Id },
      })
      complete.VendorRef = named(company, 'Vendor', { value: vendor.Id })
      complete.APAccountRef = named(company, 'Account', { value: creditors })
      if (kind === 'Bill') complete.DueDate = body.DueDate ?? complete.TxnDate ?? company.day
      return { body: complete, made: { ...nothingMade(), postings } }
    },
    shown(company, body) {
      const party = { kind: 'Vendor' as const, id: body.VendorRef?.value ?? '' }
      return {
        ...body,
        Balance: openAmount(company, kind, body, party),
        LinkedTxn: linksOf(company, kind, body.Id ?? ''),
      }
    },
  }
}

export const bills = onCreditors('Bill', 1n)
export const vendorCredits = onCreditors('VendorCredit', -1n)

const paidFrom: Record<string, string[]> = { Cash: ['Bank'], Check: ['Bank'], CreditCard: ['Credit Card'] }

export const purchases: Rules = {
  prepare(company, body) {
    const types = paidFrom[body.PaymentType ?? '']
    if (!types) throw refuse('2170', `Invalid enumeration : PaymentType ${body.PaymentType}`, 'PaymentType')
    if (body.Credit === true && body.PaymentType !== 'CreditCard')
      throw businessRule('Only a credit card purchase can be a credit.', 'Credit')
    const account = accountOfType(company, body.AccountRef, 'AccountRef', types)
    if (body.EntityRef) {
      const kind = body.EntityRef.type ?? 'Vendor'
      if (kind !== 'Customer' && kind !== 'Vendor' && kind !== 'Employee')
        throw refuse('2170', `Invalid enumeration : EntityRef.type ${kind}`, 'EntityRef')
      const payee = referred(company, kind, body.EntityRef, 'EntityRef')
      body = { ...body, EntityRef: { ...named(company, kind, { value: payee.Id }), type: kind } }
    }
    const direction = body.Credit === true ? -1n : 1n
    const { complete, postings, totalMinor } = bought(company, body, direction)
    postings.unshift({ accountId: account.Id, amountMinor: -direction * totalMinor })
    complete.AccountRef = named(company, 'Account', { value: account.Id })
    return { body: { ...complete, Credit: body.Credit ?? false }, made: { ...nothingMade(), postings } }
  },
}

function bought(
  company: Company,
  body: Body,
  direction: 1n | -1n,
): { complete: Body; postings: Posting[]; totalMinor: bigint } {
  const { lines, postings, taxable } = boughtLines(company, body)
  if (taxable.length === 0) throw refuse('2020', 'Required parameter Line is missing in the request', 'Line')
  const taxed = taxOf(company, taxable, 'Purchase', body.GlobalTaxCalculation, body.TxnTaxDetail)
  const netMinor = taxed.nets.reduce((sum, net) => sum + net, 0n)
  const totalMinor = netMinor + taxed.totalMinor
  if (totalMinor < 0n) throw businessRule('Transaction amount must be 0 or greater.', 'TotalAmt')
  postings.forEach((posting, at) => {
    posting.amountMinor = direction * (taxed.nets[at] ?? 0n)
  })
  if (taxed.totalMinor !== 0n)
    postings.push({ accountId: vatAccount(company), amountMinor: direction * taxed.totalMinor })
  let at = 0
  const { Balance, LinkedTxn, ...rest } = body
  const complete: Body = {
    ...rest,
    TxnDate: body.TxnDate ?? company.day,
    CurrencyRef: checkCurrency(company, body),
    Line: lines.map((line) =>
      line.DetailType === 'DescriptionOnly' ? line : { ...line, Amount: toJsonNumber(taxed.nets[at++] ?? 0n) },
    ),
    ...(taxed.detail ? { TxnTaxDetail: taxed.detail } : {}),
    ...(company.terms.vat === 'registered' ? { GlobalTaxCalculation: body.GlobalTaxCalculation ?? 'TaxExcluded' } : {}),
    TotalAmt: toJsonNumber(totalMinor),
  }
  if (!taxed.detail) delete complete.TxnTaxDetail
  return { complete, postings, totalMinor }
}

function boughtLines(company: Company, body: Body): Bought {
  const made: Bought = { lines: [], postings: [], taxable: [] }
  for (const line of numbered(body.Line ?? [])) {
    if (line.DetailType === 'DescriptionOnly') {
      made.lines.push(line)
      continue
    }
    const detail = line.AccountBasedExpenseLineDetail ?? line.ItemBasedExpenseLineDetail
    if (!detail)
      throw refuse('2020', 'Required parameter Line.AccountBasedExpenseLineDetail is missing in the request', 'Line')
    if (line.Amount === undefined)
      throw refuse('2020', 'Required parameter Line.Amount is missing in the request', 'Line.Amount')
    const account = costAccount(company, line)
    const payee = body.EntityRef ?? body.VendorRef
    const payeeKind = body.VendorRef ? 'Vendor' : (body.EntityRef?.type ?? 'Vendor')
    const onCustomer = account.AccountType === 'Accounts Receivable' && detail.CustomerRef && payeeKind !== 'Customer'
    const party = onCustomer
      ? partyOn(company, account, detail.CustomerRef, 'Customer')
      : partyOn(company, account, payee, payeeKind)
    made.lines.push(withNames(company, line, account.Id))
    made.postings.push({
      accountId: account.Id,
      amountMinor: 0n,
      lineId: line.Id ?? '',
      ...(party ? { party } : {}),
      ...(line.Description ? { text: line.Description } : {}),
    })
    made.taxable.push({
      netMinor: toMinor(line.Amount),
      grossMinor: detail.TaxInclusiveAmt === undefined ? undefined : toMinor(detail.TaxInclusiveAmt),
      codeId: codeOf(detail),
      element: 'Line.TaxCodeRef',
    })
  }
  return made
}

function costAccount(company: Company, line: Line): Body & { Id: string } {
  const byAccount = line.AccountBasedExpenseLineDetail
  if (byAccount)
    return referred(company, 'Account', byAccount.AccountRef, 'Line.AccountBasedExpenseLineDetail.AccountRef')
  const product = referred(
    company,
    'Item',
    line.ItemBasedExpenseLineDetail?.ItemRef,
    'Line.ItemBasedExpenseLineDetail.ItemRef',
  )
  if (!product.ExpenseAccountRef)
    throw businessRule(
      'The product has no expense account, so it cannot be bought.',
      'Line.ItemBasedExpenseLineDetail.ItemRef',
    )
  return referred(company, 'Account', product.ExpenseAccountRef, 'ExpenseAccountRef')
}

function withNames(company: Company, line: Line, accountId: string): Line {
  if (line.AccountBasedExpenseLineDetail)
    return {
      ...line,
      AccountBasedExpenseLineDetail: {
        ...line.AccountBasedExpenseLineDetail,
        AccountRef: named(company, 'Account', { value: accountId }),
      },
    }
  return line
}
