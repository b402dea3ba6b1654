/**
 * Payments of customers and to vendors: what they settle, and what stays unapplied.
 */
import { toJsonNumber, toMinor } from '../kit/decimals.ts'
import type { Company, Made, Posting, Settlement } from './company.ts'
import type { Body, DocumentKind, Line, Link } from './document.ts'
import { businessRule, gone, refuse } from './fault.ts'
import { type Party, standingOf } from './open.ts'
import { accountOfType, checkCurrency, named, nothingMade, ownAccount, type Rules, referred } from './rules.ts'
import { depositable } from './sales.ts'

/** What the link names of the vendor mean here. */
const payable: Record<string, DocumentKind> = {
  Invoice: 'Invoice',
  CreditMemo: 'CreditMemo',
  JournalEntry: 'JournalEntry',
  Expense: 'Purchase',
}
const billable: Record<string, DocumentKind> = {
  Bill: 'Bill',
  VendorCredit: 'VendorCredit',
  JournalEntry: 'JournalEntry',
  Deposit: 'Deposit',
}

export const payments: Rules = {
  prepare(company, body) {
    const customer = referred(company, 'Customer', body.CustomerRef, 'CustomerRef')
    const account = body.DepositToAccountRef
      ? accountOfType(company, body.DepositToAccountRef, 'DepositToAccountRef', depositable)
      : ownAccount(company, 'Other Current Asset', 'UndepositedFunds')
    const debtors = body.ARAccountRef
      ? accountOfType(company, body.ARAccountRef, 'ARAccountRef', ['Accounts Receivable']).Id
      : ownAccount(company, 'Accounts Receivable').Id
    const totalMinor = toMinor(body.TotalAmt ?? 0)
    if (totalMinor < 0n) throw businessRule('Transaction amount must be 0 or greater.', 'TotalAmt')
    const party = { kind: 'Customer' as const, id: customer.Id }
    const { settles, lines } = settled(company, body, party, payable, 'Payment', totalMinor)
    const { UnappliedAmt, LinkedTxn, ...rest } = body
    const complete: Body = {
      ...rest,
      TxnDate: body.TxnDate ?? company.day,
      CustomerRef: named(company, 'Customer', { value: customer.Id }),
      DepositToAccountRef: { value: account.Id },
      CurrencyRef: checkCurrency(company, body),
      ProcessPayment: false,
      TotalAmt: toJsonNumber(totalMinor),
      Line: lines,
    }
    const postings: Posting[] = [
      { accountId: account.Id, amountMinor: totalMinor },
      { accountId: debtors, amountMinor: -totalMinor, party },
    ]
    return { body: complete, made: { ...nothingMade(), postings, settles } }
  },
  shown(company, body) {
    const deposits = company.settlersOf('Payment', body.Id ?? '').filter(({ by }) => by.kind === 'Deposit')
    const used = usedMinor(company, company.madeBy('Payment', body.Id ?? ''), {
      kind: 'Customer',
      id: body.CustomerRef?.value ?? '',
    })
    return {
      ...body,
      UnappliedAmt: toJsonNumber(toMinor(body.TotalAmt ?? 0) - used),
      LinkedTxn: deposits.map(({ by }) => ({ TxnId: by.id, TxnType: 'Deposit' })),
    }
  },
}

