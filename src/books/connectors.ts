/** The connectors this installation has: handed in by main, so that no room knows a vendor. */
import type { BookConnector, BookKind } from '../../connectors/port.ts'
import { Refusal } from '../kit/refusal.ts'

export type Connectors = Partial<Record<BookKind, BookConnector>>

export function connectorFor(connectors: Connectors, kind: BookKind): BookConnector {
  const connector = connectors[kind]
  if (!connector) throw new Refusal('not_found', { thing: `connector for ${kind}` })
  return connector
}
