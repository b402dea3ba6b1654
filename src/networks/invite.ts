/**
 * The link that brings a member in: single use, seven days, bound to one member of one network. Only its hash is kept.
 *
 * Keeps: inviting opens the member's account with both limits at zero; only admission gives limits.
 * Runs as the worker: mail, people and lanes are touched.
 */
import { type Clock, instantOf } from '../kit/clock.ts'
import { databaseNow, type Tx } from '../kit/db.ts'
import { idOfCause, newId, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { openAccount } from '../ledger/account.ts'
import { queueMail } from './mail.ts'
import { lockMember, type Member, memberOf, memberOfOrganisation, mustMove } from './member.ts'
import { type Network, networkOf } from './network.ts'
import { createOrganisation, type NewOrganisation, organisationOf, recordDetails } from './organisation.ts'
import { emailOf, nameRole, type Person, rolesOfOrganisation } from './person.ts'
import { freePrefix } from './prefix.ts'
import { recordDeed } from './record-deed.ts'
import { hashOf, newSecret } from './secret.ts'
import { currentTerms } from './terms.ts'

const invitationLivesMs = 7 * 86_400_000

export type Invitation = {
  networkId: Uuid
  id: Uuid
  memberId: Uuid
  email: string
  sentBy: string
  madeAt: Date
  expiresAt: Date
  usedAt: Date | null
  cancelledAt: Date | null
}

export type InviteAsk = {
  networkId: Uuid
  email: string
  /** A new legal person (with as much as is known), or one that is a member elsewhere. */
  organisation: NewOrganisation | { organisationId: Uuid }
  invoicePrefix?: string | null | undefined
  /** Who sends it, as the mail says. */
  from: { id: string; name: string }
  /** Where the link leads: the installation's own address. */
  publicUrl: string
  /** For the letter with the link. */
  seal: Seal
}
export type Invited = { member: Member; invitation: Invitation; token: string }

export async function invite(tx: Tx, clock: Clock, ask: InviteAsk): Promise<Invited> {
  const member = await createMember(tx, clock, ask)
  const sent = await sendInvitation(tx, clock, member, ask)
  const facts = { email: sent.invitation.email }
  const place = { networkId: ask.networkId, organisationId: member.organisationId }
  await recordDeed(tx, clock, { ...place, actor: ask.from.id, what: 'member_invited', facts })
  return { member, ...sent }
}

/** A member without an invitation: for imports and for organisations whose papers the convener holds already. */
export async function createMember(
  tx: Tx,
  clock: Clock,
  ask: Pick<InviteAsk, 'networkId' | 'organisation' | 'invoicePrefix'>,
): Promise<Member> {
  const { networkId } = ask
  const known = 'organisationId' in ask.organisation ? ask.organisation.organisationId : null
  const held = known ? await memberOfOrganisation(tx, networkId, known) : null
  if (held && held.standing !== 'left') throw new Refusal('member_exists', {})
  if (held) {
    await tx.member.update({ where: keyOf(held), data: { standing: 'invited', standingReason: null } })
    return memberOf(tx, networkId, held.id)
  }
  const organisation = known
    ? await organisationOf(tx, known)
    : await createOrganisation(tx, clock, ask.organisation as NewOrganisation)
  const at = clock.now()
  const id = newId(at)
  const accountId = idOfCause('account', networkId, id)
  const invoicePrefix = await freePrefix(tx, networkId, organisation, ask.invoicePrefix)
  await tx.member.create({
    data: {
      networkId,
      id,
      organisationId: organisation.id,
      accountId,
      standing: 'invited',
      invoicePrefix,
      invitedAt: at,
    },
  })
  await openAccount(tx, {
    networkId,
    id: accountId,
    kind: 'member',
    memberId: id,
    floorMinor: 0n,
    ceilingMinor: 0n,
    neverBelowZero: organisation.restricted,
    openedAt: at,
  })
  return memberOf(tx, networkId, id)
}

/** A new link; the older ones die. */
export async function resend(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; memberId: Uuid; email?: string | undefined } & Pick<InviteAsk, 'from' | 'publicUrl' | 'seal'>,
): Promise<Invited> {
  const member = await lockMember(tx, ask.networkId, ask.memberId)
  if (member.standing === 'left')
    throw new Refusal('standing_does_not_allow', { standing: member.standing, wanted: 'sent a link' })
  const last = await tx.invitation.findFirst({
    where: { networkId: ask.networkId, memberId: member.id },
    orderBy: { madeAt: 'desc' },
  })
  const email = ask.email ?? last?.email ?? member.organisation.email
  if (!email) throw new Refusal('not_found', { thing: 'address to send it to' })
  if (last?.usedAt) throw new Refusal('invitation_dead', { why: 'was accepted already' })
  const sent = await sendInvitation(tx, clock, member, { ...ask, email })
  return { member, ...sent }
}