export const billPayments: Rules = {
  prepare(company, body) {
    const vendor = referred(company, 'Vendor', body.VendorRef, 'VendorRef')
    const byCard = body.PayType === 'CreditCard'
    const account = byCard
      ? accountOfType(company, body.CreditCardPayment?.CCAccountRef, 'CreditCardPayment.CCAccountRef', ['Credit Card'])
      : accountOfType(company, body.CheckPayment?.BankAccountRef, 'CheckPayment.BankAccountRef', ['Bank'])
    const creditors = body.APAccountRef
      ? accountOfType(company, body.APAccountRef, 'APAccountRef', ['Accounts Payable']).Id
      : ownAccount(company, 'Accounts Payable').Id
    const totalMinor = toMinor(body.TotalAmt ?? 0)
    const party = { kind: 'Vendor' as const, id: vendor.Id }
    const { settles, lines } = settled(company, body, party, billable, 'BillPayment', totalMinor)
    const { LinkedTxn, ...rest } = body
    const complete: Body = {
      ...rest,
      TxnDate: body.TxnDate ?? company.day,
      VendorRef: named(company, 'Vendor', { value: vendor.Id }),
      CurrencyRef: checkCurrency(company, body),
      TotalAmt: toJsonNumber(totalMinor),
      Line: lines,
    }
    if (!byCard)
      complete.CheckPayment = {
        ...body.CheckPayment,
        BankAccountRef: named(company, 'Account', { value: account.Id }),
        PrintStatus: body.CheckPayment?.PrintStatus ?? 'NotSet',
      }
    const postings: Posting[] = [
      { accountId: account.Id, amountMinor: -totalMinor },
      { accountId: creditors, amountMinor: totalMinor, party },
    ]
    return { body: complete, made: { ...nothingMade(), postings, settles } }
  },
}

/** Checks each line against the document it names. Charges less credits may not pass the money that was paid. */
function settled(
  company: Company,
  body: Body,
  party: Party,
  known: Record<string, DocumentKind>,
  own: 'Payment' | 'BillPayment',
  totalMinor: bigint,
) {
  const settles: Settlement[] = []
  const lines: Line[] = []
  let chargesMinor = 0n
  for (const line of body.Line ?? []) {
    const link = line.LinkedTxn?.[0]
    if (!link) throw refuse('2020', 'Required parameter Line.LinkedTxn is missing in the request', 'Line.LinkedTxn')
    const kind = known[link.TxnType]
    if (!kind)
      throw businessRule(
        `A ${own} cannot be linked to a transaction of type ${link.TxnType}.`,
        'Line.LinkedTxn.TxnType',
      )
    const other = company.find(kind, link.TxnId)
    if (!other) throw gone()
    const lineId = link.TxnLineId && link.TxnLineId !== '0' ? link.TxnLineId : undefined
    const standing = standingOf(
      company,
      kind,
      link.TxnId,
      party,
      lineId,
      body.Id ? { kind: own, id: body.Id } : undefined,
    )
    if (!standing)
      throw businessRule(
        `${link.TxnType} ${link.TxnId} does not belong to this ${party.kind.toLowerCase()}.`,
        'Line.LinkedTxn.TxnId',
      )
    let amountMinor = toMinor(line.Amount ?? 0)
    if (amountMinor < 0n) throw businessRule('Amounts of lines are positive, for credits too.', 'Line.Amount')
    const earlierHere = settles
      .filter((settle) => settle.kind === kind && settle.id === link.TxnId && settle.lineId === lineId)
      .reduce((sum, settle) => sum + settle.amountMinor, 0n)
    const openMinor = standing.openMinor - earlierHere
    if (amountMinor > openMinor) {
      if (company.quirks.overpayment === 'refused')
        throw businessRule(
          `The amount ${toJsonNumber(amountMinor)} is more than the ${toJsonNumber(openMinor)} open on ${link.TxnType} ${link.TxnId}.`,
          'Line.Amount',
        )
      amountMinor = openMinor
    }
    chargesMinor += standing.side === 'charge' ? amountMinor : -amountMinor
    settles.push({ kind, id: link.TxnId, amountMinor, ...(lineId ? { lineId } : {}) })
    lines.push({ Amount: toJsonNumber(amountMinor), LinkedTxn: [cleanLink(link)] })
  }
  if (chargesMinor > totalMinor) throw businessRule('The lines of the payment come to more than its total.', 'TotalAmt')
  return { settles, lines }
}

const cleanLink = ({ TxnId, TxnType, TxnLineId }: Link): Link => ({
  TxnId,
  TxnType,
  ...(TxnLineId ? { TxnLineId } : {}),
})

/** Charges less credits that a payment settles now. */
function usedMinor(company: Company, made: Made, party: Party): bigint {
  return made.settles.reduce((sum, settle) => {
    const side = standingOf(company, settle.kind, settle.id, party, settle.lineId)?.side ?? 'charge'
    return sum + (side === 'charge' ? settle.amountMinor : -settle.amountMinor)
  }, 0n)
}
