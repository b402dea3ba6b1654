/** A member's own pages, and the page of a trade that both sides and the convener share. */
import type { pages } from '../../page.ts'
import { consentPages } from './consents.tsx'
import { detailPages } from './details.tsx'
import { memberHomePages } from './home.tsx'
import { invoicePage } from './invoice.tsx'
import { limitAskPages } from './limit-ask.tsx'
import { peoplePages } from './people.tsx'
import { proposePages } from './propose.tsx'
import { statementPages } from './statement.tsx'
import { tradePages } from './trade.tsx'
import { memberTradesPage } from './trades.tsx'

export function memberPages(serve: ReturnType<typeof pages>): void {
  memberHomePages(serve)
  proposePages(serve)
  memberTradesPage(serve)
  tradePages(serve)
  invoicePage(serve)
  statementPages(serve)
  peoplePages(serve)
  consentPages(serve)
  limitAskPages(serve)
  detailPages(serve)
}