export async function cancelInvitation(
  tx: Tx,
  clock: Clock,
  ask: { networkId: Uuid; memberId: Uuid; actor: string },
): Promise<Member> {
  const member = await lockMember(tx, ask.networkId, ask.memberId)
  const cancelled = await killOpen(tx, clock, member)
  if (cancelled === 0) throw new Refusal('invitation_dead', { why: 'is not open' })
  if (member.standing === 'invited')
    await tx.member.update({ where: keyOf(member), data: { standing: 'left', standingReason: 'invitation cancelled' } })
  const place = { networkId: member.networkId, organisationId: member.organisationId }
  await recordDeed(tx, clock, { ...place, actor: ask.actor, what: 'invitation_cancelled' })
  return memberOf(tx, member.networkId, member.id)
}

export async function invitationsOf(
  tx: Tx,
  networkId: Uuid,
  memberId: Uuid,
  page: { after: Uuid | null; limit: number } = { after: null, limit: 50 },
): Promise<Invitation[]> {
  const rows = await tx.invitation.findMany({
    where: { networkId, memberId, ...(page.after ? { id: { lt: page.after } } : {}) },
    orderBy: { id: 'desc' },
    take: page.limit,
  })
  return rows.map(invitationFrom)
}

/** What the page behind the link shows. Refuses a dead link and says why. */
export async function openInvitation(
  tx: Tx,
  token: string,
): Promise<{ invitation: Invitation; member: Member; network: Network }> {
  const row = await tx.invitation.findUnique({ where: { tokenHash: hashOf(token) } })
  if (!row) throw new Refusal('invitation_dead', { why: 'is not one of ours' })
  if (row.usedAt) throw new Refusal('invitation_dead', { why: 'was used already' })
  if (row.cancelledAt) throw new Refusal('invitation_dead', { why: 'was withdrawn or replaced by a newer one' })
  if (row.expiresAt <= (await databaseNow(tx))) throw new Refusal('invitation_dead', { why: 'has run out' })
  const member = await memberOf(tx, row.networkId, row.memberId)
  return { invitation: invitationFrom(row), member, network: await networkOf(tx, row.networkId) }
}

export type Details = NewOrganisation & {
  /** The person who accepts, and becomes the owner's name here. */
  personName: string
  /** The terms it read. */
  termsVersion: number
}

export async function acceptInvitation(
  tx: Tx,
  clock: Clock,
  token: string,
  details: Details,
): Promise<{ member: Member; person: Person }> {
  // Two clicks at once: the second waits on this row and then finds it used.
  await tx.$queryRaw`select id from invitation where token_hash = ${hashOf(token)} for update`
  const { invitation, member } = await openInvitation(tx, token)
  await mustBeAnOwners(tx, member, invitation.email)
  const terms = await currentTerms(tx, member.networkId)
  if (details.termsVersion !== terms.version)
    throw new Refusal('terms_not_sound', { why: 'they were changed while you read; read them again' })
  if (!details.form && !member.organisation.evidence)
    throw new Refusal('evidence_missing', { wanted: 'the legal form with its number or statement' })
  const at = clock.now()
  await tx.invitation.update({
    where: { networkId_id: { networkId: invitation.networkId, id: invitation.id } },
    data: { usedAt: at },
  })
  const { organisationId, networkId } = member
  // What a convener or another network holds evidence for already is changed by changeForm, under its rules.
  const form = member.organisation.evidence ? undefined : details.form
  // The address that answered is the one its counterparties write to, unless another is known: books find contacts by it.
  const email = details.email ?? member.organisation.email ?? invitation.email
  const organisation = await recordDetails(tx, clock, organisationId, { ...details, email, form })
  if (form)
    await tx.account.update({
      where: { networkId_id: { networkId, id: member.accountId } },
      data: { neverBelowZero: organisation.restricted },
      select: { id: true },
    })
  const ask = { organisationId, role: 'owner' as const, email: invitation.email, name: details.personName }
  const person = await nameRole(tx, clock, { ...ask, actor: 'quits' })
  if (member.standing === 'invited') {
    mustMove(member, 'applied')
    await tx.member.update({ where: keyOf(member), data: { standing: 'applied', termsAgreedVersion: terms.version } })
  } else {
    await tx.member.update({ where: keyOf(member), data: { termsAgreedVersion: terms.version } })
  }
  const facts = { termsVersion: terms.version, legalForm: organisation.legalForm }
  await recordDeed(tx, clock, { networkId, organisationId, actor: 'quits', what: 'invitation_accepted', facts })
  return { member: await memberOf(tx, networkId, member.id), person }
}

