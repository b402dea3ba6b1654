/**
 * What should be there: accounts, contacts, documents, payments and allocations, each with a verdict of its own.
 *
 * Keeps: only PUT makes things, a key goes with every call, and an answer without an id is never taken for a yes.
 * Never: reads in steady state; what an answer tells is what we know. A day that was closed is asked about once more.
 */
import type { Allocations, Account as XeroAccount } from 'xero-node'
import type { CallAnswer } from '../http.ts'
import {
  type Allocation,
  type Ask,
  type BookAccount,
  BookError,
  type Contact,
  type Day,
  type Grant,
  type Money,
  type NewAccount,
  type Payment,
  type Verdict,
} from '../port.ts'
import { listAt } from './answer.ts'
import { callIdIn, errorFrom, refusalIn, refusalsIn, refuse, unreadable, warningsIn } from './errors.ts'
import { contactGroup, documentGroups, type Group, type NewDocument, paymentGroup, refusalOf } from './groups.ts'
import { inTurn, type Part, type Slot, slotsOf } from './in-turn.ts'
import { goesThroughPaper, paperOf, paymentFor, standingOf } from './money-through-paper.ts'
import { accountFrom, latestLockIn, organisationIn } from './profile.ts'
import type { XeroSheets } from './sheet.ts'
import * as theirs from './translate.ts'
import { allocationFrom, creditNoteFrom, receiptFrom } from './translate-back.ts'
import type { XeroWire } from './wire.ts'

