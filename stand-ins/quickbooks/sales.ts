/**
 * Documents of a sale: invoice and credit memo on debtors, sales receipt and refund receipt straight on a bank account.
 */
import { divideHalfUp, toJsonNumber, toMinor } from '../kit/decimals.ts'
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
  type Rules,
  referred,
  vatAccount,
} from './rules.ts'
import { type Taxed, taxOf } from './tax.ts'

export const depositable = ['Bank', 'Other Current Asset']

/** Turns one document into its lines, its total and what it posts; `direction` is 1 for a sale, -1 for its undoing. */
function salesRules(kind: 'Invoice' | 'CreditMemo' | 'SalesReceipt' | 'RefundReceipt', direction: 1n | -1n): Rules {
  const onDebtors = kind === 'Invoice' || kind === 'CreditMemo'
  return {
    prepare(company, body) {
      const customer =
        onDebtors || body.CustomerRef ? referred(company, 'Customer', body.CustomerRef, 'CustomerRef') : undefined
      const sold = soldLines(company, body)
      const taxed = taxOf(company, sold.taxable, 'Sales', body.GlobalTaxCalculation, body.TxnTaxDetail)
      const netMinor = taxed.nets.reduce((sum, net) => sum + net, 0n)
      const totalMinor = netMinor + taxed.totalMinor
      if (totalMinor < 0n) throw businessRule('Transaction amount must be 0 or greater.', 'TotalAmt')

      const against = onDebtors ? debtors(company, body) : moneyAccount(company, body, kind)
      const postings: Posting[] = [
        {
          accountId: against,
          amountMinor: direction * totalMinor,
          ...(onDebtors && customer ? { party: { kind: 'Customer', id: customer.Id } } : {}),
        },
        ...sold.incomeIds.map((accountId, at) => ({ accountId, amountMinor: -direction * (taxed.nets[at] ?? 0n) })),
      ]
      if (taxed.totalMinor !== 0n)
        postings.push({ accountId: vatAccount(company), amountMinor: -direction * taxed.totalMinor })

      const complete = completed(company, body, sold.lines(taxed), taxed, totalMinor, netMinor)
      if (customer) complete.CustomerRef = named(company, 'Customer', { value: customer.Id })
      if (kind === 'Invoice') complete.DueDate = body.DueDate ?? complete.TxnDate ?? company.day
      if (!onDebtors) complete.DepositToAccountRef = named(company, 'Account', { value: against })
      if (kind === 'RefundReceipt') Object.assign(complete, printing(company, complete))
      return { body: complete, made: { ...nothingMade(), postings } }
    },
    shown(company, body) {
      if (!onDebtors) return { ...body, Balance: 0 }
      const party = { kind: 'Customer' as const, id: body.CustomerRef?.value ?? '' }
      const open = openAmount(company, kind as 'Invoice', body, party)
      const LinkedTxn = linksOf(company, kind, body.Id ?? '')
      return kind === 'Invoice'
        ? { ...body, Balance: open, LinkedTxn }
        : { ...body, Balance: open, RemainingCredit: open, LinkedTxn }
    },
  }
}

export const invoices = salesRules('Invoice', 1n)
export const creditMemos = salesRules('CreditMemo', -1n)
export const salesReceipts = salesRules('SalesReceipt', 1n)
export const refundReceipts = salesRules('RefundReceipt', -1n)

function debtors(company: Company, body: Body): string {
  if (body.ARAccountRef) return accountOfType(company, body.ARAccountRef, 'ARAccountRef', ['Accounts Receivable']).Id
  return ownAccount(company, 'Accounts Receivable').Id
}

function moneyAccount(company: Company, body: Body, kind: string): string {
  if (body.DepositToAccountRef || kind === 'RefundReceipt')
    return accountOfType(company, body.DepositToAccountRef, 'DepositToAccountRef', depositable).Id
  return ownAccount(company, 'Other Current Asset', 'UndepositedFunds').Id
}

