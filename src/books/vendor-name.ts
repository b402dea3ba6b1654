/** The accounting systems' names as their makers write them. */
import type { BookKind } from '../../connectors/port.ts'

const names: Record<BookKind, string> = { xero: 'Xero', quickbooks: 'QuickBooks', fake: 'The practice book' }

export function vendorName(kind: BookKind): string {
  return names[kind]
}
