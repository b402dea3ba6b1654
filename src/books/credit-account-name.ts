/** What the mutual-credit account is called in a member's book: it must never be taken for cash. */
import type { BookKind } from '../../connectors/port.ts'

/** QuickBooks takes 100 characters, Xero 150; one length for both. */
const longest = 100

export function creditAccountName(networkName: string, kind: BookKind): string {
  // QuickBooks refuses colons and straight double quotes in the name of an account.
  return kind === 'quickbooks'
    ? named('Mutual credit - ', networkName.replace(/[:"]/g, ' '))
    : named('Mutual credit: ', networkName)
}

/** By either name an account that stands there already is recognised. */
export function creditAccountNames(networkName: string): string[] {
  return [creditAccountName(networkName, 'xero'), creditAccountName(networkName, 'quickbooks')]
}

function named(before: string, networkName: string): string {
  const after = ' (not cash)'
  const name = networkName.replace(/\s+/g, ' ').trim()
  return before + name.slice(0, longest - before.length - after.length).trim() + after
}
