/** Every route under /v1, in one list: what answers is what the OpenAPI document says. */
import { apiKeyRoutes } from './api-keys.ts'
import { bookContactRoutes } from './book-contacts.ts'
import { connectionRoutes } from './connections.ts'
import { deedRoutes } from './deeds.ts'
import { deliveryRoutes } from './deliveries.ts'
import { discrepancyRoutes } from './discrepancies.ts'
import { disputeRoutes } from './disputes.ts'
import { exportRoutes } from './exports.ts'
import { holdRoutes } from './holds.ts'
import { importRoutes } from './imports.ts'
import { invitationRoutes } from './invitations.ts'
import { ledgerRoutes } from './ledger.ts'
import { limitRoutes } from './limits.ts'
import { mappingRoutes } from './mappings.ts'
import { meRoutes } from './me.ts'
import { memberRoutes } from './members.ts'
import { networkRoutes } from './networks.ts'
import { organisationRoutes } from './organisations.ts'
import { peopleRoutes } from './people.ts'
import { reconciliationRoutes } from './reconciliations.ts'
import { reversalRoutes } from './reversals.ts'
import type { Route } from './route.ts'
import { standingConsentRoutes } from './standing-consents.ts'
import { statementRoutes } from './statements.ts'
import { termsRoutes } from './terms.ts'
import { tradeRoutes } from './trades.ts'
import { transferRoutes } from './transfers.ts'
import { webhookRoutes } from './webhook-addresses.ts'

export const routes: Route[] = [
  ...meRoutes,
  ...networkRoutes,
  ...termsRoutes,
  ...memberRoutes,
  ...invitationRoutes,
  ...organisationRoutes,
  ...limitRoutes,
  ...peopleRoutes,
  ...apiKeyRoutes,
  ...tradeRoutes,
  ...reversalRoutes,
  ...disputeRoutes,
  ...standingConsentRoutes,
  ...transferRoutes,
  ...holdRoutes,
  ...statementRoutes,
  ...ledgerRoutes,
  ...exportRoutes,
  ...importRoutes,
  ...connectionRoutes,
  ...mappingRoutes,
  ...bookContactRoutes,
  ...deliveryRoutes,
  ...reconciliationRoutes,
  ...discrepancyRoutes,
  ...webhookRoutes,
  ...deedRoutes,
]
