/** Ids and contacts of what is promised: the same cause has the same delivery, so nothing is promised twice. */
import { idOfCause, shortName, type Uuid } from '../kit/ids.ts'
import type { Promised } from './delivery.ts'

export function deliveryId(networkId: Uuid, organisationId: Uuid, reference: string): Uuid {
  return idOfCause('delivery', networkId, organisationId, reference)
}

/** The counterpart as a contact in the owner's book; whoever needs it next names the same one. */
export function contactIn(networkId: Uuid, owner: Uuid, counterpart: Uuid, role: 'customer' | 'supplier'): Promised {
  const reference = `C${shortName(counterpart)}-${role === 'customer' ? 'C' : 'S'}`
  return {
    id: deliveryId(networkId, owner, reference),
    organisationId: owner,
    tradeId: null,
    kind: 'contact',
    reference,
    document: { what: 'contact', counterpartId: counterpart, role },
    dependsOn: [],
    live: true,
  }
}
