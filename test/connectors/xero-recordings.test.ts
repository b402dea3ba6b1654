/** Every answer in the table of Xero's errors, played at the wire: which kind it is, and which cause. */
import { readdirSync, readFileSync } from 'node:fs'
import nock from 'nock'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BookError, type Verdict } from '../../connectors/port.ts'
import { vendorErrors } from '../../src/outbox/catalogue/vendor-errors.ts'
import { api, book, identity, invoiceOfTen, makeXero, paymentOf, receiptOf, standIn } from './xero-wire.ts'

type Recording = {
  verb: keyof typeof verbs
  reply: { status: number; headers: Record<string, string>; body: unknown }
  error: { kind: string; facts: Record<string, unknown> }
  /** How often the reply is given; once unless said. */
  times?: number
  organisation?: Record<string, unknown>
  connections?: unknown[]
}
type Played = { on: (asked: nock.Interceptor) => nock.Scope }

const folder = new URL('./recordings/xero/', import.meta.url)
const grant = { ...book, scopes: [...book.scopes, 'accounting.manualjournals'] }

const verbs = {
  describe: ({ on }: Played) => {
    on(api().get('/TaxRates'))
    api().get('/Organisation/Actions').reply(200, { Actions: [] })
    return makeXero().describe(grant)
  },
  putInvoice: ({ on }: Played) => {
    on(api().put('/Invoices?summarizeErrors=false'))
    return makeXero().putDocuments(grant, [{ key: 'dlv_1', thing: invoiceOfTen }])
  },
  putPayment: ({ on }: Played) => {
    on(api().put('/Payments?summarizeErrors=false'))
    return makeXero().putPayments(grant, [{ key: 'dlv_2', thing: paymentOf(receiptOf('invoice')) }])
  },
  allocate: ({ on }: Played) => {
    const credit = receiptOf('credit_note')
    on(api().put(`/CreditNotes/${credit.id}/Allocations?summarizeErrors=false`))
    const { of: _, reconciled: __, ...rest } = paymentOf(credit)
    const thing = { ...rest, kind: 'allocation' as const, credit, against: receiptOf('invoice') }
    return makeXero().putPayments(grant, [{ key: 'dlv_3', thing }])
  },
  putContact: ({ on }: Played) => {
    on(api().put('/Contacts?summarizeErrors=false'))
    const thing = {
      name: 'Mill',
      role: 'supplier' as const,
      email: null,
      companyNumber: null,
      vatNumber: null,
      currency: 'GBP',
    }
    return makeXero().putContacts(grant, [{ key: 'dlv_4', thing }])
  },
  putJournal: ({ on }: Played) => {
    on(api().put('/ManualJournals?summarizeErrors=false'))
    const line = { accountId: 'a', description: 'Wages', amountMinor: 100n, taxCodeId: null }
    const thing = {
      kind: 'journal' as const,
      reference: 'Q7-J',
      datedOn: '2026-11-18',
      currency: 'GBP',
      lines: [line],
      note: '',
    }
    return makeXero().putDocuments(grant, [{ key: 'dlv_5', thing }])
  },
  openAccount: ({ on }: Played) => {
    on(api().put('/Accounts'))
    return makeXero().openAccount(grant, {
      key: 'dlv_6',
      thing: { name: 'Mutual credit', kind: 'bank', code: null, currency: 'GBP' },
    })
  },
  findInvoice: ({ on }: Played) => {
    on(api().get('/Invoices').query(true))
    return makeXero().find(grant, [{ by: 'reference', kind: 'invoice', reference: 'Q7-I', contactId: null }])
  },
  cancelInvoice: ({ on }: Played) => {
    const invoice = receiptOf('invoice')
    api()
      .get(`/Invoices/${invoice.id}`)
      .reply(200, { Invoices: [{ InvoiceID: invoice.id, Type: 'ACCREC', Status: 'PAID', Total: 12 }] })
    on(api().post(`/Invoices/${invoice.id}`))
    return makeXero().cancel(grant, [{ key: 'dlv_7', thing: invoice }])
  },
  cancelPayment: ({ on }: Played) => {
    const payment = receiptOf('payment')
    api()
      .get(`/Payments/${payment.id}`)
      .reply(200, { Payments: [{ PaymentID: payment.id, Status: 'AUTHORISED', Amount: 12 }] })
    on(api().post(`/Payments/${payment.id}`, { Status: 'DELETED' }))
    return makeXero().cancel(grant, [{ key: 'dlv_8', thing: payment }])
  },
  refresh: ({ on }: Played) => {
    on(identity().post('/connect/token'))
    return makeXero().refresh(grant)
  },
  consent: ({ on }: Played) => {
    on(identity().post('/connect/token'))
    return makeXero().grantsFrom({ url: 'http://localhost:4600/callback?code=c&state=s', verifier: 'v'.repeat(43) })
  },
}