export function xeroWrites(wire: XeroWire, sheets: XeroSheets, now: () => Date) {
  async function openAccount(grant: Grant, { key, thing }: Ask<NewAccount>): Promise<BookAccount> {
    const fields = theirs.newAccountFields(thing, theirs.codeFor(thing, await sheets.chart(grant)))
    const account = fields as unknown as XeroAccount
    const answer = await wire.send(grant, true, (api) => api.createAccount(grant.bookId, account, key))
    const { json } = await wire.judge(grant, answer, true, key)
    sheets.forgetChart(grant.bookId)
    const element = listAt(json, 'Accounts')[0]
    const error = element && refusalIn(element, answer)
    if (error) throw error
    const opened = element && accountFrom(element)
    if (!opened) throw unreadable(answer, { isWrite: true, now: now() })
    return opened
  }

  async function putContacts(grant: Grant, asks: Ask<Contact>[]): Promise<Verdict[]> {
    const frame = await sheets.frame(grant)
    return inTurn(asks, [[slotsOf(asks), (slots) => put(grant, slots, contactGroup(frame))]])
  }

  async function putDocuments(grant: Grant, asks: Ask<NewDocument>[]): Promise<Verdict[]> {
    const [chart, frame] = [await sheets.chart(grant), await sheets.frame(grant)]
    const groups = documentGroups(chart, frame)
    const slots = slotsOf(asks)
    const refused: Part<NewDocument> = [
      slots.filter(({ ask }) => refusalOf(ask.thing, chart, grant) !== null),
      async (some) => some.map(({ ask }) => ({ ok: false, error: refusalOf(ask.thing, chart, grant) as BookError })),
    ]
    const throughPaper = slots.filter(
      ({ ask }) =>
        (ask.thing.kind === 'money_spent' || ask.thing.kind === 'money_received') &&
        ask.thing.clearing === null &&
        goesThroughPaper(chart.get(ask.thing.accountId)),
    )
    const closed = await closedFor(grant, slots)
    const rest = slots.filter((slot) => ![refused[0], closed[0], throughPaper].some((some) => some.includes(slot)))
    const open = throughPaper.filter((slot) => !closed[0].includes(slot))
    const money = open.map(
      (slot): Part<NewDocument> => [[slot], async () => [await putThroughPaper(grant, slot.ask as Ask<Money>, groups)]],
    )
    const parts = groups.map(
      ([kinds, group]): Part<NewDocument> => [
        rest.filter(({ ask }) => kinds.includes(ask.thing.kind)),
        (some) => put(grant, some, group),
      ],
    )
    const shut: typeof closed = [closed[0].filter((slot) => !refused[0].includes(slot)), closed[1]]
    return inTurn(asks, [refused, shut, ...parts, ...money])
  }

  async function putPayments(grant: Grant, asks: Ask<Payment | Allocation>[]): Promise<Verdict[]> {
    const slots = slotsOf(asks)
    const isPayment = (slot: Slot<Payment | Allocation>) => slot.ask.thing.kind === 'payment'
    const closed = await closedFor(grant, slots)
    const open = slots.filter((slot) => !closed[0].includes(slot))
    const payments = open.filter(isPayment)
    const allocations = open.filter((slot) => !isPayment(slot))
    return inTurn(asks, [
      closed,
      [payments, (some) => put(grant, some, paymentGroup)],
      ...allocations.map(
        (slot): Part<Payment | Allocation> => [
          [slot],
          async () => [await allocate(grant, slot.ask as Ask<Allocation>)],
        ],
      ),
    ])
  }

  /**
   * What is dated in a closed period. Xero lets an adviser's connection write there, and we do not: where a lock is known to stand,
   * it is asked for once more, and what it covers is refused.
   */
  async function closedFor<T extends { datedOn: Day }>(grant: Grant, slots: Slot<T>[]): Promise<Part<T>> {
    const known = sheets.lock(grant.bookId)
    const isShut = (lock: Day | null) => (slot: Slot<T>) => lock !== null && slot.ask.thing.datedOn <= lock
    const lock = slots.some(isShut(known)) ? await readLock(grant) : null
    const said = `Xero is locked through ${lock}.`
    const error = () =>
      new BookError('period_locked', {
        ...refuse('period_locked', 'period_locked', said).facts,
        lockedThrough: lock ?? '',
      })
    return [slots.filter(isShut(lock)), async (some) => some.map(() => ({ ok: false, error: error() }))]
  }

  async function readLock(grant: Grant): Promise<Day | null> {
    const { json } = await wire.read(grant, (api) => api.getOrganisations(grant.bookId))
    return latestLockIn(organisationIn(json))
  }

  async function putThroughPaper(
    grant: Grant,
    { key, thing }: Ask<Money>,
    groups: [kinds: string[], group: Group][],
  ): Promise<Verdict> {
    const paper = paperOf(thing)
    const standing = await standingOf(wire, grant, await sheets.frame(grant), thing)
    if (standing.payment) return { ok: true, receipt: standing.payment }
    const group = groups.find(([kinds]) => kinds.includes(paper.kind))?.[1]
    if (!group) throw new Error(`no list takes a ${paper.kind}`)
    const made: Verdict = standing.paper
      ? { ok: true, receipt: standing.paper }
      : await putOne(grant, { key, thing: paper }, group)
    if (!made.ok) return made
    const payment = paymentFor(thing, made.receipt)
    if (payment instanceof BookError) return { ok: false, error: payment }
    return putOne(grant, { key: theirs.keyOf([key, 'payment']), thing: payment }, paymentGroup)
  }

  async function putOne<T>(grant: Grant, ask: Ask<T>, group: Group): Promise<Verdict> {
    const [verdict] = await put(grant, slotsOf([ask]), group)
    return verdict ?? { ok: false, error: refuse('unclear', 'answer_unreadable', 'No verdict came back.') }
  }

  async function allocate(grant: Grant, ask: Ask<Allocation>): Promise<Verdict> {
    const { credit, against } = ask.thing
    const isCredit = credit.kind === 'credit_note' || credit.kind === 'supplier_credit'
    if (!isCredit || (against.kind !== 'invoice' && against.kind !== 'bill')) {
      const said = 'Xero sets a credit note against an invoice or bill; giving a credit back is a payment on it.'
      return { ok: false, error: refuse('invalid', 'document_not_payable', said) }
    }
    const body = { allocations: [theirs.allocationFields(ask.thing)] } as unknown as Allocations
    const answer = await wire.send(grant, true, (api) =>
      api.createCreditNoteAllocation(grant.bookId, credit.id, body, false, ask.key),
    )
    if (answer.status === 400 || answer.status === 404)
      return { ok: false, error: errorFrom(answer, { isWrite: true, now: now() }) }
    const { json } = await wire.judge(grant, answer, true, ask.key)
    const element =
      listAt(json, 'Allocations')[0] ?? listAt(listAt(json, 'CreditNotes')[0] ?? null, 'Allocations').at(-1)
    if (element === undefined) throw unreadable(answer, { isWrite: true, now: now() })
    const refused = refusalIn(element, answer)
    if (refused) return { ok: false, error: refused }
    const frame = { shortCode: null, currency: ask.thing.currency }
    const note = creditNoteFrom(
      { CreditNoteID: credit.id, Type: credit.kind === 'credit_note' ? 'ACCRECCREDIT' : 'ACCPAYCREDIT' },
      frame,
    )
    // The answer may leave out what it was told; what it took is what we asked.
    const told = { ...element, Invoice: element.Invoice ?? { InvoiceID: against.id } }
    const document = note && allocationFrom(told, note, frame)
    if (!document) throw unreadable(answer, { isWrite: true, now: now() })
    const receipt = receiptFrom({ ...document, version: null }, warningsIn(element), callIdIn(answer))
    return { ok: true, receipt: { ...receipt, totalMinor: ask.thing.amountMinor, datedOn: ask.thing.datedOn } }
  }

  /** One PUT for what fits into a call; what Xero refuses in it is told apart from what was only beside it. */
  async function put<T>(grant: Grant, slots: Slot<T>[], group: Group): Promise<Verdict[]> {
    const things = slots.map(({ ask }) => ask.thing as never)
    const key = theirs.keyOf(slots.map(({ ask }) => ask.key))
    const answer = await wire.send(grant, true, (api) => group.put(api, grant.bookId, things.map(group.fields), key))
    if (answer.status === 400) return refused(grant, slots, group, answer)

    const { json } = await wire.judge(grant, answer, true, key)
    const elements = listAt(json, group.list)
    const verdicts = things.map((thing, at): Verdict => {
      const element = elements.length === things.length ? elements[at] : undefined
      if (element === undefined) return { ok: false, error: unreadable(answer, { isWrite: true, now: now() }) }
      const error = refusalIn(element, answer)
      if (error) return { ok: false, error }
      const receipt = group.receipt(element, thing, answer)
      return receipt ? { ok: true, receipt } : { ok: false, error: unreadable(answer, { isWrite: true, now: now() }) }
    })
    return learnFrom(grant, verdicts)
  }

  /** The whole call was refused and nothing saved: the guilty get their reason, the others go again without them. */
  async function refused<T>(grant: Grant, slots: Slot<T>[], group: Group, answer: CallAnswer): Promise<Verdict[]> {
    const whole = errorFrom(answer, { isWrite: true, now: now() })
    if (slots.length === 1) return learnFrom(grant, [{ ok: false, error: whole }])
    const found = refusalsIn(answer)
    const isTold = found.length === slots.length && found.some((error) => error !== null)
    const guilty = isTold ? slots.filter((_, at) => found[at] !== null) : []
    const rest = slots.filter((slot) => !guilty.includes(slot))
    const half = Math.ceil(rest.length / 2)
    const parts: Part<T>[] = (isTold ? [rest] : [rest.slice(0, half), rest.slice(half)]).map((some) => [
      some,
      (again) => put(grant, again, group),
    ])
    const told: Part<T> = [
      guilty,
      async () =>
        learnFrom(
          grant,
          guilty.map((slot) => ({ ok: false, error: found[slots.indexOf(slot)] ?? whole })),
        ),
    ]
    const verdicts = await inTurn(
      slots.map(({ ask }) => ask),
      [told, ...parts].map(([some, run]) => [some.map((slot) => ({ ...slot, at: slots.indexOf(slot) })), run]),
    )
    return verdicts
  }

  /** A refused account or tax code makes us read the accounts anew; a closed period makes us ask through which day. */
  async function learnFrom(grant: Grant, verdicts: Verdict[]): Promise<Verdict[]> {
    const errors = verdicts.flatMap((verdict) => (verdict.ok ? [] : [verdict.error]))
    if (errors.some((error) => /^(account|tax_code)/.test(error.facts.cause))) sheets.forgetChart(grant.bookId)
    const unnamed = errors.filter((error) => error.kind === 'period_locked' && error.facts.lockedThrough === undefined)
    if (unnamed.length > 0) {
      const lockedThrough = await lockOf(grant)
      if (lockedThrough !== null) for (const error of unnamed) error.facts.lockedThrough = lockedThrough
    }
    return verdicts
  }

  /** Xero names the day for documents but not for payments. Not getting it changes nothing in the refusal. */
  async function lockOf(grant: Grant): Promise<Day | null> {
    try {
      return await readLock(grant)
    } catch (error) {
      if (error instanceof BookError) return null
      throw error
    }
  }

  return { openAccount, putContacts, putDocuments, putPayments }
}
