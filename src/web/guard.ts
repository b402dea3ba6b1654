/** May they? Asks networks/roles, says no in words; a place that is not theirs to see looks like no place at all. */
import { Refusal } from '../kit/refusal.ts'
import { type Actor, type DeedName, mustBeAllowed, type Place, rolesAt } from '../networks/roles.ts'

/** Throws not_found when the actor has nothing to do with the place, not_allowed when its role does not reach. */
export function guard(actor: Actor, deed: DeedName, place: Place, thing: string): void {
  if (rolesAt(actor, place).length === 0) throw new Refusal('not_found', { thing })
  mustBeAllowed(actor, deed, place)
}