const unmatched: string[] = []
const noMatch = (request: Request) => {
  unmatched.push(String(request.url ?? request))
}

beforeEach(() => {
  if (!nock.isActive()) nock.activate()
  nock.disableNetConnect()
  nock.emitter.on('no match', noMatch)
})
afterEach(() => {
  nock.emitter.off('no match', noMatch)
  nock.cleanAll()
  nock.enableNetConnect()
  expect(unmatched.splice(0)).toEqual([])
})
afterAll(() => nock.restore())

describe('what Xero answers is told as a kind and a cause', () => {
  for (const file of readdirSync(folder).sort()) {
    const recording = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recording
    test(`xero group 6: xero group 9: xero group 11: xero group 13: xero group 15: the answer of ${file}`, async () => {
      standIn({ organisation: recording.organisation, connections: recording.connections })
      let played: nock.Scope | null = null
      const { status, headers, body } = recording.reply
      const call = verbs[recording.verb]({
        on: (asked) => {
          played = asked.times(recording.times ?? 1).reply(status, body as nock.Body, headers)
          return played
        },
      })
      const error = await errorOf(call)
      expect(error).toMatchObject(recording.error)
      expect(error.facts.cause).toBe(vendorErrors.xero[file.replace('.json', '')])
      expect(error.facts.said).not.toMatch(/[<>]/)
      expect((played as nock.Scope | null)?.isDone()).toBe(true)
      for (const secret of [grant.accessToken, grant.refreshToken, 'the-secret']) {
        expect(JSON.stringify([error.message, error.facts])).not.toContain(secret)
      }
    })
  }
})

test('a declined consent is told apart, and asks nothing of anybody', async () => {
  const url = 'http://localhost:4600/callback?error=access_denied&state=s'
  const error = await errorOf(makeXero().grantsFrom({ url, verifier: 'v'.repeat(43) }))
  expect(error).toMatchObject({ kind: 'unauthorized', facts: { cause: 'consent_declined' } })
})

test('fault 24: xero group 2: the same failure under the same key again is called remembered, so that the next key is tried', async () => {
  standIn({})
  const reply = { Title: 'An error occurred' }
  api().put('/Invoices?summarizeErrors=false').times(2).reply(500, reply, { 'xero-correlation-id': 'one' })
  const xero = makeXero()
  const put = () => errorOf(xero.putDocuments(grant, [{ key: 'dlv_1', thing: invoiceOfTen }]))
  expect((await put()).facts.remembered).toBeUndefined()
  expect((await put()).facts.remembered).toBe(true)
})

async function errorOf(call: Promise<unknown>): Promise<BookError> {
  const outcome = await call.then(
    (answer) => answer,
    (error: unknown) => error,
  )
  const verdict = Array.isArray(outcome) ? (outcome[0] as Verdict) : null
  const error = verdict && !verdict.ok ? verdict.error : outcome
  expect(error).toBeInstanceOf(BookError)
  return error as BookError
}
