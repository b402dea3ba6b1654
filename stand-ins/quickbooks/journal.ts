/**
 * Journal entries: debits and credits as an accountant writes them, with VAT on a line where it says so.
 */
import { toJsonNumber, toMinor } from '../kit/decimals.ts'
import type { Posting } from './company.ts'
import type { Body, Line } from './document.ts'
import { inactive, refuse, unknownReference } from './fault.ts'
import { linksOf } from './open.ts'
import { checkCurrency, named, nothingMade, numbered, partyOn, type Rules, referred, vatAccount } from './rules.ts'

export const journals: Rules = {
  prepare(company, body) {
    const postings: Posting[] = []
    const lines: Line[] = []
    let debitMinor = 0n
    let creditMinor = 0n
    for (const line of numbered(body.Line ?? [])) {
      const detail = line.JournalEntryLineDetail
      if (line.DetailType !== 'JournalEntryLineDetail' || !detail) {
        lines.push(line)
        continue
      }
      const account = referred(company, 'Account', detail.AccountRef, 'Line.JournalEntryLineDetail.AccountRef')
      const party = partyOn(company, account, detail.Entity?.EntityRef, detail.Entity?.Type)
      const sign = detail.PostingType === 'Debit' ? 1n : -1n
      const amountMinor = toMinor(line.Amount ?? 0)
      const taxMinor = detail.TaxCodeRef ? toMinor(detail.TaxAmount ?? 0) : 0n
      if (detail.TaxCodeRef) {
        const code = company.find('TaxCode', detail.TaxCodeRef.value)
        if (!code) throw unknownReference('TaxCode', detail.TaxCodeRef.value, 'Line.JournalEntryLineDetail.TaxCodeRef')
        if (code.Active === false) throw inactive('Line.JournalEntryLineDetail.TaxCodeRef')
      }
      postings.push({
        accountId: account.Id,
        amountMinor: sign * amountMinor,
        lineId: line.Id ?? '',
        ...(party ? { party } : {}),
        ...(line.Description ? { text: line.Description } : {}),
      })
      if (taxMinor !== 0n) postings.push({ accountId: vatAccount(company), amountMinor: sign * taxMinor })
      if (sign === 1n) debitMinor += amountMinor + taxMinor
      else creditMinor += amountMinor + taxMinor
      lines.push({
        ...line,
        JournalEntryLineDetail: { ...detail, AccountRef: named(company, 'Account', { value: account.Id }) },
      })
    }
    if (debitMinor !== creditMinor)
      throw refuse(
        '2300',
        `Debits (${toJsonNumber(debitMinor)}) and credits (${toJsonNumber(creditMinor)}) are not equal`,
        'Line',
      )
    if (postings.length < 2) throw refuse('2020', 'Required parameter Line is missing in the request', 'Line')
    const { TotalAmt, LinkedTxn, ...rest } = body
    const complete: Body = {
      ...rest,
      TxnDate: body.TxnDate ?? company.day,
      CurrencyRef: checkCurrency(company, body),
      Adjustment: rest.Adjustment ?? false,
      Line: lines,
    }
    return { body: complete, made: { ...nothingMade(), postings } }
  },
  shown: (company, body) => ({ ...body, LinkedTxn: linksOf(company, 'JournalEntry', body.Id ?? '') }),
}
