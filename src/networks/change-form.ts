/**
 * A legal form changes: a partner leaves, a sole trader founds a company.
 *
 * Keeps: becoming restricted acts at once in every network (no credit, never below zero; frozen while it owes);
 * becoming free waits for a convener's look at the evidence.
 * Runs as the worker: it reaches every network the organisation is in, and its people by mail.
 */
import { type Clock, dateOf, dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { showAmount } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { writeLegalFloor } from './admit.ts'
import { isRestricted, type ShownForm, shown } from './evidence.ts'
import { writeFrozen } from './frozen.ts'
import { recordLimit, writeLimits } from './limits.ts'
import { queueMailToOrganisation } from './mail.ts'
import { lockMember, type Member, memberOf } from './member.ts'
import { networkOf } from './network.ts'
import { type Organisation, organisationOf } from './organisation.ts'
import { recordDeed } from './record-deed.ts'

export async function changeForm(
  tx: Tx,
  clock: Clock,
  ask: { organisationId: Uuid; form: ShownForm; actor: string },
): Promise<Organisation> {
  await tx.$queryRaw`select id from organisation where id = ${ask.organisationId}::uuid for update`
  const held = await organisationOf(tx, ask.organisationId)
  const at = clock.now()
  const evidence = shown(ask.form, held.country, dayOf(at))
  const stored = {
    evidenceKind: evidence.kind,
    evidenceText: evidence.text,
    evidenceOn: dateOf(evidence.on),
  }
  await tx.formChange.create({
    data: {
      id: newId(at),
      organisationId: held.id,
      fromForm: held.legalForm,
      fromPartners: held.partners,
      toForm: ask.form.legalForm,
      toPartners: evidence.partners,
      ...stored,
      changedBy: ask.actor,
      changedAt: at,
    },
  })
  const { legalForm } = ask.form
  await tx.organisation.update({
    where: { id: held.id },
    data: { legalForm, partners: evidence.partners, registrationNumber: evidence.number, ...stored, reviewDueAt: at },
  })
  if (isRestricted(legalForm, evidence.partners))
    for (const member of await lockedMembers(tx, held.id)) await restrict(tx, clock, member)
  const facts = { from: held.legalForm, to: legalForm, partners: evidence.partners }
  await recordDeed(tx, clock, { organisationId: held.id, actor: ask.actor, what: 'legal_form_changed', facts })
  return organisationOf(tx, held.id)
}

/** A convener has looked at the evidence: the legal floor follows the form now. Credit comes back only by setLimits. */
export async function reviewForm(
  tx: Tx,
  clock: Clock,
  ask: { organisationId: Uuid; actor: string },
): Promise<Organisation> {
  await tx.$queryRaw`select id from organisation where id = ${ask.organisationId}::uuid for update`
  const held = await organisationOf(tx, ask.organisationId)
  if (!held.evidence) throw new Refusal('evidence_missing', { wanted: 'the legal form with its number or statement' })
  await tx.organisation.update({ where: { id: held.id }, data: { reviewDueAt: null } })
  if (!held.restricted)
    for (const member of await lockedMembers(tx, held.id)) {
      if (!member.account.neverBelowZero) continue
      await writeLegalFloor(tx, member, false)
      const change = { what: 'legal_floor' as const, from: 1n, to: 0n, actor: ask.actor }
      await recordLimit(tx, clock, member, { ...change, reason: `legal form reviewed: ${held.legalForm}` })
      await writeFrozen(tx, member)
    }
  const facts = { legalForm: held.legalForm, restricted: held.restricted }
  await recordDeed(tx, clock, { organisationId: held.id, actor: ask.actor, what: 'legal_form_reviewed', facts })
  return organisationOf(tx, held.id)
}

/** Changes of form, newest first. */
export async function formChangesOf(tx: Tx, organisationId: Uuid) {
  return tx.formChange.findMany({ where: { organisationId }, orderBy: { id: 'desc' }, take: 50 })
}

async function lockedMembers(tx: Tx, organisationId: Uuid): Promise<Member[]> {
  const rows = await tx.member.findMany({ where: { organisationId }, orderBy: [{ networkId: 'asc' }, { id: 'asc' }] })
  const members: Member[] = []
  for (const row of rows) members.push(await lockMember(tx, row.networkId, row.id))
  return members
}

async function restrict(tx: Tx, clock: Clock, member: Member): Promise<void> {
  const by = { reason: `the legal form became ${member.organisation.legalForm}`, actor: 'quits' }
  if (!member.account.neverBelowZero) {
    await writeLegalFloor(tx, member, true)
    await recordLimit(tx, clock, member, { ...by, what: 'legal_floor', from: 0n, to: 1n })
  }
  await writeLimits(tx, clock, member, { ...by, creditLimitMinor: 0n })
  if (!(await writeFrozen(tx, member))) return
  const { account } = await memberOf(tx, member.networkId, member.id)
  if (!account.frozen) return
  await recordLimit(tx, clock, member, { ...by, what: 'frozen', from: 0n, to: 1n })
  const network = await networkOf(tx, member.networkId)
  const balance = showAmount(account.balanceMinor, network.currency, network.scale)
  await queueMailToOrganisation(tx, clock, member.organisationId, ['owner'], {
    kind: 'frozen_by_form',
    subject: `${member.organisation.name} may sell but not buy in ${network.name}`,
    paragraphs: [
      `By its legal form ${member.organisation.name} must stay in credit from now on, and its balance is ${balance}.`,
      'Until it has sold its way back to zero it cannot buy. After that it buys with what it has earned.',
      'If the legal form is not what you told us, tell your convener.',
    ],
  })
}