async function sendInvitation(
  tx: Tx,
  clock: Clock,
  member: Member,
  ask: Pick<InviteAsk, 'email' | 'from' | 'publicUrl' | 'seal'>,
): Promise<{ invitation: Invitation; token: string }> {
  await mustBeAnOwners(tx, member, ask.email)
  await killOpen(tx, clock, member)
  const token = newSecret()
  const network = await networkOf(tx, member.networkId)
  const madeAt = await databaseNow(tx)
  const row = await tx.invitation.create({
    data: {
      networkId: member.networkId,
      id: newId(clock.now()),
      memberId: member.id,
      email: emailOf(ask.email),
      tokenHash: hashOf(token),
      sentBy: ask.from.id,
      madeAt,
      expiresAt: instantOf(madeAt.getTime() + invitationLivesMs),
    },
  })
  await queueMail(tx, clock, {
    kind: 'invitation',
    seal: ask.seal,
    to: row.email,
    subject: `${ask.from.name} invites ${member.organisation.name} to ${network.name}`,
    paragraphs: [
      `${ask.from.name}, convener of ${network.name}, invites ${member.organisation.name} to trade there in mutual credit.`,
      `Open this link to see the terms, tell us who you are and apply:\n${ask.publicUrl}/join/${token}`,
      'The link works once and for seven days, for this member only. It asks for the legal form with its evidence, your VAT ' +
        'status and your name; connecting your books comes later, and only on your yes.',
      'If you did not expect this mail, leave it: nothing happens.',
    ],
  })
  return { invitation: invitationFrom(row), token }
}

/**
 * Whoever opens a link becomes an owner, of the business in every network and of its book: so a business that has owners is
 * invited through one of them.
 */
async function mustBeAnOwners(tx: Tx, member: Member, email: string): Promise<void> {
  const owners = await ownersOf(tx, member.organisationId)
  if (owners.length > 0 && !owners.includes(emailOf(email))) throw new Refusal('owner_is_another', {})
}

/** May a convener who cannot see this organisation name it all the same? Only by the address of one of its owners. */
export async function isAnOwners(tx: Tx, organisationId: Uuid, email: string): Promise<boolean> {
  return (await ownersOf(tx, organisationId)).includes(emailOf(email))
}

async function ownersOf(tx: Tx, organisationId: Uuid): Promise<string[]> {
  const acting = await rolesOfOrganisation(tx, organisationId)
  return acting.filter(({ role }) => role === 'owner').map(({ person }) => person.email)
}

async function killOpen(tx: Tx, clock: Clock, member: Member): Promise<number> {
  const where = { networkId: member.networkId, memberId: member.id, usedAt: null, cancelledAt: null }
  return (await tx.invitation.updateMany({ where, data: { cancelledAt: clock.now() } })).count
}

function keyOf(member: { networkId: Uuid; id: Uuid }) {
  return { networkId_id: { networkId: member.networkId, id: member.id } }
}

type Row = NonNullable<Awaited<ReturnType<Tx['invitation']['findUnique']>>>

function invitationFrom({ tokenHash: _kept, ...row }: Row): Invitation {
  return row
}
