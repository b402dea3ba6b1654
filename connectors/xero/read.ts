/**
 * What is there: profile, contacts, balance, and what changed since a cursor.
 *
 * Keeps: a cursor never runs past the vendor's own stamps, so that two clocks that differ lose nothing.
 */
import {
  type BookAccount,
  type BookBalance,
  type BookContact,
  type BookDocument,
  BookError,
  type BookPage,
  type BookProfile,
  type Cursor,
  type Day,
  type Grant,
  type Instant,
} from '../port.ts'
import { instantFrom, type Json, listAt, textAt } from './answer.ts'
import { refuse } from './errors.ts'
import { overlapMs } from './limits.ts'
import { documentReaders, type ListName, pagesOf } from './lists.ts'
import { organisationIn, profileFrom } from './profile.ts'
import { balanceSheetOf, bankSummaryOf, trialBalanceOf } from './report.ts'
import type { XeroSheets } from './sheet.ts'
import { allocationsFrom, contactFrom } from './translate-back.ts'
import type { ApiCall, XeroWire } from './wire.ts'

const journalScope = /^accounting\.(manualjournals|transactions)(\.read)?$/

export function xeroReads(wire: XeroWire, sheets: XeroSheets, now: () => Date) {
  async function describe(grant: Grant): Promise<BookProfile> {
    const tenant = grant.bookId
    const [organisation, accounts, taxRates, actions] = await Promise.all([
      wire.read(grant, (api) => api.getOrganisations(tenant)),
      wire.read(grant, (api) => api.getAccounts(tenant)),
      wire.read(grant, (api) => api.getTaxRates(tenant)),
      allowedActions(grant),
    ])
    const profile = profileFrom(tenant, {
      organisation: organisationIn(organisation.json),
      accounts: listAt(accounts.json, 'Accounts'),
      taxRates: listAt(taxRates.json, 'TaxRates'),
      actions,
    })
    sheets.learn(profile)
    return profile
  }

  /** What this person and plan may do. Not being told forbids nothing: Xero will say so at the first write. */
  async function allowedActions(grant: Grant): Promise<Json[]> {
    try {
      const { json } = await wire.read(grant, (api) => api.getOrganisationActions(grant.bookId))
      return listAt(json, 'Actions')
    } catch (error) {
      if (error instanceof BookError && error.facts.cause !== 'access_expired' && error.kind !== 'throttled') return []
      throw error
    }
  }

  async function* contacts(grant: Grant): AsyncGenerator<BookContact[]> {
    for await (const { elements } of pagesOf(wire, grant, 'Contacts', {})) {
      yield elements.flatMap((json) => contactFrom(json) ?? [])
    }
  }

  async function balance(grant: Grant, account: BookAccount, on: Day): Promise<BookBalance> {
    const tenant = grant.bookId
    const reports: [ask: ApiCall, read: (json: Json, account: BookAccount) => bigint | null][] = [
      [(api) => api.getReportTrialBalance(tenant, on), trialBalanceOf],
      ...(account.kind === 'bank'
        ? [[(api) => api.getReportBankSummary(tenant, on, on), bankSummaryOf] as [ApiCall, typeof bankSummaryOf]]
        : []),
      [(api) => api.getReportBalanceSheet(tenant, on), balanceSheetOf],
    ]
    let refused: BookError | null = null
    for (const [ask, read] of reports) {
      try {
        const amountMinor = read((await wire.read(grant, ask)).json, account)
        if (amountMinor !== null) return { accountId: account.id, on, amountMinor }
      } catch (error) {
        if (!(error instanceof BookError) || !mayAskOther(error)) throw error
        refused = error
      }
    }
    throw refused ?? refuse('unavailable', 'report_unreadable', 'No report named the account.')
  }

  async function* changes(grant: Grant, since: Cursor): AsyncGenerator<BookPage> {
    const names: ListName[] = ['Contacts', 'Invoices', 'CreditNotes', 'Payments', 'BankTransactions', 'BankTransfers']
    // Journals need a scope that is asked for only where they are used.
    if (grant.scopes.some((scope) => journalScope.test(scope))) names.push('ManualJournals')
    const from = since === null ? undefined : new Date(Date.parse(since) - overlapMs)
    const frame = await sheets.frame(grant)
    let startedAt: Instant | null = null
    let latest: Instant | null = since
    let held: BookPage | null = null

    for (const name of names) {
      for await (const { elements, at } of pagesOf(wire, grant, name, { since: from })) {
        startedAt ??= at
        for (const json of elements) latest = later(latest, instantFrom(textAt(json, 'UpdatedDateUTC')))
        if (held) yield held
        held = { ...pageFrom(name, elements), next: since }
      }
    }
    const start = startedAt ?? now().toISOString()
    yield { ...(held ?? { documents: [], contacts: [] }), next: latest === null || latest > start ? start : latest }

    function pageFrom(name: ListName, elements: Json[]): { documents: BookDocument[]; contacts: BookContact[] } {
      if (name === 'Contacts') return { documents: [], contacts: elements.flatMap((json) => contactFrom(json) ?? []) }
      const read = documentReaders[name]
      const documents = elements.flatMap((json) => {
        const document = read(json, frame)
        const allocations = name === 'CreditNotes' ? allocationsFrom(json, frame) : []
        return document === null ? allocations : [document, ...allocations]
      })
      return { documents, contacts: [] }
    }
  }

  return { describe, contacts, balance, changes }
}

/** Each report has a scope and a role of its own: what one may not show, another may. */
function mayAskOther({ facts }: BookError): boolean {
  return facts.cause === 'scope_missing' || facts.cause === 'access_refused' || facts.cause === 'not_found'
}

function later(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b
  return new Date(a).getTime() >= new Date(b).getTime() ? a : b
}
