/** The convener's desk, page by page. */
import type { pages } from '../../page.ts'
import { importPages } from './import.tsx'
import { ledgerPages } from './ledger.tsx'
import { memberDeskPages } from './member-desk.tsx'
import { networkPages } from './network.tsx'
import { networkTradesPage } from './network-trades.tsx'
import { sendingPages } from './sending.tsx'
import { termsPages } from './terms.tsx'

export function convenerPages(serve: ReturnType<typeof pages>): void {
  networkPages(serve)
  memberDeskPages(serve)
  termsPages(serve)
  networkTradesPage(serve)
  ledgerPages(serve)
  importPages(serve)
  sendingPages(serve)
}
