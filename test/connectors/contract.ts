/**
 * The contract: what every connector promises, whatever book it speaks to.
 *
 * Keeps: a test here knows no vendor. What is peculiar to one stands in that connector's own test.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BookAccount, BookDocument, Receipt, VatTreatment } from '../../connectors/port.ts'
import type { BookSeed, Harness } from './harness.ts'
import { ask, dueOn, paidOn, papers, receiptOf, soldOn } from './papers.ts'

export type { BookSeed, Harness } from './harness.ts'

const gone = /voided|deleted/
const minutes = (count: number) => count * 60_000
const days = (count: number) => count * 86_400_000

export function connectorContract(name: string, make: (seed?: BookSeed) => Promise<Harness>): void {
  describe(`${name} keeps the contract`, () => {
    let harness: Harness
    let kit: ReturnType<typeof papers>
    beforeEach(async () => {
      harness = await make()
      kit = papers(harness)
    })
    afterEach(async () => {
      const violations = await harness?.control.violations()
      await harness?.close()
      expect(violations ?? []).toEqual([])
    })

    describe('consent', () => {
      test('a yes opens the book, with tokens that say when they end', async () => {
        const [grant, ...others] = await harness.consent()
        expect(others).toEqual([])
        expect(grant).toMatchObject({ bookId: harness.grant.bookId, bookName: harness.bookName })
        const now = harness.now().toISOString()
        expect(grant && grant.accessEndsAt > now && grant.refreshEndsAt > grant.accessEndsAt).toBe(true)
        expect(grant?.scopes).not.toEqual([])
        if (grant) expect((await harness.connector.describe(grant)).bookId).toBe(grant.bookId)
      })

      test('a no is told apart from a dead code', async () => {
        expect(await kit.errorOf(harness.decline())).toMatchObject({
          kind: 'unauthorized',
          facts: { cause: 'consent_declined' },
        })
        const callback = await harness.agree()
        expect(await harness.connector.grantsFrom(callback)).toHaveLength(1)
        expect(await kit.errorOf(harness.connector.grantsFrom(callback))).toMatchObject({
          kind: 'unauthorized',
          facts: { cause: 'consent_refused' },
        })
      })

      test('the state we gave comes back with the answer', async () => {
        const { url, verifier } = await harness.agree()
        const asked = new URL(await harness.connector.consentUrl({ state: 'state-of-this-ask', verifier }))
        expect(asked.searchParams.get('state')).toBe('state-of-this-ask')
        expect(new URL(url).searchParams.get('state')).toBeTruthy()
      })

      test('quickbooks group 4: a refresh brings an access token that works, and the old refresh token lives as long as promised', async () => {
        const { connector, control, grant, refreshes } = harness
        await control.advance(refreshes.rotateAfterMs + 1_000)
        const second = await connector.refresh(grant)
        expect(second.accessToken).not.toBe(grant.accessToken)
        expect(second.refreshToken).not.toBe(grant.refreshToken)
        expect(second).toMatchObject({ bookId: grant.bookId, bookName: grant.bookName, cutId: grant.cutId })
        expect((await connector.describe(second)).bookId).toBe(grant.bookId)

        if (refreshes.oldLivesMs > 0) {
          await control.advance(refreshes.oldLivesMs / 2)
          await expect(connector.refresh(grant)).resolves.toMatchObject({ bookId: grant.bookId })
          await control.advance(refreshes.oldLivesMs)
        }
        expect((await kit.errorOf(connector.refresh(grant))).kind).toBe('unauthorized')
      })

      test('an access token that has run out is unauthorized, and a refresh mends it', async () => {
        const { connector, control, grant, refreshes } = harness
        await control.advance(refreshes.accessLivesMs + 1_000)
        expect((await kit.errorOf(connector.describe(grant))).kind).toBe('unauthorized')
        const fresh = await connector.refresh(grant)
        expect((await connector.describe(fresh)).bookId).toBe(grant.bookId)
      })

      test('xero group 16: a connection that we cut opens nothing any more', async () => {
        const { connector, grant } = harness
        await connector.revoke(grant)
        expect((await kit.errorOf(connector.describe(grant))).kind).toBe('unauthorized')
      })

      test('xero group 12: quickbooks group 8: a consent taken back on the vendor’s side is unauthorized for reading and for writing', async () => {
        const { connector, control, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        await control.revoke()
        expect((await kit.errorOf(connector.describe(grant))).kind).toBe('unauthorized')
        const late = kit.invoice(customer)
        expect((await kit.errorOf(connector.putDocuments(grant, [ask(late)]))).kind).toBe('unauthorized')
      })
    })

    describe('what is there', () => {
      test('the profile has currency, accounts, tax codes and the lock', async () => {
        const { connector, control, grant, accounts, vat } = harness
        const profile = await connector.describe(grant)
        expect(profile).toMatchObject({ bookId: grant.bookId, name: harness.bookName, currency: 'GBP' })
        expect(profile).toMatchObject({ country: 'GB', writable: true, lockedThrough: null })
        expect(profile.vat.registered).toBe(true)
        expect(profile.needsItem).toBe(harness.itemId !== null)
        const kindOf = (id: string) => profile.accounts.find((one) => one.id === id)?.kind
        expect([kindOf(accounts.sales), kindOf(accounts.cost), kindOf(accounts.fee)]).toEqual([
          'income',
          'expense',
          'expense',
        ])
        expect(profile.accounts.filter((one) => one.kind === 'receivable').every((one) => one.reserved)).toBe(true)
        expect(profile.accounts.find((one) => one.id === accounts.sales)?.takesPayments).toBe(false)
        for (const side of ['sales', 'purchases'] as const) {
          const code = profile.taxCodes.find((one) => one.id === vat[side].standard)
          expect(code).toMatchObject({ rateBasisPoints: 2000, active: true })
          expect(code?.uses).toContain(side)
        }

        await control.lockPeriod('2026-10-31')
        expect((await connector.describe(grant)).lockedThrough).toBe('2026-10-31')
      })

      test('opens the mutual-credit account once for one key, empty, ready to be paid from', async () => {
        const { connector, grant } = harness
        for (const kind of harness.opens) {
          const wish = ask({ name: `Mutual credit: ${kind} (not cash)`, kind, code: null, currency: 'GBP' })
          const account = await connector.openAccount(grant, wish)
          // A book may forbid a sign in its names; the words must be there.
          expect(account.name).toMatch(new RegExp(`^Mutual credit.* ${kind} .not cash.$`))
          expect(account).toMatchObject({ kind, takesPayments: true, active: true, reserved: false })
          expect((await connector.openAccount(grant, wish)).id).toBe(account.id)
          const listed = (await connector.describe(grant)).accounts.filter((one) => one.name === account.name)
          expect(listed).toEqual([account])
          expect(await kit.balance(account, paidOn)).toBe(0n)
          expect(await kit.errorOf(connector.openAccount(grant, ask(wish.thing)))).toMatchObject({
            kind: 'conflicting',
          })
        }
      })
    })

    describe('contacts', () => {
      test('a customer and a supplier are put and listed, once for one key', async () => {
        const { connector, grant } = harness
        const asks = [ask(kit.contact('Bakery', 'customer')), ask(kit.contact('Mill', 'supplier'))]
        const verdicts = await connector.putContacts(grant, asks)
        const again = await connector.putContacts(grant, asks)
        expect(again.map((one) => one.ok && one.receipt.id)).toEqual(verdicts.map((one) => one.ok && one.receipt.id))

        const listed = []
        for await (const page of connector.contacts(grant)) listed.push(...page)
        for (const [at, { thing }] of asks.entries()) {
          const verdict = verdicts[at]
          const found = listed.filter((one) => one.name === thing.name)
          expect(found).toHaveLength(1)
          expect(found[0]).toMatchObject({ id: verdict?.ok && verdict.receipt.id, email: thing.email, active: true })
        }
      })

      test('quickbooks group 9: a name with signs and letters of many tongues arrives as it is, and its documents are found', async () => {
        const { connector, grant } = harness
        const plain = kit.contact('O’Brien', 'supplier')
        const odd = { ...plain, name: `${plain.name} & Söhne's "Bäckerei" 100 % Łódź` }
        const contactId = receiptOf(await connector.putContacts(grant, [ask(odd)])).id
        const listed = []
        for await (const page of connector.contacts(grant)) listed.push(...page)
        expect(listed.filter((one) => one.id === contactId)).toMatchObject([{ name: odd.name }])
        const bill = kit.bill(contactId)
        const { id } = await kit.putDocument(bill)
        const [found] = await connector.find(grant, [
          { by: 'reference', kind: 'bill', reference: bill.reference, contactId },
        ])
        expect(found).toMatchObject({ id, contactName: odd.name })
      })

      test('xero group 5: quickbooks group 9: a name that another contact bears is refused as conflicting and changes nothing', async () => {
        const { connector, grant } = harness
        const first = kit.contact('Bakery', 'customer')
        const id = receiptOf(await connector.putContacts(grant, [ask(first)])).id
        const namesake = { ...first, email: 'someone.else@example.org' }
        expect(await kit.errorOf(connector.putContacts(grant, [ask(namesake)]))).toMatchObject({
          kind: 'conflicting',
          facts: { cause: 'name_taken' },
        })
        const listed = []
        for await (const page of connector.contacts(grant)) listed.push(...page)
        expect(listed.filter((one) => one.name === first.name)).toMatchObject([{ id, email: first.email }])
      })
    })

    describe('documents', () => {
      test('xero group 7: quickbooks group 14: an invoice of several lines and treatments comes to their sum, all of it open', async () => {
        const customer = await kit.putContact('Bakery', 'customer')
        const nets: [VatTreatment, bigint][] = [
          ['standard', 3_333n],
          ['reduced', 1_010n],
          ['zero', 500n],
          ['exempt', 700n],
          ['outside', 300n],
          ['reverse_charge', 900n],
        ]
        const known = nets.filter(([treatment]) => harness.vat.sales[treatment] !== null)
        expect(known.length).toBeGreaterThan(1)
        const invoice = kit.invoice(
          customer,
          known.map(([treatment, netMinor]) => kit.line('sales', treatment, netMinor)),
        )
        const receipt = await kit.putDocument(invoice)
        const { number, totalMinor } = invoice
        expect(receipt).toMatchObject({ kind: 'invoice', number, totalMinor, openMinor: totalMinor, datedOn: soldOn })
        expect(receipt).toMatchObject({ status: 'open', warnings: [] })
        expect(await kit.read('invoice', receipt.id)).toMatchObject({
          kind: 'invoice',
          number,
          contactId: customer,
          datedOn: soldOn,
          dueOn,
          status: 'open',
          currency: 'GBP',
          totalMinor,
          openMinor: totalMinor,
          vatMinor: totalMinor - invoice.lines.reduce((net, line) => net + line.netMinor, 0n),
        })
      })

      test('quickbooks group 14: a bill bears the seller’s number and is open for its total, without VAT too', async () => {
        const supplier = await kit.putContact('Mill', 'supplier')
        const lines = [kit.line('purchases', 'standard', 3_333n), kit.line('purchases', 'outside', 1_000n)]
        for (const bill of [kit.bill(supplier), kit.bill(supplier, lines)]) {
          const { number, totalMinor } = bill
          const receipt = await kit.putDocument(bill)
          expect(receipt).toMatchObject({ kind: 'bill', totalMinor, openMinor: totalMinor, status: 'open' })
          const held = await kit.read('bill', receipt.id)
          expect(held).toMatchObject({ number, contactId: supplier, datedOn: soldOn, dueOn, totalMinor })
        }
      })

      test('the same key twice leaves one invoice', async () => {
        const { connector, grant } = harness
        const asks = [ask(kit.invoice(await kit.putContact('Bakery', 'customer')))]
        const first = receiptOf(await connector.putDocuments(grant, asks))
        expect(receiptOf(await connector.putDocuments(grant, asks)).id).toBe(first.id)
        const { documents } = await kit.changesSince(null)
        expect(documents.filter((one) => one.kind === 'invoice').map((one) => one.id)).toEqual([first.id])
      })

      test('xero group 3: quickbooks group 11: a number that another invoice bears is refused', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const first = kit.invoice(customer)
        await kit.putDocument(first)
        const second = { ...kit.invoice(customer), number: first.number }
        expect(await kit.errorOf(connector.putDocuments(grant, [ask(second)]))).toMatchObject({
          kind: 'conflicting',
          facts: { cause: 'number_taken' },
        })
      })

      test('fault 26: xero group 13: quickbooks group 19: of a list of five with one bad, four stand and one is refused, in order', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const taken = kit.invoice(customer)
        await kit.putDocument(taken)
        const five = [1, 2, 3, 4, 5].map(() => kit.invoice(customer))
        const asks = five.map((one, at) => ask(at === 2 ? { ...one, number: taken.number } : one))
        const verdicts = await connector.putDocuments(grant, asks)
        expect(verdicts.map((one) => one.ok)).toEqual([true, true, false, true, true])
        expect(verdicts.map((one) => (one.ok ? one.receipt.number : one.error.kind))).toEqual(
          five.map((one, at) => (at === 2 ? 'conflicting' : one.number)),
        )
        const { documents } = await kit.changesSince(null)
        expect(documents.filter((one) => one.kind === 'invoice')).toHaveLength(5)
      })

      test('xero group 5: quickbooks group 10: an archived contact is refused as invalid', async () => {
        const { connector, control, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        await control.archiveContact(customer)
        const error = await kit.errorOf(connector.putDocuments(grant, [ask(kit.invoice(customer))]))
        expect(error).toMatchObject({ kind: 'invalid', facts: { cause: 'contact_archived' } })
      })

      test('xero group 8: quickbooks group 12: a closed period says through which day, and nothing is written', async () => {
        const { connector, control, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const invoice = await kit.putDocument(kit.invoice(customer))
        const account = await kit.openAccount()
        await control.lockPeriod(paidOn)
        const closed = { kind: 'period_locked', facts: { lockedThrough: paidOn } }
        const late = kit.payment(invoice, customer, account.id, 100n)
        expect(await kit.errorOf(connector.putDocuments(grant, [ask(kit.invoice(customer))]))).toMatchObject(closed)
        expect(await kit.errorOf(connector.putPayments(grant, [ask(late)]))).toMatchObject(closed)
        const { documents } = await kit.changesSince(null)
        expect(documents.map((one) => one.id)).toEqual([invoice.id])

        const next = { ...kit.invoice(customer), datedOn: '2026-11-19' }
        expect((await kit.putDocument(next)).status).toBe('open')
      })

      test('quickbooks group 23: what nobody has touched is taken back, what is paid is not', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const [untouched, paid] = [
          await kit.putDocument(kit.invoice(customer)),
          await kit.putDocument(kit.invoice(customer)),
        ]
        await kit.putPayment(kit.payment(paid, customer, account.id, 100n))
        receiptOf(await connector.cancel(grant, [ask(untouched)]))
        const [left] = await connector.find(grant, [{ by: 'receipt', kind: 'invoice', id: untouched.id }])
        expect(left === null || left === undefined || gone.test(left.status)).toBe(true)
        await kit.errorOf(connector.cancel(grant, [ask(paid)]))
        expect(await kit.read('invoice', paid.id)).toMatchObject({ status: 'open', openMinor: 119_900n })
      })
    })

    describe('money', () => {
      test('an invoice is paid in part and then whole, and the account follows day by day', async () => {
        for (const kind of harness.opens) {
          const customer = await kit.putContact(`Bakery ${kind}`, 'customer')
          const account = await kit.openAccount(kind)
          const invoice = await kit.putDocument(kit.invoice(customer))
          const part = await kit.putPayment(kit.payment(invoice, customer, account.id, 100_000n))
          expect(part).toMatchObject({ kind: 'payment', totalMinor: 100_000n })
          expect(await kit.read('invoice', invoice.id)).toMatchObject({ status: 'open', openMinor: 20_000n })
          expect(await kit.balance(account, soldOn)).toBe(0n)
          expect(await kit.balance(account, paidOn)).toBe(100_000n)
          expect(await kit.read('payment', part.id)).toMatchObject({
            datedOn: paidOn,
            contactId: customer,
            totalMinor: 100_000n,
            of: [{ kind: 'invoice', id: invoice.id, amountMinor: 100_000n }],
          })
          expect(movedOn(account, await kit.read('payment', part.id))).toBe(100_000n)

          await kit.putPayment(kit.payment(invoice, customer, account.id, 20_000n))
          expect(await kit.read('invoice', invoice.id)).toMatchObject({ status: 'paid', openMinor: 0n })
          expect(await kit.balance(account, paidOn)).toBe(120_000n)
        }
      })

      test('a bill is paid in part and then whole out of the account', async () => {
        for (const kind of harness.opens) {
          const supplier = await kit.putContact(`Mill ${kind}`, 'supplier')
          const account = await kit.openAccount(kind)
          const bill = await kit.putDocument(kit.bill(supplier))
          const part = await kit.putPayment(kit.payment(bill, supplier, account.id, 100_001n))
          expect(await kit.read('bill', bill.id)).toMatchObject({ status: 'open', openMinor: 19_999n })
          expect(movedOn(account, await kit.read('payment', part.id))).toBe(-100_001n)
          await kit.putPayment(kit.payment(bill, supplier, account.id, 19_999n))
          expect(await kit.read('bill', bill.id)).toMatchObject({ status: 'paid', openMinor: 0n })
          expect(await kit.balance(account, paidOn)).toBe(-120_000n)
        }
      })

      test('several payments go in one list, each with its verdict', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const supplier = await kit.putContact('Mill', 'supplier')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer))
        const bill = await kit.putDocument(kit.bill(supplier))
        const verdicts = await connector.putPayments(grant, [
          ask(kit.payment(invoice, customer, account.id, 5_000n)),
          ask(kit.payment(invoice, customer, account.id, 9_999_999n)),
          ask(kit.payment(bill, supplier, account.id, 2_000n)),
        ])
        expect(verdicts.map((one) => one.ok)).toEqual([true, false, true])
        expect(await kit.balance(account, paidOn)).toBe(3_000n)
      })

      test('xero group 7: quickbooks group 13: a payment above what is open is refused as invalid', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer))
        const tooMuch = kit.payment(invoice, customer, account.id, 120_001n)
        expect((await kit.errorOf(connector.putPayments(grant, [ask(tooMuch)]))).kind).toBe('invalid')
        expect(await kit.balance(account, paidOn)).toBe(0n)
      })

      test('an allocation above what is open is refused as invalid', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer))
        const credit = await kit.putDocument(kit.credit('credit_note', customer, [kit.line('sales', 'standard', 500n)]))
        const tooMuch = kit.allocation(credit, invoice, customer, account.id, 601n)
        expect((await kit.errorOf(connector.putPayments(grant, [ask(tooMuch)]))).kind).toBe('invalid')
        expect(await kit.read('invoice', invoice.id)).toMatchObject({ openMinor: 120_000n })
      })

      test('the same key twice leaves one payment', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer))
        const asks = [ask(kit.payment(invoice, customer, account.id, 100n))]
        const first = receiptOf(await connector.putPayments(grant, asks))
        expect(receiptOf(await connector.putPayments(grant, asks)).id).toBe(first.id)
        expect(await kit.balance(account, paidOn)).toBe(100n)
      })

      test('a credit note is set against what is open and the rest goes back from the account', async () => {
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer))
        await kit.putPayment(kit.payment(invoice, customer, account.id, 100_000n))
        const credit = await kit.putDocument(
          kit.credit('credit_note', customer, [kit.line('sales', 'standard', 100_000n)]),
        )
        expect(credit).toMatchObject({ kind: 'credit_note', totalMinor: 120_000n, openMinor: 120_000n })

        const set = await kit.putPayment(kit.allocation(credit, invoice, customer, account.id, 20_000n))
        expect(set.kind).toBe('allocation')
        expect(await kit.read('invoice', invoice.id)).toMatchObject({ status: 'paid', openMinor: 0n })
        expect(await kit.read('credit_note', credit.id)).toMatchObject({ status: 'open', openMinor: 100_000n })
        expect(await kit.balance(account, paidOn)).toBe(100_000n)

        await refund(credit, customer, account.id, 100_000n)
        expect(await kit.read('credit_note', credit.id)).toMatchObject({ openMinor: 0n })
        expect(await kit.balance(account, paidOn)).toBe(0n)
      })

      test('a supplier’s credit is the mirror of it', async () => {
        const supplier = await kit.putContact('Mill', 'supplier')
        const account = await kit.openAccount()
        const bill = await kit.putDocument(kit.bill(supplier))
        await kit.putPayment(kit.payment(bill, supplier, account.id, 100_000n))
        const lines = [kit.line('purchases', 'standard', 100_000n)]
        const credit = await kit.putDocument(kit.credit('supplier_credit', supplier, lines))
        expect(credit).toMatchObject({ kind: 'supplier_credit', totalMinor: 120_000n, openMinor: 120_000n })

        await kit.putPayment(kit.allocation(credit, bill, supplier, account.id, 20_000n))
        expect(await kit.read('bill', bill.id)).toMatchObject({ status: 'paid', openMinor: 0n })
        await refund(credit, supplier, account.id, 100_000n)
        expect(await kit.read('supplier_credit', credit.id)).toMatchObject({ openMinor: 0n })
        expect(await kit.balance(account, paidOn)).toBe(0n)
      })

      test('money spent and received moves the account, with a VAT code or with none', async () => {
        const supplier = await kit.putContact('Riverbank', 'supplier')
        const customer = await kit.putContact('Staff of Riverbank', 'customer')
        const account = await kit.openAccount()
        const [fee, plainFee] = (['standard', null] as const).map((treatment) => {
          return { ...kit.line('purchases', treatment, 1_000n), accountId: harness.accounts.fee }
        })
        if (!fee || !plainFee) throw new Error('two lines were made')
        const spent = kit.money('money_spent', supplier, account.id, [fee])
        const receipt = await kit.putDocument(spent)
        expect(receipt).toMatchObject({ kind: 'money_spent', totalMinor: 1_200n })
        await kit.putDocument(kit.money('money_spent', supplier, account.id, [plainFee]))
        expect(await kit.balance(account, paidOn)).toBe(-2_200n)
        expect(await kit.read('money_spent', receipt.id)).toMatchObject({
          contactId: supplier,
          datedOn: paidOn,
          totalMinor: 1_200n,
        })
        expect(movedOn(account, await kit.read('money_spent', receipt.id))).toBe(-1_200n)

        const sale = kit.money('money_received', customer, account.id, [kit.line('sales', 'standard', 5_000n)])
        expect(await kit.putDocument(sale)).toMatchObject({ kind: 'money_received', totalMinor: 6_000n })
        expect(await kit.balance(account, soldOn)).toBe(0n)
        expect(await kit.balance(account, paidOn)).toBe(3_800n)
      })

      /** Gives a credit back out of the account, in the number of steps that this book wants. */
      async function refund(credit: Receipt, contactId: string, accountId: string, amountMinor: bigint) {
        if (!harness.connector.refundsInTwoSteps) {
          await kit.putPayment(kit.payment(credit, contactId, accountId, amountMinor))
          return
        }
        const isOut = credit.kind === 'credit_note'
        const side = isOut ? 'sales' : 'purchases'
        const lines = [{ ...kit.line(side, null, amountMinor), description: 'Refund', itemId: null }]
        const moved = await kit.putDocument({
          ...kit.money(isOut ? 'money_spent' : 'money_received', contactId, accountId, lines),
          clearing: isOut ? 'receivable' : 'payable',
        })
        await kit.putPayment(kit.allocation(credit, moved, contactId, accountId, amountMinor))
      }
    })

    test('xero group 6: quickbooks group 14: a book without VAT takes invoices and bills without codes, and they are paid', async () => {
      const plain = await make({ vat: 'none' })
      try {
        const { connector, grant } = plain
        const kit = papers(plain)
        expect((await connector.describe(grant)).vat.registered).toBe(false)
        const customer = await kit.putContact('Bakery', 'customer')
        const supplier = await kit.putContact('Mill', 'supplier')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer, [kit.line('sales', null, 12_345n)]))
        const bill = await kit.putDocument(kit.bill(supplier, [kit.line('purchases', null, 120_000n)]))
        expect([invoice.openMinor, bill.openMinor]).toEqual([12_345n, 120_000n])
        await kit.putPayment(kit.payment(invoice, customer, account.id, 12_345n))
        await kit.putPayment(kit.payment(bill, supplier, account.id, 100_000n))
        expect(await kit.read('invoice', invoice.id)).toMatchObject({ status: 'paid', vatMinor: 0n })
        expect(await kit.read('bill', bill.id)).toMatchObject({ status: 'open', openMinor: 20_000n, vatMinor: 0n })
        expect(await kit.balance(account, paidOn)).toBe(-87_655n)
        expect(await plain.control.violations()).toEqual([])
      } finally {
        await plain.close()
      }
    })

    describe('looking first', () => {
      test('everything of ours is found by its reference, and what is not there is null, in order', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const supplier = await kit.putContact('Mill', 'supplier')
        const account = await kit.openAccount()
        const things = [
          kit.invoice(customer),
          kit.bill(supplier),
          kit.credit('credit_note', customer, [kit.line('sales', 'standard', 500n)]),
          kit.credit('supplier_credit', supplier, [kit.line('purchases', 'standard', 500n)]),
          kit.money('money_spent', supplier, account.id, [kit.line('purchases', null, 700n)]),
          kit.money('money_received', customer, account.id, [kit.line('sales', 'standard', 800n)]),
        ]
        const receipts = []
        for (const thing of things) receipts.push(await kit.putDocument(thing))
        const [invoice, bill] = receipts
        if (!invoice || !bill) throw new Error('two receipts were given')
        const paid = [kit.payment(invoice, customer, account.id, 300n), kit.payment(bill, supplier, account.id, 400n)]
        for (const payment of paid) receipts.push(await kit.putPayment(payment))

        const sought = [...things, ...paid].map((thing) => {
          const of = 'of' in thing ? thing.of : undefined
          const { kind, reference, contactId } = thing
          return { by: 'reference' as const, kind, reference, contactId, of }
        })
        const absent = sought.map((one) => ({ ...one, reference: `${one.reference.slice(0, -5)}ZZZ-Z` }))
        const found = await connector.find(grant, [...sought, ...absent])
        expect(found.slice(0, sought.length).map((one) => one?.id)).toEqual(receipts.map((one) => one.id))
        expect(found.slice(0, sought.length).map((one) => one?.kind)).toEqual(sought.map((one) => one.kind))
        expect(found.slice(sought.length)).toEqual(absent.map(() => null))
      })

      test('an allocation is found by its credit', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const invoice = await kit.putDocument(kit.invoice(customer))
        const credit = await kit.putDocument(kit.credit('credit_note', customer, [kit.line('sales', 'standard', 500n)]))
        const { reference, ...rest } = kit.allocation(credit, invoice, customer, account.id, 600n)
        const sought = {
          by: 'reference' as const,
          kind: 'allocation' as const,
          reference,
          contactId: customer,
          of: credit,
        }
        expect(await connector.find(grant, [sought])).toEqual([null])
        const receipt = await kit.putPayment({ reference, ...rest })
        expect(await connector.find(grant, [sought])).toMatchObject([{ kind: 'allocation', id: receipt.id }])
      })

      test('an invoice and a bill are found by number and by receipt', async () => {
        const { connector, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const supplier = await kit.putContact('Mill', 'supplier')
        const [invoice, bill] = [kit.invoice(customer), kit.bill(supplier)]
        const ids = [(await kit.putDocument(invoice)).id, (await kit.putDocument(bill)).id]
        const found = await connector.find(grant, [
          { by: 'number', kind: 'invoice', number: invoice.number, contactId: null },
          { by: 'number', kind: 'bill', number: bill.number, contactId: supplier },
          { by: 'number', kind: 'invoice', number: bill.number, contactId: null },
          { by: 'receipt', kind: 'invoice', id: ids[0] ?? '' },
          { by: 'receipt', kind: 'bill', id: ids[1] ?? '' },
        ])
        expect(found.map((one) => one?.id ?? null)).toEqual([ids[0], ids[1], null, ids[0], ids[1]])
      })

      test('a bill that looks like one not made yet is found by its total, not when it is one of ours', async () => {
        const { connector, grant } = harness
        const [supplier, other] = [await kit.putContact('Mill', 'supplier'), await kit.putContact('Dairy', 'supplier')]
        const bill = kit.bill(supplier)
        const { id } = await kit.putDocument(bill)
        const { totalMinor, datedOn } = bill
        const like = { by: 'like' as const, kind: 'bill' as const, number: 'none', totalMinor, datedOn, notIds: [] }
        const found = await connector.find(grant, [
          { ...like, contactId: supplier },
          { ...like, contactId: supplier, notIds: [id] },
          { ...like, contactId: other },
          { ...like, contactId: supplier, number: bill.number, totalMinor: totalMinor + 1n },
          { ...like, contactId: supplier, totalMinor: totalMinor + 1n },
        ])
        expect(found.map((one) => one?.id ?? null)).toEqual([id, null, null, id, null])
      })

      test('fault 15: xero group 1: quickbooks group 1: a lost reply is unclear; the invoice is found, and the same key does not make another', async () => {
        const { connector, control, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const invoice = kit.invoice(customer)
        const asks = [ask(invoice)]
        await control.loseReplyOnce()
        expect((await kit.errorOf(connector.putDocuments(grant, asks))).kind).toBe('unclear')
        const { kind, reference } = invoice
        const [found] = await connector.find(grant, [{ by: 'reference', kind, reference, contactId: customer }])
        expect(found).toMatchObject({ number: invoice.number, totalMinor: invoice.totalMinor, contactId: customer })
        expect(receiptOf(await connector.putDocuments(grant, asks)).id).toBe(found?.id)
      })

      test('fault 23: xero group 2: quickbooks group 1: a payment whose reply was lost is found even when the vendor has forgotten the key', async () => {
        const { connector, control, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const of = await kit.putDocument(kit.invoice(customer))
        const payment = kit.payment(of, customer, account.id, 5_000n)
        await control.loseReplyOnce()
        expect((await kit.errorOf(connector.putPayments(grant, [ask(payment)]))).kind).toBe('unclear')
        await control.forgetKeys()
        const { kind, reference } = payment
        const [found] = await connector.find(grant, [{ by: 'reference', kind, reference, contactId: customer, of }])
        expect(found).toMatchObject({ totalMinor: 5_000n, of: [{ id: of.id }] })
        expect(await kit.balance(account, paidOn)).toBe(5_000n)
      })
    })

    describe('what changed', () => {
      test('quickbooks group 20: no cursor shows all there is, a cursor only what came later', async () => {
        const { control } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const first = await kit.putDocument(kit.invoice(customer))
        await control.advance(minutes(8))
        const account = await kit.openAccount()
        const second = await kit.putDocument(kit.invoice(customer))
        const all = await kit.changesSince(null)
        expect(all.documents.map((one) => one.id).sort()).toEqual([first.id, second.id].sort())
        expect(all.contacts.map((one) => one.id)).toContain(customer)

        await control.advance(minutes(8))
        const paid = await kit.putPayment(kit.payment(second, customer, account.id, 700n))
        const later = await kit.changesSince(all.next)
        const ids = later.documents.map((one) => one.id)
        expect(ids).toContain(paid.id)
        expect(ids).not.toContain(first.id)
        const shown = later.documents.find((one) => one.id === paid.id)
        expect([shown?.kind, movedOn(account, shown)]).toEqual(['payment', 700n])
        expect(later.next && all.next && later.next > all.next).toBe(true)
      })

      test('xero group 9: quickbooks group 13: what a person voids or deletes shows as gone, and the invoice is open again', async () => {
        const { connector, control, grant } = harness
        const customer = await kit.putContact('Bakery', 'customer')
        const account = await kit.openAccount()
        const wish = kit.invoice(customer)
        const invoice = await kit.putDocument(wish)
        const payment = await kit.putPayment(kit.payment(invoice, customer, account.id, 700n))
        const { next } = await kit.changesSince(null)
        await control.advance(minutes(1))

        await control.editVoid('payment', payment.id)
        expect(await kit.read('invoice', invoice.id)).toMatchObject({ status: 'open', openMinor: 120_000n })
        expect(await kit.balance(account, paidOn)).toBe(0n)
        await control.editVoid('invoice', invoice.id)
        const found = await connector.find(grant, [
          { by: 'receipt', kind: 'payment', id: payment.id },
          { by: 'receipt', kind: 'invoice', id: invoice.id },
        ])
        for (const one of found) expect(one === null || gone.test(one.status)).toBe(true)
        // What a person removed must be seen as removed, or it would be made again.
        const byName = await connector.find(grant, [
          { by: 'reference', kind: 'invoice', reference: wish.reference, contactId: customer },
          { by: 'number', kind: 'invoice', number: wish.number, contactId: customer },
        ])
        for (const one of byName) expect(one).toMatchObject({ id: invoice.id, status: expect.stringMatching(gone) })

        const { documents } = await kit.changesSince(next)
        for (const { id } of [payment, invoice]) {
          expect(documents.find((one) => one.id === id)?.status).toMatch(gone)
        }
      })

      test('quickbooks group 25: what a person spends from our account shows in the changes and in the balance', async () => {
        const account = await kit.openAccount()
        const id = await harness.control.personSpends(account.id, 4_250n, paidOn)
        const { documents } = await kit.changesSince(null)
        const entered = documents.find((one) => one.id === id)
        expect(entered).toMatchObject({
          kind: 'money_spent',
          datedOn: paidOn,
          totalMinor: 4_250n,
        })
        expect(movedOn(account, entered)).toBe(-4_250n)
        expect(await kit.balance(account, paidOn)).toBe(-4_250n)
      })

      test('fault 43: xero group 14: quickbooks group 22: a bell names the book and the document; a forged one is refused', async () => {
        const { connector, grant } = harness
        const invoice = await kit.putDocument(kit.invoice(await kit.putContact('Bakery', 'customer')))
        const { raw, key } = await harness.bellFor('invoice', invoice.id)
        const rung = connector.bells(raw, ['another-key-in-rotation', key])
        expect(rung).toContainEqual(expect.objectContaining({ bookId: grant.bookId, thingId: invoice.id }))
        expect(() => connector.bells(raw, ['another-key-in-rotation'])).toThrow(
          expect.objectContaining({ kind: 'unauthorized' }),
        )
      })
    })

    describe('when it goes wrong', () => {
      test('fault 19: xero group 11: quickbooks group 16: a throttled call says how long to wait, and works afterwards', async () => {
        const { connector, control, grant } = harness
        await control.throttleOnce()
        const error = await kit.errorOf(connector.describe(grant))
        expect(error.kind).toBe('throttled')
        expect(error.facts.waitMs).toBeGreaterThan(0)
        await control.advance(minutes(2))
        expect((await connector.describe(grant)).bookId).toBe(grant.bookId)
      })

      test('a throttled write has written nothing and goes out later under the same key', async () => {
        const { connector, control, grant } = harness
        const asks = [ask(kit.invoice(await kit.putContact('Bakery', 'customer')))]
        await control.throttleOnce()
        expect((await kit.errorOf(connector.putDocuments(grant, asks))).kind).toBe('throttled')
        expect((await kit.changesSince(null)).documents).toEqual([])
        await control.advance(minutes(2))
        expect(receiptOf(await connector.putDocuments(grant, asks)).openMinor).toBe(120_000n)
      })

      test('fault 17: quickbooks group 17: a vendor that is down is unavailable for a reader, and its page of words is not passed on', async () => {
        const { connector, control, grant } = harness
        await control.downOnce()
        const error = await kit.errorOf(connector.describe(grant))
        expect(error.kind).toBe('unavailable')
        expect(error.facts.said).not.toMatch(/<[a-z]/i)
        expect((await connector.describe(grant)).bookId).toBe(grant.bookId)
      })

      test('quickbooks group 26: no error carries a secret', async () => {
        const { connector, control, grant } = harness
        expect(harness.secrets()).toEqual(expect.arrayContaining([grant.accessToken, grant.refreshToken]))
        await control.advance(days(1))
        await kit.errorOf(connector.describe(grant))
        await control.revoke()
        await kit.errorOf(connector.putContacts(grant, [ask(kit.contact('Bakery', 'customer'))]))
        const bad = { ...grant, accessToken: `${grant.accessToken}x`, refreshToken: `${grant.refreshToken}x` }
        await kit.errorOf(connector.refresh(bad))
      })
    })
  })
}

/** What the document moves on this account; a book may name the accounts of the lines beside it. */
function movedOn({ id }: BookAccount, document: BookDocument | undefined): bigint | undefined {
  const moves = document?.moves.filter((one) => one.accountId === id)
  return moves?.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
}
