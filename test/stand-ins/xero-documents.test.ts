/**
 * The accounting objects, driven with xero-node; every test ends with no violation of the published schema.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Account,
  AccountType,
  type BankTransaction,
  CreditNote,
  Invoice,
  LineAmountTypes,
  ManualJournal,
  type Payment,
} from 'xero-node'
import type { Connected, Loose } from './xero-client.ts'
import { connected, raw, refusal } from './xero-client.ts'

let here: Connected
beforeEach(async () => {
  here = await connected()
})
afterEach(async () => {
  await here.standIn.close()
})

const day = '2026-03-10'
const line = (unitAmount: number, accountCode = '200', more = {}) => ({
  description: 'Oak boards',
  quantity: 1,
  unitAmount,
  accountCode,
  ...more,
})

async function contact(name = 'Green Door Joinery'): Promise<string> {
  const { body } = await here.api.getContacts(here.organisationId, undefined, `Name=="${name}"`)
  return body.contacts?.[0]?.contactID ?? ''
}

async function invoice(more: Partial<Invoice> = {}): Promise<Invoice> {
  const ask = {
    type: Invoice.TypeEnum.ACCREC,
    contact: { contactID: await contact() },
    date: day,
    dueDate: day,
    lineItems: [line(1000)],
    status: Invoice.StatusEnum.AUTHORISED,
    sentToContact: true,
    ...more,
  } as Invoice
  const { body } = await here.api.createInvoices(here.organisationId, { invoices: [ask] })
  return body.invoices?.[0] as Invoice
}

async function mutualCredit(): Promise<string> {
  const { body } = await here.api.createAccount(here.organisationId, {
    name: 'Mutual credit: Testshire (not cash)',
    type: AccountType.BANK,
    bankAccountNumber: 'MC-1',
  } as Account)
  return body.accounts?.[0]?.accountID ?? ''
}

async function pay(invoiceID: string | undefined, accountID: string, amount: number, more: Partial<Payment> = {}) {
  const ask = {
    invoice: { invoiceID },
    account: { accountID },
    amount,
    date: day,
    reference: 'MC-1',
    ...more,
  } as Payment
  const { body } = await here.api.createPayments(here.organisationId, { payments: [ask] })
  return body.payments?.[0] as Payment
}

async function statusOf(invoiceID = ''): Promise<[unknown, number | undefined, number | undefined]> {
  const { body } = await here.api.getInvoice(here.organisationId, invoiceID)
  const found = body.invoices?.[0]
  return [found?.status, found?.amountDue, found?.amountPaid]
}

describe('the main path', () => {
  test('a sale part in credits: invoice, payment into MC, and every report agrees', async () => {
    const mc = await mutualCredit()
    const sale = await invoice({ invoiceNumber: 'MLT-1', reference: 'trade 1', url: 'https://quits.example/t/1' })
    expect([sale.subTotal, sale.totalTax, sale.total, sale.amountDue]).toEqual([1000, 200, 1200, 1200])

    const payment = await pay(sale.invoiceID, mc, 1000, { isReconciled: true })

    expect(payment).toMatchObject({ amount: 1000, paymentType: 'ACCRECPAYMENT', isReconciled: true, reference: 'MC-1' })
    expect(await statusOf(sale.invoiceID)).toEqual(['AUTHORISED', 200, 1000])
    expect(['200', '610', '820', 'Mutual credit: Testshire (not cash)'].map(here.balance)).toEqual([
      '-1000.00',
      '200.00',
      '-200.00',
      '1000.00',
    ])
    const { body: trial } = await here.api.getReportTrialBalance(here.organisationId, day)
    const rows = trial.reports?.[0]?.rows?.flatMap((section) => section.rows ?? []) ?? []
    const cellsOf = (id: string) =>
      rows.find((row) => row.cells?.[0]?.attributes?.[0]?.value === id)?.cells?.map((cell) => cell.value)
    expect(cellsOf(mc)).toEqual(['Mutual credit: Testshire (not cash)', '1000.00', '', '1000.00', ''])
    const total = rows.at(-1)?.cells?.map((cell) => cell.value)
    expect(total?.[3]).toBe(total?.[4])
    const { body: bank } = await here.api.getReportBankSummary(here.organisationId, '2026-03-01', '2026-03-31')
    expect(JSON.stringify(bank)).toContain(`{"value":"1000.00"}`)
    const { body: sheet } = await here.api.getReportBalanceSheet(here.organisationId, day)
    const sums = (sheet.reports?.[0]?.rows ?? []).flatMap((section) => section.rows ?? []).map((row) => row.cells ?? [])
    const sum = (title: string) => sums.find((cells) => cells[0]?.value === title)?.[1]?.value
    expect([sum('Net Assets'), sum('Total Equity'), sum('Total Bank')]).toEqual(['1000.00', '1000.00', '1000.00'])
  })

  test('full payment makes an invoice PAID; deleting the payment makes it AUTHORISED again', async () => {
    const mc = await mutualCredit()
    const bill = await invoice({
      type: Invoice.TypeEnum.ACCPAY,
      invoiceNumber: 'S-9',
      lineItems: [line(50, '429')],
    })
    const payment = await pay(bill.invoiceID, mc, 60)
    expect(await statusOf(bill.invoiceID)).toEqual(['PAID', 0, 60])
    expect(here.balance('Mutual credit: Testshire (not cash)')).toBe('-60.00')

    const { body } = await here.api.deletePayment(here.organisationId, payment.paymentID ?? '', { status: 'DELETED' })

    expect(body.payments?.[0]?.status).toBe('DELETED')
    expect(await statusOf(bill.invoiceID)).toEqual(['AUTHORISED', 60, 0])
    expect(here.balance('Mutual credit: Testshire (not cash)')).toBe('0.00')
    const again = await refusal(
      here.api.deletePayment(here.organisationId, payment.paymentID ?? '', { status: 'DELETED' }),
    )
    expect(again).toMatchObject({ status: 400, messages: ['Payment not of valid status for modification'] })
  })

  test('a credit note is set against the invoice by a second call, refunded for the rest, and an allocation can go', async () => {
    const mc = await mutualCredit()
    const sale = await invoice()
    await pay(sale.invoiceID, mc, 1000)
    const { body } = await here.api.createCreditNotes(here.organisationId, {
      creditNotes: [
        {
          type: CreditNote.TypeEnum.ACCRECCREDIT,
          contact: { contactID: await contact() },
          date: day,
          status: CreditNote.StatusEnum.AUTHORISED,
          lineItems: [line(1000)],
          reference: 'reversal of trade 1',
        } as CreditNote,
      ],
    })
    const creditNoteID = body.creditNotes?.[0]?.creditNoteID ?? ''
    const set = await here.api.createCreditNoteAllocation(here.organisationId, creditNoteID, {
      allocations: [{ invoice: { invoiceID: sale.invoiceID }, amount: 200, date: day } as never],
    })
    expect(await statusOf(sale.invoiceID)).toEqual(['PAID', 0, 1000])

    const refund = await pay(undefined, mc, 1000, {
      invoice: undefined,
      creditNote: { creditNoteID },
    } as unknown as Partial<Payment>)

    expect(refund.paymentType).toBe('ARCREDITPAYMENT')
    expect(here.balance('Mutual credit: Testshire (not cash)')).toBe('0.00')
    expect(['200', '610', '820'].map(here.balance)).toEqual(['0.00', '0.00', '0.00'])
    const allocationID = set.body.allocations?.[0]?.allocationID ?? ''
    await here.api.deleteCreditNoteAllocations(here.organisationId, creditNoteID, allocationID)
    expect(await statusOf(sale.invoiceID)).toEqual(['AUTHORISED', 200, 1000])
    const { body: note } = await here.api.getCreditNote(here.organisationId, creditNoteID)
    expect(note.creditNotes?.[0]?.remainingCredit).toBe(200)
  })

  test('a CIS contact leaves less due than the total, and the ledger still sums to zero', async () => {
    here.standIn.control.edit(here.organisationId, { deed: 'setCis', contact: 'Green Door Joinery', percent: '20' })
    const sale = await invoice({ lineItems: [line(100)] })
    expect([sale.total, sale.amountDue, sale.cISDeduction]).toEqual([120, 100, 20])
    expect(['610', '621', '200', '820'].map(here.balance)).toEqual(['100.00', '20.00', '-100.00', '-20.00'])
  })

  test('a fee as money spent, a correction as money received, a transfer and an overpayment move real balances', async () => {
    const mc = await mutualCredit()
    const spend = (type: string, unitAmount: number, more = {}) =>
      here.api.createBankTransactions(here.organisationId, {
        bankTransactions: [
          {
            type,
            contact: { contactID: '' },
            bankAccount: { accountID: mc },
            date: day,
            lineAmountTypes: LineAmountTypes.NoTax,
            lineItems: [line(unitAmount, '404')],
            ...more,
          } as unknown as BankTransaction,
        ],
      })
    const contactID = await contact()
    await spend('SPEND', 12.5, { contact: { contactID }, isReconciled: true, reference: 'fee' })
    await spend('RECEIVE', 2.5, { contact: { contactID } })
    expect(here.balance('Mutual credit: Testshire (not cash)')).toBe('-10.00')
    await here.api.createBankTransfer(here.organisationId, {
      bankTransfers: [
        {
          fromBankAccount: { accountID: here.account('Business Current Account') },
          toBankAccount: { accountID: mc },
          amount: 10,
          date: day,
        },
      ],
    } as never)
    expect(here.balance('Business Current Account')).toBe('-10.00')
    const over = await spend('RECEIVE-OVERPAYMENT', 30, {
      contact: { contactID },
      lineItems: [{ description: 'Paid twice', unitAmount: 30 }],
    })
    expect(over.body.bankTransactions?.[0]?.overpaymentID).toBeTruthy()
    expect([here.balance('Mutual credit: Testshire (not cash)'), here.balance('610')]).toEqual(['30.00', '-30.00'])
  })

  test('a manual journal moves accounts but never a bank account, and must sum to zero', async () => {
    const journal = (lines: [string, number][]) =>
      here.api.createManualJournals(here.organisationId, {
        manualJournals: [
          {
            narration: 'Payroll run 7',
            date: day,
            status: ManualJournal.StatusEnum.POSTED,
            journalLines: lines.map(([accountCode, lineAmount]) => ({ accountCode, lineAmount })),
          } as ManualJournal,
        ],
      })
    await journal([
      ['814', 100],
      ['835', -100],
    ])
    expect(['814', '835'].map(here.balance)).toEqual(['100.00', '-100.00'])
    const unequal = await refusal(
      journal([
        ['814', 100],
        ['835', -10],
      ]),
    )
    expect(unequal.messages).toEqual(['The total debits (100.00) must equal total credits (-10.00)'])
    const control = await refusal(
      journal([
        ['610', 5],
        ['835', -5],
      ]),
    )
    expect(control.messages).toEqual(["Account code '610' is not a valid code for this document."])
  })

  test('a note stays in the history of a document', async () => {
    const sale = await invoice()
    const id = sale.invoiceID ?? ''
    await here.api.createInvoiceHistory(here.organisationId, id, {
      historyRecords: [{ details: 'Posted from trade 1' }],
    })
    const { body } = await here.api.getInvoiceHistory(here.organisationId, id)
    expect(body.historyRecords?.[0]).toMatchObject({ details: 'Posted from trade 1', user: 'System Generated' })
  })

  afterEach(() => {
    expect(here.standIn.control.requests.violations()).toEqual([])
  })
})

describe('tax and rounding', () => {
  test('tax is reckoned line by line: three lines of 25.43 at 15 % would differ from their sum, so do odd pennies here', async () => {
    const sale = await invoice({ lineItems: [line(0.13), line(0.13), line(0.13)] })
    // 0.026 rounds up to 0.03 three times; on the sum 0.078 would give 0.08.
    expect([sale.totalTax, sale.total]).toEqual([0.09, 0.48])
  })

  test('inclusive amounts carry their tax within', async () => {
    const sale = await invoice({ lineAmountTypes: LineAmountTypes.Inclusive, lineItems: [line(9.99)] })
    expect([sale.subTotal, sale.totalTax, sale.total]).toEqual([8.32, 1.67, 9.99])
  })

  test('the unit price is rounded before it is multiplied unless unitdp is 4', async () => {
    const ask = async (path: string) =>
      (
        await raw(here, 'PUT', path, {
          Type: 'ACCREC',
          Contact: { ContactID: await contact() },
          Date: day,
          DueDate: day,
          LineItems: [{ Description: 'x', Quantity: 100, UnitAmount: 0.1251, AccountCode: '200', TaxType: 'NONE' }],
        })
      ).json.Invoices[0].Total
    expect([await ask('/Invoices'), await ask('/Invoices?unitdp=4')]).toEqual([13, 12.51])
  })

  test('a reverse charge charges nothing', async () => {
    const sale = await invoice({ lineItems: [line(100, '200', { taxType: 'DRCHARGESUPPLY20' })] })
    expect(sale.total).toBe(100)
  })

  test('an organisation not registered for VAT knows no rate but “No VAT”', async () => {
    const books = await connected('Harbour Street Books')
    const { body } = await books.api.getTaxRates(books.organisationId)
    const { body: organisations } = await books.api.getOrganisations(books.organisationId)
    await books.standIn.close()
    expect(body.taxRates?.map((rate) => rate.taxType)).toEqual(['NONE'])
    expect(organisations.organisations?.[0]).toMatchObject({
      paysTax: false,
      salesTaxBasis: 'NONE',
      baseCurrency: 'GBP',
    })
  })

  test('an organisation in euro refuses sterling', async () => {
    const euro = await connected('Quay Foods', {
      organisations: [{ name: 'Quay Foods', country: 'IE', currency: 'EUR' }],
    })
    const answer = await raw(euro, 'PUT', '/Invoices', {
      Type: 'ACCPAY',
      Contact: { Name: 'A' },
      CurrencyCode: 'GBP',
      LineItems: [{ Description: 'x', UnitAmount: 1, AccountCode: '429' }],
    })
    await euro.standIn.close()
    expect(answer.json.Elements[0].ValidationErrors[0].Message).toBe('Organisation is not subscribed to currency GBP')
  })
})

describe('what is refused, in Xero’s words', () => {
  const messagesOf = async (method: string, path: string, body: unknown) => {
    const answer = await raw(here, method, path, body)
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ ErrorNumber: 10, Type: 'ValidationException' })
    return answer.json.Elements.flatMap((one: Loose) => one.ValidationErrors.map((error: Loose) => error.Message))
  }

  test('an account or tax code that does not fit, an archived one, and a missing due date', async () => {
    here.standIn.control.edit(here.organisationId, { deed: 'archiveAccount', account: '260' })
    const bad = (more: object) => refusal(invoice(more))
    expect((await bad({ lineItems: [line(1, '300')] })).messages).toEqual([
      "Account code '300' is not a valid code for this document.",
    ])
    expect((await bad({ lineItems: [line(1, '260')] })).messages).toEqual([
      "Account code '260' has been archived, or has been deleted. Each line item must reference a valid account.",
    ])
    expect((await bad({ lineItems: [line(1, '200', { taxType: 'INPUT2' })] })).messages).toEqual([
      "The TaxType code 'INPUT2' cannot be used with account code '200'.",
    ])
    expect((await bad({ dueDate: undefined })).messages).toEqual(['Due Date cannot be empty'])
  })

  test('a sales number that is taken, while two bills may bear one number', async () => {
    await invoice({ invoiceNumber: 'N-1' })
    expect((await refusal(invoice({ invoiceNumber: 'N-1' }))).messages).toEqual(['Invoice # must be unique.'])
    const bill = { type: Invoice.TypeEnum.ACCPAY, invoiceNumber: 'B-1', lineItems: [line(5, '429')] }
    await invoice(bill)
    expect((await invoice(bill)).invoiceNumber).toBe('B-1')
  })

  test('payments: too much, into a wrong account, on a draft', async () => {
    const mc = await mutualCredit()
    const sale = await invoice()
    expect((await refusal(pay(sale.invoiceID, mc, 1200.01))).messages).toEqual([
      'Payment amount exceeds the amount outstanding on this document',
    ])
    expect((await refusal(pay(sale.invoiceID, here.account('429'), 1))).messages).toEqual([
      'Account type is invalid for making a payment to/from',
    ])
    const draft = await invoice({ status: Invoice.StatusEnum.DRAFT })
    expect((await refusal(pay(draft.invoiceID, mc, 1))).messages).toEqual([
      'Payments can only be made against Authorised documents',
      'Payment amount exceeds the amount outstanding on this document',
    ])
  })

  test('a liability takes payments once they are enabled on it', async () => {
    const { body } = await here.api.createAccount(here.organisationId, {
      code: '850',
      name: 'Mutual credit',
      type: AccountType.CURRLIAB,
      enablePaymentsToAccount: true,
    } as Account)
    const sale = await invoice()
    await pay(sale.invoiceID, body.accounts?.[0]?.accountID ?? '', 1200)
    expect([await statusOf(sale.invoiceID), here.balance('850')]).toEqual([['PAID', 0, 1200], '1200.00'])
  })

  test('a paid invoice cannot be changed or voided; an open one can be voided and leaves the ledger', async () => {
    const mc = await mutualCredit()
    const sale = await invoice()
    await pay(sale.invoiceID, mc, 1200)
    const id = sale.invoiceID ?? ''
    expect(await messagesOf('POST', `/Invoices/${id}`, { InvoiceID: id, Status: 'VOIDED' })).toEqual([
      'Invoice not of valid status for modification',
      'This document cannot be edited as it has a payment or credit note allocated to it.',
    ])
    const open = await invoice()
    await raw(here, 'POST', `/Invoices/${open.invoiceID}`, { Status: 'VOIDED' })
    expect([await statusOf(open.invoiceID), here.balance('200')]).toEqual([['VOIDED', 0, 0], '-1000.00'])
  })

  test('both locks speak for documents, the payments’ lock for payments; an adviser passes the period lock only', async () => {
    const mc = await mutualCredit()
    const sale = await invoice()
    here.standIn.control.edit(here.organisationId, { deed: 'lockPeriod', until: '2026-03-31' })
    here.standIn.control.edit(here.organisationId, { deed: 'lockPeriod', until: '2026-03-31', endOfYear: true })
    expect((await refusal(invoice())).messages).toEqual([
      'The document date cannot be before the period lock date, currently set at 31-Mar-2026',
      'The document date cannot be before the end of year lock date, currently set at 31-Mar-2026',
    ])
    expect((await refusal(pay(sale.invoiceID, mc, 1))).messages).toEqual([
      'Organisation accounts are locked on the specified payment date',
    ])
    here.standIn.control.edit(here.organisationId, { deed: 'unlockPeriod' })
    here.standIn.control.edit(here.organisationId, { deed: 'lockPeriod', until: '2026-03-31' })
    here.standIn.control.edit(here.organisationId, { deed: 'changeSettings', adviser: true })
    expect((await invoice()).status).toBe('AUTHORISED')
  })

  test('contacts: a taken name or number, none at all, an archived one', async () => {
    expect(await messagesOf('PUT', '/Contacts', { Name: 'green door joinery' })).toEqual([
      'The contact name green door joinery is already assigned to another contact. The contact name must be unique across all active contacts.',
    ])
    await raw(here, 'PUT', '/Contacts', { Name: 'First', ContactNumber: 'q1' })
    expect(await messagesOf('PUT', '/Contacts', { Name: 'Second', ContactNumber: 'q1' })).toEqual([
      'The contact number q1 is already assigned to another contact. The contact number must be unique across all contacts.',
    ])
    expect(await messagesOf('PUT', '/Invoices', { Type: 'ACCREC', Contact: {}, LineItems: [] })).toContain(
      'The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber',
    )
    const contactID = await contact()
    here.standIn.control.edit(here.organisationId, { deed: 'archiveContact', contact: 'Green Door Joinery' })
    expect((await refusal(invoice({ contact: { contactID } }))).messages).toEqual([
      'The contact with the specified contact details has been archived. The contact must be un-archived before creating new invoices or credit notes',
    ])
  })

  test('a POST that only names a contact overwrites its namesake', async () => {
    const before = await contact()
    const answer = await raw(here, 'POST', '/Contacts', { Name: 'Green Door Joinery', EmailAddress: 'other@x.example' })
    expect(answer.json.Contacts[0]).toMatchObject({ ContactID: before, EmailAddress: 'other@x.example' })
  })

  test('an account name that is taken, a bank account without a number', async () => {
    expect(await messagesOf('PUT', '/Accounts', { Name: 'Sales', Code: '999', Type: 'REVENUE' })).toEqual([
      'Please enter a unique Name.',
    ])
    expect(await messagesOf('PUT', '/Accounts', { Name: 'MC', Type: 'BANK' })).toEqual([
      'Bank Account Number is required',
    ])
  })

  test('a plan’s cap on approvals', async () => {
    here.standIn.control.edit(here.organisationId, { deed: 'changeSettings', approvalCap: { sales: 1, bills: 1 } })
    await invoice()
    expect((await refusal(invoice())).messages).toEqual(['You have reached the limit of invoices you can approve'])
  })

  test('without summarizeErrors=false nothing of a list is saved, with it the good ones are', async () => {
    const asks = (number: string) =>
      [
        {
          type: Invoice.TypeEnum.ACCREC,
          invoiceNumber: number,
          contact: { name: 'Ferry Road Hardware' },
          lineItems: [line(1)],
        },
        {
          type: Invoice.TypeEnum.ACCREC,
          invoiceNumber: number,
          contact: { name: 'Ferry Road Hardware' },
          lineItems: [line(1)],
        },
      ] as Invoice[]
    await refusal(here.api.createInvoices(here.organisationId, { invoices: asks('L-1') }))
    const none = await raw(here, 'GET', '/Invoices?InvoiceNumbers=L-1')
    expect(none.json.Invoices).toEqual([])

    const { body } = await here.api.createInvoices(here.organisationId, { invoices: asks('L-2') }, false)

    expect(body.invoices?.map((one) => [one.statusAttributeString, one.hasErrors])).toEqual([
      ['OK', false],
      ['ERROR', true],
    ])
    expect(body.invoices?.[1]?.validationErrors?.[0]?.message).toBe('Invoice # must be unique.')
    expect((await raw(here, 'GET', '/Invoices?InvoiceNumbers=L-2')).json.Invoices).toHaveLength(1)
  })

  test('bad JSON, a bad filter, an unknown field and a third decimal place', async () => {
    expect((await raw(here, 'PUT', '/Invoices', '{"Type":')).json.Type).toBe('PostDataInvalidException')
    expect((await raw(here, 'GET', '/Invoices?where=Nonsense%3D%3D1')).json.Type).toBe('QueryParseException')
    expect(await messagesOf('PUT', '/Contacts', { Name: 'A', Nickname: 'B' })).toEqual([
      'Contacts[0]: must NOT have additional properties Nickname',
    ])
    const sale = await invoice()
    expect(
      await messagesOf('PUT', '/Payments', {
        Invoice: { InvoiceID: sale.invoiceID },
        Account: { Code: '850' },
        Date: day,
        Amount: 1.005,
      }),
    ).toContain('Payments[0]/Amount: more than 2 decimal places')
    expect(here.standIn.control.requests.violations()).toHaveLength(2)
  })

  test('a report without the role is 403; an unknown document is a 404 that is not JSON', async () => {
    here.standIn.control.edit(here.organisationId, { deed: 'changeSettings', reportsAllowed: false })
    expect((await raw(here, 'GET', '/Reports/TrialBalance')).status).toBe(403)
    const missing = await raw(here, 'GET', '/Invoices/00000000-0000-4000-8000-000000000000')
    expect([missing.status, missing.json]).toEqual([404, undefined])
  })
})

describe('lists', () => {
  test('filters, pages and changes since; a list without pages has no lines', async () => {
    for (const number of ['P-1', 'P-2', 'P-3']) {
      await invoice({ invoiceNumber: number, reference: `he said "${number}"` })
      here.standIn.clock.advance(1000)
    }
    const numbers = async (query: string, headers = {}) =>
      (await raw(here, 'GET', `/Invoices?${query}`, undefined, headers)).json.Invoices.map(
        (one: Loose) => one.InvoiceNumber,
      )
    const where = (text: string) => `where=${encodeURIComponent(text)}`
    expect(await numbers(where('InvoiceNumber=="P-2" OR InvoiceNumber=="P-3"'))).toEqual(['P-2', 'P-3'])
    expect(await numbers(where('Reference=="he said ""P-1"""'))).toEqual(['P-1'])
    expect(await numbers(where('Reference.StartsWith("he said") AND Date>=DateTime(2026,03,11)'))).toEqual([])
    expect(await numbers(where(`Contact.ContactID==guid("${await contact()}") AND Status!="VOIDED"`))).toHaveLength(3)
    expect(await numbers('order=InvoiceNumber%20DESC&page=1&pageSize=2')).toEqual(['P-3', 'P-2'])
    const since = new Date(here.standIn.clock.now().getTime() - 1500).toISOString()
    expect(await numbers('page=1', { 'If-Modified-Since': since })).toEqual(['P-3'])
    const whole = await raw(here, 'GET', '/Invoices?page=1')
    expect(whole.json.pagination).toEqual({ page: 1, pageSize: 100, pageCount: 1, itemCount: 3 })
    expect(whole.json.Invoices[0].LineItems).toHaveLength(1)
    expect((await raw(here, 'GET', '/Invoices')).json.Invoices[0].LineItems).toEqual([])
    expect(whole.json.Invoices[0]).toMatchObject({
      Date: '/Date(1773100800000+0000)/',
      DateString: '2026-03-10T00:00:00',
    })
  })

  test('createdByMyApp leaves out what a person entered', async () => {
    await invoice({ invoiceNumber: 'OURS' })
    here.standIn.control.edit(here.organisationId, {
      deed: 'enterInvoice',
      contact: 'New Ltd',
      amount: '5.00',
      number: 'THEIRS',
    })
    const mine = await raw(here, 'GET', '/Invoices?createdByMyApp=true')
    expect(mine.json.Invoices.map((one: Loose) => one.InvoiceNumber)).toEqual(['OURS'])
  })

  test('XML is what Xero speaks to those who do not ask for JSON', async () => {
    const answer = await raw(here, 'GET', '/Organisation', undefined, { Accept: 'application/xml' })
    expect(answer.headers.get('content-type')).toContain('text/xml')
    expect(answer.text).toContain('<Name>Mill Lane Timber Ltd</Name>')
  })
})