function soldLines(company: Company, body: Body) {
  const kept: Line[] = []
  const priced: number[] = []
  const taxable: Parameters<typeof taxOf>[1] = []
  const incomeIds: string[] = []
  for (const line of body.Line ?? []) {
    if (line.DetailType === 'SubTotalLineDetail') continue
    if (line.DetailType === 'DiscountLineDetail')
      throw refuse('5030', 'Feature Not Supported Error : discounts are switched off in this company')
    if (line.DetailType === 'GroupLineDetail')
      throw refuse('5030', 'Feature Not Supported Error : bundles are switched off in this company')
    const detail = line.SalesItemLineDetail
    if (line.DetailType !== 'SalesItemLineDetail' || !detail?.ItemRef) {
      // Without a product a line is text, and its amount counts for nothing.
      kept.push({
        DetailType: 'DescriptionOnly',
        ...(line.Description ? { Description: line.Description } : {}),
        DescriptionLineDetail: {},
      })
      continue
    }
    const product = referred(company, 'Item', detail.ItemRef, 'Line.SalesItemLineDetail.ItemRef')
    const income = referred(
      company,
      'Account',
      detail.ItemAccountRef ?? product.IncomeAccountRef ?? product.ExpenseAccountRef,
      'Line.SalesItemLineDetail.ItemAccountRef',
    )
    checkPrice(line)
    incomeIds.push(income.Id)
    taxable.push({
      netMinor: toMinor(line.Amount ?? 0),
      grossMinor: detail.TaxInclusiveAmt === undefined ? undefined : toMinor(detail.TaxInclusiveAmt),
      codeId: codeOf(detail),
      element: 'Line.SalesItemLineDetail.TaxCodeRef',
    })
    priced.push(kept.length)
    kept.push({
      ...line,
      SalesItemLineDetail: {
        ...detail,
        ItemRef: named(company, 'Item', detail.ItemRef),
        ItemAccountRef: named(company, 'Account', { value: income.Id }),
      },
    })
  }
  const lines = (taxed: Taxed): Line[] =>
    kept.map((line, at) => {
      const net = taxed.nets[priced.indexOf(at)]
      return net === undefined || !priced.includes(at) ? line : { ...line, Amount: toJsonNumber(net) }
    })
  return { lines, taxable, incomeIds }
}

/** Amount must be what quantity and price give; where amounts hold the tax, the gross may be meant. */
function checkPrice(line: Line): void {
  const detail = line.SalesItemLineDetail
  if (detail?.Qty === undefined || detail.UnitPrice === undefined) return
  const product = divideHalfUp(toMinor(detail.Qty, 10) * toMinor(detail.UnitPrice, 10), 10n ** 18n)
  const gross = detail.TaxInclusiveAmt === undefined ? undefined : toMinor(detail.TaxInclusiveAmt)
  if (product !== toMinor(line.Amount ?? 0) && product !== gross)
    throw refuse('6070', `Amount is not equal to UnitPrice * Qty. Supplied value:${line.Amount}`, 'Line.Amount')
}

function completed(
  company: Company,
  body: Body,
  lines: Line[],
  taxed: Taxed,
  totalMinor: bigint,
  netMinor: bigint,
): Body {
  const { Balance, RemainingCredit, LinkedTxn, HomeBalance, HomeTotalAmt, TxnTaxDetail, ...rest } = body
  return {
    ...rest,
    TxnDate: body.TxnDate ?? company.day,
    CurrencyRef: checkCurrency(company, body),
    Line: [
      ...numbered(lines),
      { Amount: toJsonNumber(netMinor), DetailType: 'SubTotalLineDetail', SubTotalLineDetail: {} },
    ],
    TxnTaxDetail: taxed.detail ?? { TotalTax: 0 },
    ...(company.terms.vat === 'registered' ? { GlobalTaxCalculation: body.GlobalTaxCalculation ?? 'TaxExcluded' } : {}),
    TotalAmt: toJsonNumber(totalMinor),
  }
}

/** Money that leaves a bank account waits to be printed unless the caller says otherwise. */
function printing(company: Company, body: Body): Partial<Body> {
  if (body.PrintStatus === 'PrintComplete' && !body.PaymentRefNum)
    throw refuse('2020', 'Required parameter PaymentRefNum is missing in the request', 'PaymentRefNum')
  const account = company.find('Account', body.DepositToAccountRef?.value)
  if (account?.AccountType !== 'Bank' || body.PaymentRefNum || body.PrintStatus === 'NotSet') return {}
  return { PrintStatus: 'NeedToPrint', PaymentRefNum: 'To Print' }
}
