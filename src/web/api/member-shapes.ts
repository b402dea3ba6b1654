/** How a member, its invitation and its account look in JSON. */
import { z } from 'zod'
import { headroom } from '../../ledger/rules.ts'
import type { Invitation } from '../../networks/invite.ts'
import { type Member, standings } from '../../networks/member.ts'
import { at, dayOut, idIn, idOut, instantOut, money, moneyOut, show } from './shapes.ts'

export const memberParams = z.strictObject({ networkId: idIn('network'), memberId: idIn('member') })

export const accountOut = z
  .object({
    balance: moneyOut,
    creditLimit: moneyOut.nullable().meta({ description: 'How far below zero it may go, as an amount above zero' }),
    exposureLimit: moneyOut.nullable().meta({ description: 'How far above zero it may go' }),
    softCreditLimit: moneyOut.nullable(),
    softExposureLimit: moneyOut.nullable(),
    heldOut: moneyOut,
    heldIn: moneyOut,
    toBuy: moneyOut.nullable().meta({ description: 'What may still be bought now; null: no limit' }),
    toSell: moneyOut.nullable().meta({ description: 'What may still be sold now; null: no limit' }),
    frozen: z.boolean().meta({ description: 'May sell, not buy' }),
    neverBelowZero: z.boolean().meta({ description: 'By its legal form' }),
  })
  .meta({ id: 'Account' })

export function showAccount(account: Member['account'], currency: string): z.input<typeof accountOut> {
  const amount = (minor: bigint | null) => (minor === null ? null : money(minor, currency))
  const { creditLimitMinor, exposureLimitMinor } = account
  const room = headroom({
    ...account,
    floorMinor: creditLimitMinor === null ? null : -creditLimitMinor,
    ceilingMinor: exposureLimitMinor,
  })
  return {
    balance: money(account.balanceMinor, currency),
    creditLimit: amount(creditLimitMinor),
    exposureLimit: amount(exposureLimitMinor),
    softCreditLimit: amount(account.softCreditLimitMinor),
    softExposureLimit: amount(account.softExposureLimitMinor),
    heldOut: money(account.heldOutMinor, currency),
    heldIn: money(account.heldInMinor, currency),
    toBuy: amount(room.toBuyMinor),
    toSell: amount(room.toSellMinor),
    frozen: account.frozen,
    neverBelowZero: account.neverBelowZero,
  }
}

export const organisationOut = z
  .object({
    id: idOut('organisation'),
    name: z.string(),
    legalForm: z.string(),
    partners: z.number().int().nullable(),
    registrationNumber: z.string().nullable(),
    evidence: z.object({ kind: z.string(), text: z.string(), on: dayOut }).nullable(),
    reviewDueAt: instantOut.nullable().meta({ description: 'A changed form waits for the convener since then' }),
    restricted: z.boolean().meta({ description: 'Of a legal form that may never go below zero' }),
    email: z.string().nullable(),
    address: z.string().nullable(),
    country: z.string(),
    vat: z.object({
      registered: z.boolean(),
      number: z.string().nullable(),
      fromOn: dayOut.nullable(),
      scheme: z.string().nullable(),
      confirmedAt: instantOut.nullable(),
    }),
  })
  .meta({ id: 'Organisation' })

export function showOrganisation(organisation: Member['organisation']): z.input<typeof organisationOut> {
  return {
    ...organisation,
    id: show.id('organisation', organisation.id),
    reviewDueAt: at(organisation.reviewDueAt),
    vat: { ...organisation.vat, confirmedAt: at(organisation.vat.confirmedAt) },
  }
}

export const memberOut = z
  .object({
    id: idOut('member'),
    networkId: idOut('network'),
    standing: z.enum(standings),
    standingReason: z.string().nullable(),
    invoicePrefix: z.string(),
    termsAgreedVersion: z.number().int().nullable(),
    invitedAt: instantOut,
    admittedAt: instantOut.nullable(),
    organisation: organisationOut,
    account: accountOut,
  })
  .meta({ id: 'Member' })

export function showMember(member: Member, currency: string): z.input<typeof memberOut> {
  return {
    id: show.id('member', member.id),
    networkId: show.id('network', member.networkId),
    standing: member.standing,
    standingReason: member.standingReason,
    invoicePrefix: member.invoicePrefix,
    termsAgreedVersion: member.termsAgreedVersion,
    invitedAt: at(member.invitedAt),
    admittedAt: at(member.admittedAt),
    organisation: showOrganisation(member.organisation),
    account: showAccount(member.account, currency),
  }
}

export const invitationOut = z
  .object({
    id: idOut('invitation'),
    memberId: idOut('member'),
    email: z.string(),
    state: z.enum(['open', 'used', 'cancelled', 'expired']),
    madeAt: instantOut,
    expiresAt: instantOut,
  })
  .meta({ id: 'Invitation', description: 'The link itself is only in the mail' })

export function showInvitation(invitation: Invitation, now: Date): z.input<typeof invitationOut> {
  const { usedAt, cancelledAt, expiresAt } = invitation
  return {
    id: show.id('invitation', invitation.id),
    memberId: show.id('member', invitation.memberId),
    email: invitation.email,
    state: usedAt ? 'used' : cancelledAt ? 'cancelled' : expiresAt <= now ? 'expired' : 'open',
    madeAt: at(invitation.madeAt),
    expiresAt: at(expiresAt),
  }
}

/** What one member sees of another: enough to trade with it. */
export const listedOut = z
  .object({
    memberId: idOut('member'),
    name: z.string(),
    standing: z.enum(standings),
    vatRegistered: z.boolean(),
  })
  .meta({ id: 'Listed' })

export function showListed(member: Member): z.input<typeof listedOut> {
  return {
    memberId: show.id('member', member.id),
    name: member.organisation.name,
    standing: member.standing,
    vatRegistered: member.organisation.vat.registered,
  }
}
