/**
 * Money that moves without a payment: deposits, with what they carry out of Undeposited Funds, and transfers.
 */
import { toJsonNumber, toMinor } from '../kit/decimals.ts'
import type { Company, Posting, Settlement } from './company.ts'
import type { Body, Line, Link } from './document.ts'
import { businessRule, gone, refuse } from './fault.ts'
import {
  accountOfType,
  checkCurrency,
  codeOf,
  creditorAccounts,
  debtorAccounts,
  named,
  nothingMade,
  numbered,
  ownAccount,
  partyOn,
  type Rules,
  referred,
  vatAccount,
} from './rules.ts'
import { depositable } from './sales.ts'
import { taxOf } from './tax.ts'

export const deposits: Rules = {
  prepare(company, body) {
    const account = accountOfType(company, body.DepositToAccountRef, 'DepositToAccountRef', depositable)
    const carries: Settlement[] = []
    const postings: Posting[] = []
    const taxable: Parameters<typeof taxOf>[1] = []
    const lines: Line[] = []
    let side: 'Sales' | 'Purchase' = 'Sales'
    let carriedMinor = 0n
    const taxedAt: number[] = []
    for (const line of numbered(body.Line ?? [])) {
      const amountMinor = toMinor(line.Amount ?? 0)
      const link = line.LinkedTxn?.[0]
      if (link) {
        const carried = carriedBy(company, link, amountMinor, body.Id)
        carries.push(carried)
        postings.push({
          accountId: ownAccount(company, 'Other Current Asset', 'UndepositedFunds').Id,
          amountMinor: -amountMinor,
          lineId: line.Id ?? '',
        })
        carriedMinor += amountMinor
        lines.push(line)
        continue
      }
      const detail = line.DepositLineDetail
      if (!detail)
        throw refuse(
          '2020',
          'Required parameter Line.DepositLineDetail is missing in the request',
          'Line.DepositLineDetail',
        )
      const credited = referred(company, 'Account', detail.AccountRef, 'Line.DepositLineDetail.AccountRef')
      const kind = String(detail.Entity?.type ?? '').replace(
        /^(\w)(\w*)$/,
        (_all, head: string, rest: string) => head.toUpperCase() + rest.toLowerCase(),
      )
      const party = partyOn(company, credited, detail.Entity, kind)
      if (detail.TaxApplicableOn) side = detail.TaxApplicableOn
      taxedAt.push(postings.length)
      postings.push({
        accountId: credited.Id,
        amountMinor: -amountMinor,
        lineId: line.Id ?? '',
        ...(party ? { party } : {}),
      })
      taxable.push({
        netMinor: amountMinor,
        grossMinor: undefined,
        codeId: codeOf(detail),
        element: 'Line.DepositLineDetail.TaxCodeRef',
      })
      lines.push({
        ...line,
        DepositLineDetail: { ...detail, AccountRef: named(company, 'Account', { value: credited.Id }) },
      })
    }
    const anyCode = taxable.some((line) => line.codeId !== undefined)
    const taxed = taxOf(
      company,
      taxable,
      side,
      anyCode ? body.GlobalTaxCalculation : 'NotApplicable',
      body.TxnTaxDetail,
    )
    const netMinor = taxed.nets.reduce((sum, net) => sum + net, 0n)
    if (taxed.totalMinor !== 0n) postings.push({ accountId: vatAccount(company), amountMinor: -taxed.totalMinor })
    const backMinor = cashBack(company, body, postings)
    const totalMinor = carriedMinor + netMinor + taxed.totalMinor - backMinor
    if (totalMinor < 0n) throw businessRule('Transaction amount must be 0 or greater.', 'TotalAmt')
    postings.unshift({ accountId: account.Id, amountMinor: totalMinor })
    const { LinkedTxn, TxnTaxDetail, ...rest } = body
    const complete: Body = {
      ...rest,
      TxnDate: body.TxnDate ?? company.day,
      DepositToAccountRef: named(company, 'Account', { value: account.Id }),
      CurrencyRef: checkCurrency(company, body),
      Line: lines,
      ...(taxed.detail ? { TxnTaxDetail: taxed.detail } : {}),
      TotalAmt: toJsonNumber(totalMinor),
    }
    return { body: complete, made: { ...nothingMade(), postings, carries } }
  },
}

/** Money that waits in Undeposited Funds, taken to the bank whole. */
function carriedBy(company: Company, link: Link, amountMinor: bigint, ownId: string | undefined): Settlement {
  if (link.TxnType !== 'Payment' && link.TxnType !== 'SalesReceipt')
    throw businessRule(`A Deposit cannot carry a transaction of type ${link.TxnType}.`, 'Line.LinkedTxn.TxnType')
  const carried = company.find(link.TxnType, link.TxnId)
  if (!carried) throw gone()
  if (carried.DepositToAccountRef?.value !== ownAccount(company, 'Other Current Asset', 'UndepositedFunds').Id)
    throw businessRule(`${link.TxnType} ${link.TxnId} does not wait in Undeposited Funds.`, 'Line.LinkedTxn.TxnId')
  if (company.settlersOf(link.TxnType, link.TxnId).some(({ by }) => by.kind === 'Deposit' && by.id !== ownId))
    throw businessRule(`${link.TxnType} ${link.TxnId} is already on a deposit.`, 'Line.LinkedTxn.TxnId')
  if (toMinor(carried.TotalAmt ?? 0) !== amountMinor)
    throw businessRule('The line must have the amount of the payment it carries.', 'Line.Amount')
  return { kind: link.TxnType, id: link.TxnId, amountMinor }
}

function cashBack(company: Company, body: Body, postings: Posting[]): bigint {
  if (!body.CashBack) return 0n
  const account = referred(company, 'Account', body.CashBack.AccountRef, 'CashBack.AccountRef')
  const amountMinor = toMinor(body.CashBack.Amount ?? 0)
  postings.push({ accountId: account.Id, amountMinor })
  return amountMinor
}

export const transfers: Rules = {
  prepare(company, body) {
    const from = referred(company, 'Account', body.FromAccountRef, 'FromAccountRef')
    const to = referred(company, 'Account', body.ToAccountRef, 'ToAccountRef')
    const special = [...debtorAccounts(company), ...creditorAccounts(company)]
    for (const [account, element] of [
      [from, 'FromAccountRef'],
      [to, 'ToAccountRef'],
    ] as const)
      if (account.Classification !== 'Asset' || special.includes(account.Id))
        throw businessRule('Both accounts of a transfer must be asset accounts.', element)
    if (from.Id === to.Id) throw businessRule('The accounts of a transfer must differ.', 'ToAccountRef')
    const amountMinor = toMinor(body.Amount ?? 0)
    if (amountMinor <= 0n) throw businessRule('Transaction amount must be greater than 0.', 'Amount')
    const postings: Posting[] = [
      { accountId: to.Id, amountMinor },
      { accountId: from.Id, amountMinor: -amountMinor },
    ]
    const complete: Body = {
      ...body,
      TxnDate: body.TxnDate ?? company.day,
      FromAccountRef: named(company, 'Account', { value: from.Id }),
      ToAccountRef: named(company, 'Account', { value: to.Id }),
      CurrencyRef: checkCurrency(company, body),
    }
    return { body: complete, made: { ...nothingMade(), postings } }
  },
}
