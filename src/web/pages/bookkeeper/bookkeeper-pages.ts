/** The bookkeeper's desk: the connection, its mapping, what waits for a yes, what was delivered, whether it agrees. */
import type { pages } from '../../page.ts'
import { approvalPages } from './approvals.tsx'
import { callbackPages } from './callback.tsx'
import { chooseBookPages } from './choose-book.tsx'
import { connectionPages } from './connection.tsx'
import { contactPages } from './contacts.tsx'
import { deliveryPages } from './deliveries.tsx'
import { inboxPage } from './inbox.tsx'
import { mappingPages } from './mapping.tsx'
import { pickContactPages } from './pick-contact.tsx'
import { reconciliationPages } from './reconciliation.tsx'

export function bookkeeperPages(serve: ReturnType<typeof pages>): void {
  inboxPage(serve)
  callbackPages(serve)
  chooseBookPages(serve)
  mappingPages(serve)
  connectionPages(serve)
  approvalPages(serve)
  pickContactPages(serve)
  deliveryPages(serve)
  reconciliationPages(serve)
  contactPages(serve)
}
