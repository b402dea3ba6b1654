import { expect, test } from 'vitest'
import { type Actor, type DeedName, deeds, may, type Role, roles, scopeOf } from '../../src/networks/roles.ts'

const network = 'aaaaaaaa-0000-4000-8000-000000000001'
const otherNetwork = 'aaaaaaaa-0000-4000-8000-000000000002'
const organisation = 'bbbbbbbb-0000-4000-8000-000000000001'
const otherOrganisation = 'bbbbbbbb-0000-4000-8000-000000000002'
const here = { networkId: network, organisationId: organisation }
const elsewhere = { networkId: otherNetwork, organisationId: otherOrganisation }

function actorAs(role: Role, mayWrite = true): Actor {
  const isServing = role === 'convener' || role === 'auditor' || role === 'sponsor'
  const isActing = role === 'owner' || role === 'staff' || role === 'bookkeeper'
  return {
    id: 'per_x',
    personId: null,
    name: role,
    isOperator: role === 'operator',
    serves: isServing ? [{ networkId: network, role }] : [],
    actsFor: isActing ? [{ organisationId: organisation, role }] : [],
    mayWrite,
  }
}

/** Written out once more by hand: a change of the table must be meant twice. o operator, c convener, a auditor, p sponsor, w owner, s staff, b bookkeeper. */
const matrix: Record<DeedName, string> = {
  make_network: 'o',
  see_installation: 'o',
  run_timed_task: 'o',
  see_network: 'ocapwsb',
  see_directory: 'cawsb',
  see_members: 'ca',
  see_impact: 'ocap',
  see_ledger: 'ca',
  export_ledger: 'oca',
  see_deeds: 'ca',
  see_health: 'oca',
  run_audit: 'oca',
  pause_network: 'oc',
  pause_sending: 'oc',
  change_terms: 'c',
  name_network_role: 'oc',
  invite_member: 'c',
  admit_member: 'c',
  change_standing: 'c',
  review_form: 'c',
  set_limits: 'c',
  write_off: 'c',
  post_transfer: 'oc',
  hold_credits: 'oc',
  promise_hold: 'c',
  import: 'c',
  trade_as_convener: 'c',
  resolve_dispute: 'c',
  see_member: 'cawsb',
  see_trade: 'cawsb',
  see_hold: 'cawsb',
  propose_trade: 'ws',
  answer_trade: 'ws',
  reverse_trade: 'cws',
  dispute_trade: 'ws',
  give_standing_consent: 'w',
  ask_for_limit: 'w',
  start_leaving: 'cw',
  change_form: 'cw',
  record_vat: 'wb',
  name_member_role: 'w',
  see_book: 'wb',
  connect_book: 'wb',
  change_mapping: 'wb',
  approve_delivery: 'wb',
  move_delivery: 'wb',
  reconcile_book: 'wb',
  close_discrepancy: 'wb',
  see_keys: 'ocw',
  make_key: 'ocw',
  see_network_keys: 'oc',
  make_network_key: 'oc',
  see_network_webhooks: 'c',
  change_network_webhooks: 'c',
  see_member_webhooks: 'w',
  change_member_webhooks: 'w',
}
const letters: Record<Role, string> = {
  operator: 'o',
  convener: 'c',
  auditor: 'a',
  sponsor: 'p',
  owner: 'w',
  staff: 's',
  bookkeeper: 'b',
}
const names = Object.keys(deeds) as DeedName[]

test('every deed is allowed to the roles of the matrix and to no other', () => {
  for (const deed of names)
    for (const role of roles)
      expect([deed, role, may(actorAs(role), deed, here)]).toEqual([deed, role, matrix[deed].includes(letters[role])])
})

test('a role counts only where it is held', () => {
  for (const deed of names)
    for (const role of roles)
      if (role !== 'operator') expect([deed, role, may(actorAs(role), deed, elsewhere)]).toEqual([deed, role, false])
})

test('a key made for reading writes nothing', () => {
  for (const deed of names)
    for (const role of roles) {
      const allowed = may(actorAs(role, false), deed, here)
      expect([deed, allowed]).toEqual([deed, !deeds[deed].writes && matrix[deed].includes(letters[role])])
    }
})

test('neither operator nor convener nor auditor sees a member’s book', () => {
  for (const role of ['operator', 'convener', 'auditor', 'sponsor'] as const)
    expect(may(actorAs(role), 'see_book', here)).toBe(false)
})

test('the scope holds the networks served, those of one’s organisations, and nobody else’s', () => {
  const memberships = [
    { networkId: network, organisationId: organisation },
    { networkId: otherNetwork, organisationId: otherOrganisation },
  ]
  expect(scopeOf(actorAs('owner'), memberships)).toEqual({
    role: 'app',
    networks: [network],
    organisations: [organisation],
  })
  expect(scopeOf(actorAs('convener'), [])).toEqual({ role: 'app', networks: [network], organisations: [] })
  expect(scopeOf(actorAs('operator'), memberships)).toMatchObject({
    networks: [network, otherNetwork],
    organisations: [],
  })
})
