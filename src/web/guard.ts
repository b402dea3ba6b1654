/** May they? Asks networks/roles, says no in words; a place that is not theirs to see looks like no place at all. */
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Actor, type Deed, may, maySee } from '../networks/roles.ts'

export type Place = { networkId?: Uuid; organisationId?: Uuid }

/** Throws not_found when the actor has nothing to do with the place, not_allowed when its role does not reach. */
export function guard(actor: Actor, deed: Deed, place: Place, thing: string): void {
  if (!maySee(actor, place)) throw new Refusal('not_found', { thing })
  if (!may(actor, deed, place))
    throw new Refusal('not_allowed', { deed: deed.replaceAll('_', ' '), role: roleNames(actor, place) })
}

function roleNames(actor: Actor, place: Place): string {
  const roles = [
    ...(actor.isOperator ? ['operator'] : []),
    ...actor.serves.filter((one) => one.networkId === place.networkId).map((one) => one.role),
    ...actor.actsFor.filter((one) => one.organisationId === place.organisationId).map((one) => one.role),
  ]
  return roles.join(', ') || 'none'
}
