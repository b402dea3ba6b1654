/** The one thing to do next for a book, by the state of its connection. Pure. */
import type { ConnectionState } from '../../../books/connection.ts'

export type BookFacts = {
  /** /members/mem_… */
  base: string
  connection: ConnectionState | null
  vendor: string
  /** A consent that came back and waits for the choice of its book. */
  consent: string | null
  isMapped: boolean
  hasMappingProblem: boolean
  waiting: number
  parked: number
  waitForYes: number
}
export type BookNext = {
  says: string
  go: { href: string; text: string } | null
  connect: 'connect' | 'sign_in_again' | null
  resume: boolean
}

export function bookNext(facts: BookFacts): BookNext {
  const { base, connection, vendor } = facts
  const next = (says: string, more: Partial<BookNext> = {}): BookNext => ({
    says,
    go: null,
    connect: null,
    resume: false,
    ...more,
  })
  const go = (page: string, text: string) => ({ go: { href: `${base}/${page}`, text } })
  if (facts.consent && connection !== 'live' && connection !== 'paused')
    return next('You have signed in. Say which organisation this business keeps its books in.', {
      ...go(`connection/choose?consent=${facts.consent}`, 'Choose the organisation'),
    })
  if (connection === null || connection === 'ended')
    return next('Connect your accounting software: trades then become invoices, bills and payments by themselves.', {
      connect: 'connect',
    })
  if (connection === 'needs_sign_in')
    return next(
      `${vendor} no longer lets us in. ${counted(facts.waiting, 'document')} ${facts.waiting === 1 ? 'waits' : 'wait'}; nothing is lost. Sign in and choose the same organisation.`,
      { connect: 'sign_in_again' },
    )
  if (connection === 'paused')
    return next(`Paused. ${counted(facts.waiting, 'document')} ${facts.waiting === 1 ? 'waits' : 'wait'}.`, {
      resume: true,
    })
  if (connection !== 'live' || !facts.isMapped)
    return next(
      'Say which accounts and VAT codes of your book the trades use.',
      go('connection/mapping', 'Map your book'),
    )
  if (facts.hasMappingProblem)
    return next('A choice of your mapping no longer fits the book.', go('connection/mapping', 'Mend the mapping'))
  if (facts.parked > 0)
    return next(
      `${counted(facts.parked, 'document')} could not go and ${facts.parked === 1 ? 'needs' : 'need'} you.`,
      go('deliveries?state=parked', 'See what to do'),
    )
  if (facts.waitForYes > 0)
    return next(
      `${counted(facts.waitForYes, 'trade')} ${facts.waitForYes === 1 ? 'waits' : 'wait'} for your yes.`,
      go('approvals', 'Look and say yes'),
    )
  return next('Nothing waits for you here.')
}

function counted(count: number, thing: string): string {
  return count === 1 ? `One ${thing}` : `${count} ${thing}s`
}
