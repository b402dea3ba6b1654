/**
 * One table: deed × role → may. Pure, so that the whole matrix is tested and printed.
 *
 * Keeps: nobody sees another member's books; an operator runs the installation and looks into no member's papers.
 */
import type { Scope } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'

export const networkRoles = ['convener', 'auditor', 'sponsor'] as const
export type NetworkRole = (typeof networkRoles)[number]
export const memberRoles = ['owner', 'staff', 'bookkeeper'] as const
export type MemberRole = (typeof memberRoles)[number]
export type Role = 'operator' | NetworkRole | MemberRole
export const roles: readonly Role[] = ['operator', ...networkRoles, ...memberRoles]

export type Actor = {
  /** `per_…`, `key_…` or `quits`. */
  id: string
  personId: Uuid | null
  name: string
  isOperator: boolean
  serves: { networkId: Uuid; role: NetworkRole }[]
  actsFor: { organisationId: Uuid; role: MemberRole }[]
  mayWrite: boolean
}

type Rule = { roles: readonly Role[]; writes: boolean }
const reads = (...who: Role[]): Rule => ({ roles: who, writes: false })
const writes = (...who: Role[]): Rule => ({ roles: who, writes: true })

export const deeds = {
  // ── the installation ──
  make_network: writes('operator'),
  see_installation: reads('operator'),
  run_timed_task: writes('operator'),

  // ── a network ──
  see_network: reads('operator', 'convener', 'auditor', 'sponsor', 'owner', 'staff', 'bookkeeper'),
  see_directory: reads('convener', 'auditor', 'owner', 'staff', 'bookkeeper'),
  see_members: reads('convener', 'auditor'),
  see_impact: reads('operator', 'convener', 'auditor', 'sponsor'),
  see_ledger: reads('convener', 'auditor'),
  export_ledger: reads('operator', 'convener', 'auditor'),
  see_deeds: reads('convener', 'auditor'),
  see_health: reads('operator', 'convener', 'auditor'),
  run_audit: writes('operator', 'convener', 'auditor'),
  pause_network: writes('operator', 'convener'),
  pause_sending: writes('operator', 'convener'),
  change_terms: writes('convener'),
  name_network_role: writes('operator', 'convener'),
  invite_member: writes('convener'),
  admit_member: writes('convener'),
  change_standing: writes('convener'),
  review_form: writes('convener'),
  set_limits: writes('convener'),
  write_off: writes('convener'),
  post_transfer: writes('operator', 'convener'),
  hold_credits: writes('operator', 'convener'),
  promise_hold: writes('convener'),
  import: writes('convener'),
  trade_as_convener: writes('convener'),
  resolve_dispute: writes('convener'),

  // ── a member ──
  see_member: reads('convener', 'auditor', 'owner', 'staff', 'bookkeeper'),
  see_trade: reads('convener', 'auditor', 'owner', 'staff', 'bookkeeper'),
  see_hold: reads('convener', 'auditor', 'owner', 'staff', 'bookkeeper'),
  propose_trade: writes('owner', 'staff'),
  answer_trade: writes('owner', 'staff'),
  reverse_trade: writes('convener', 'owner', 'staff'),
  dispute_trade: writes('owner', 'staff'),
  give_standing_consent: writes('owner'),
  ask_for_limit: writes('owner'),
  start_leaving: writes('convener', 'owner'),
  change_form: writes('convener', 'owner'),
  record_vat: writes('owner', 'bookkeeper'),
  name_member_role: writes('owner'),

  // ── a member's book ──
  see_book: reads('owner', 'bookkeeper'),
  connect_book: writes('owner', 'bookkeeper'),
  change_mapping: writes('owner', 'bookkeeper'),
  approve_delivery: writes('owner', 'bookkeeper'),
  move_delivery: writes('owner', 'bookkeeper'),
  reconcile_book: writes('owner', 'bookkeeper'),
  close_discrepancy: writes('owner', 'bookkeeper'),

  // ── keys ──
  see_keys: reads('operator', 'convener', 'owner'),
  make_key: writes('operator', 'convener', 'owner'),
  see_network_keys: reads('operator', 'convener'),
  make_network_key: writes('operator', 'convener'),

  // ── programs that are told ──
  see_network_webhooks: reads('convener'),
  change_network_webhooks: writes('convener'),
  see_member_webhooks: reads('owner'),
  change_member_webhooks: writes('owner'),
} as const satisfies Record<string, Rule>
export type DeedName = keyof typeof deeds

/** Where a deed is done. A member's own things name the organisation; a network's own things name the network. */
export type Place = { networkId?: Uuid | null | undefined; organisationId?: Uuid | null | undefined }

export function may(actor: Actor, deed: DeedName, place: Place = {}): boolean {
  const rule: Rule = deeds[deed]
  if (rule.writes && !actor.mayWrite) return false
  return rolesAt(actor, place).some((role) => rule.roles.includes(role))
}

/** The same as a refusal. */
export function mustBeAllowed(actor: Actor, deed: DeedName, place: Place = {}): void {
  if (!may(actor, deed, place))
    throw new Refusal('not_allowed', { deed: deed.replaceAll('_', ' '), role: roleNamed(actor, place) })
}

export function rolesAt(actor: Actor, place: Place): Role[] {
  return [
    ...(actor.isOperator ? (['operator'] as const) : []),
    ...actor.serves.filter((one) => one.networkId === place.networkId).map((one) => one.role),
    ...actor.actsFor.filter((one) => one.organisationId === place.organisationId).map((one) => one.role),
  ]
}

function roleNamed(actor: Actor, place: Place): string {
  const held = rolesAt(actor, place)
  return held.length === 0 ? 'none here' : actor.mayWrite ? held.join(', ') : `${held.join(', ')}, reading only`
}

/**
 * What the second wall lets this actor's statements see: the networks it serves or is a member of, the organisations it
 * acts for. `memberships` are those of the actor's organisations; an operator's also name every network.
 */
export function scopeOf(actor: Actor, memberships: { networkId: Uuid; organisationId: Uuid | null }[]): Scope {
  const organisations = new Set(actor.actsFor.map((one) => one.organisationId))
  const mine = memberships.filter(
    (one) => actor.isOperator || (one.organisationId !== null && organisations.has(one.organisationId)),
  )
  const networks = new Set([...actor.serves.map((one) => one.networkId), ...mine.map((one) => one.networkId)])
  return { role: 'app', networks: [...networks], organisations: [...organisations] }
}
