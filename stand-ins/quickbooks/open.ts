/**
 * What is open on a document: a charge waits to be paid, a credit waits to be used.
 *
 * Keeps: a document counts by its lines on debtors or creditors in the name of one party, whatever its kind. So an invoice,
 * an expense coded to debtors and a journal line are charges alike; a credit memo and an unapplied payment are credits.
 */
import { toJsonNumber } from '../kit/decimals.ts'
import type { Company, Posting } from './company.ts'
import type { Body, DocumentKind, Link } from './document.ts'
import { creditorAccounts, debtorAccounts } from './rules.ts'

export interface Standing {
  side: 'charge' | 'credit'
  totalMinor: bigint
  openMinor: bigint
}

export interface Party {
  kind: 'Customer' | 'Vendor'
  id: string
}

/** The standing of a document with a party; undefined when it has no line in that party's name. `except` leaves one settler out. */
export function standingOf(
  company: Company,
  kind: DocumentKind,
  id: string,
  party: Party,
  lineId?: string,
  except?: { kind: DocumentKind; id: string },
): Standing | undefined {
  const accounts = party.kind === 'Customer' ? debtorAccounts(company) : creditorAccounts(company)
  const belongs = (posting: Posting) =>
    posting.party?.kind === party.kind &&
    posting.party.id === party.id &&
    accounts.includes(posting.accountId) &&
    (lineId === undefined || lineId === '0' || posting.lineId === undefined || posting.lineId === lineId)
  const made = company.madeBy(kind, id)
  const postings = made.postings.filter(belongs)
  if (postings.length === 0) return undefined
  const sumMinor = postings.reduce((sum, posting) => sum + posting.amountMinor, 0n)
  const owedToUs = party.kind === 'Customer' ? sumMinor : -sumMinor
  const totalMinor = owedToUs < 0n ? -owedToUs : owedToUs
  const settledMinor = company
    .settlersOf(kind, id)
    .filter(
      ({ by, settlement }) =>
        !(by.kind === except?.kind && by.id === except.id) &&
        (lineId === undefined || settlement.lineId === undefined || settlement.lineId === lineId),
    )
    .filter(({ by }) => partyIdOf(company.find(by.kind, by.id)) === party.id)
    .reduce((sum, { settlement }) => sum + settlement.amountMinor, 0n)
  return { side: owedToUs >= 0n ? 'charge' : 'credit', totalMinor, openMinor: totalMinor - settledMinor }
}

const partyIdOf = (body: Body | undefined) => body?.CustomerRef?.value ?? body?.VendorRef?.value

/** The open amount as an answer shows it. */
export function openAmount(company: Company, kind: DocumentKind, body: Body, party: Party): number {
  return toJsonNumber(standingOf(company, kind, body.Id ?? '', party)?.openMinor ?? 0n)
}

/** Who settles it, as LinkedTxn shows it; a bill names the check, everything else the payment's own kind. */
export function linksOf(company: Company, kind: DocumentKind, id: string): Link[] {
  const seen = new Set<string>()
  return company.settlersOf(kind, id).flatMap(({ by }) => {
    if (seen.has(by.id)) return []
    seen.add(by.id)
    const checked = kind === 'Bill' && by.kind === 'BillPayment'
    return [{ TxnId: by.id, TxnType: checked ? 'BillPaymentCheck' : by.kind }]
  })
}
