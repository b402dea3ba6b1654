import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import { admit } from '../../src/networks/admit.ts'
import {
  acceptInvitation,
  cancelInvitation,
  createMember,
  invite,
  openInvitation,
  resend,
} from '../../src/networks/invite.ts'
import type { Member } from '../../src/networks/member.ts'
import type { Network } from '../../src/networks/network.ts'
import { convener, formOf, publicUrl, type SetUp, setUp, start } from './set-up.ts'

let world: SetUp
let network: Network
beforeAll(async () => {
  world = await setUp()
  network = await world.network()
})
afterAll(() => world.end())

let count = 0
const inviteSomeone = (organisation: object = {}) => {
  count += 1
  const ask = {
    networkId: network.id,
    email: `Owner${count}@Bakery.example`,
    from: convener,
    publicUrl,
    seal: world.seal,
  }
  return world.worker((tx) =>
    invite(tx, world.clock, { ...ask, organisation: { name: `Bakery ${count}`, ...organisation } }),
  )
}
const details = () => ({ name: 'Bakery Ltd', personName: 'Bea', termsVersion: 1, form: formOf('company') })
const accept = (token: string, change: object = {}) =>
  world.worker((tx) => acceptInvitation(tx, world.clock, token, { ...details(), ...change }))
const why = (why: string) => ({ code: 'invitation_dead', facts: { why } })

test('an invitation makes a member with an account of no limits, a lane, and a mail that names the convener', async () => {
  const { member, token, invitation } = await inviteSomeone()
  expect(member).toMatchObject({
    standing: 'invited',
    account: { creditLimitMinor: 0n, exposureLimitMinor: 0n, neverBelowZero: true },
  })
  expect(invitation.expiresAt.getTime() - invitation.madeAt.getTime()).toBe(7 * 86_400_000)
  expect(JSON.stringify(invitation)).not.toContain(token)
  await world.worker(async (tx) => {
    expect(await tx.lane.count({ where: { id: member.organisationId, kind: 'book' } })).toBe(1)
    const stored = await tx.invitation.findFirstOrThrow({ where: { memberId: member.id } })
    expect(Buffer.from(stored.tokenHash).toString('base64url')).not.toBe(token)
  })
  const mail = (await world.mails('invitation')).at(-1)
  expect(mail?.recipient).toBe(invitation.email)
  expect(mail?.body).toContain(`${publicUrl}/join/${token}`)
  expect(mail?.subject).toContain('Asha')
})

test('accepting records form and evidence, names the owner, and the member has applied', async () => {
  const { token, invitation } = await inviteSomeone()
  const { member, person } = await accept(token, { vat: { registered: true, number: '123456789' } })
  expect(member).toMatchObject({ standing: 'applied', termsAgreedVersion: 1 })
  expect(member.organisation).toMatchObject({ legalForm: 'company', restricted: false, vat: { number: 'GB123456789' } })
  expect(member.account.neverBelowZero).toBe(false)
  expect(person).toMatchObject({ email: invitation.email, name: 'Bea' })
  expect(member.organisation.email).toBe(invitation.email)
  await world.worker(async (tx) => {
    const acting = await tx.actsFor.findMany({ where: { organisationId: member.organisationId } })
    expect(acting).toMatchObject([{ personId: person.id, role: 'owner' }])
  })
})

test('a link works once, even when pressed twice at the same moment', async () => {
  const { token } = await inviteSomeone()
  const outcomes = await Promise.allSettled([accept(token), accept(token)])
  expect(outcomes.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
  await expect(accept(token)).rejects.toMatchObject(why('was used already'))
})

test('forged, withdrawn, replaced and run-out links are dead, each with its reason', async () => {
  const forged = world.worker((tx) => openInvitation(tx, 'x'.repeat(43)))
  await expect(forged).rejects.toMatchObject(why('is not one of ours'))
  const first = await inviteSomeone()
  const ask = { networkId: network.id, memberId: first.member.id }
  const second = await world.worker((tx) =>
    resend(tx, world.clock, { ...ask, from: convener, publicUrl, seal: world.seal }),
  )
  await expect(accept(first.token)).rejects.toMatchObject(why('was withdrawn or replaced by a newer one'))
  const cancelled = await world.worker((tx) => cancelInvitation(tx, world.clock, { ...ask, actor: 'per_x' }))
  expect(cancelled.standing).toBe('left')
  await expect(accept(second.token)).rejects.toMatchObject(why('was withdrawn or replaced by a newer one'))

  const third = await inviteSomeone()
  await world.travelTo(new Date(start.getTime() + 7 * 86_400_000 - 1))
  await world.worker((tx) => openInvitation(tx, third.token))
  await world.travelTo(new Date(start.getTime() + 7 * 86_400_000))
  await expect(accept(third.token)).rejects.toMatchObject(why('has run out'))
  await world.travelTo(start)
})

test('without evidence, with other terms than the current ones or a wrong VAT number nothing is accepted', async () => {
  const { token, member } = await inviteSomeone()
  await expect(accept(token, { form: undefined })).rejects.toMatchObject({ code: 'evidence_missing' })
  await expect(accept(token, { termsVersion: 2 })).rejects.toMatchObject({ code: 'terms_not_sound' })
  const wrong = accept(token, { vat: { registered: true, number: 'GB12' } })
  await expect(wrong).rejects.toMatchObject({ code: 'vat_number_not_sound' })
  await world.worker(async (tx) => {
    const stored = await tx.invitation.findFirstOrThrow({ where: { memberId: member.id } })
    expect(stored.usedAt).toBeNull()
  })
  await accept(token)
})

test('details already known stand: another form in the answer does not replace evidence that is held', async () => {
  const { token } = await inviteSomeone({ form: formOf('sole_trader') })
  const { member } = await accept(token)
  expect(member.organisation).toMatchObject({ legalForm: 'sole_trader', restricted: true })
  expect(member.account.neverBelowZero).toBe(true)
})

test('an organisation is a member of a network once; one that left comes back to its old place', async () => {
  const { member } = await inviteSomeone()
  const organisation = { organisationId: member.organisationId }
  const again = () => world.worker((tx) => createMember(tx, world.clock, { networkId: network.id, organisation }))
  await expect(again()).rejects.toMatchObject({ code: 'member_exists' })
  const ask = { networkId: network.id, memberId: member.id, actor: 'per_x' }
  await world.worker((tx) => cancelInvitation(tx, world.clock, ask))
  expect(await again()).toMatchObject({ id: member.id, accountId: member.accountId, standing: 'invited' })
})

test('prefixes are one of a kind, also for members made at the same moment', async () => {
  const make = () =>
    inTransaction(world.db, asWorker, (tx) =>
      createMember(tx, world.clock, { networkId: network.id, organisation: { name: 'Zest Yoghurt' } }),
    )
  const made: Member[] = await Promise.all([make(), make(), make()])
  expect(made.map((one) => one.invoicePrefix).sort()).toEqual(['ZY', 'ZY2', 'ZY3'])
  const taken = world.worker((tx) =>
    createMember(tx, world.clock, { networkId: network.id, organisation: { name: 'Q' }, invoicePrefix: 'zy2' }),
  )
  await expect(taken).rejects.toMatchObject({ code: 'prefix_taken' })
})

test('a member without evidence is not admitted', async () => {
  const { member } = await inviteSomeone()
  const ask = { networkId: network.id, memberId: member.id, actor: 'per_x' }
  await expect(world.worker((tx) => admit(tx, world.clock, ask))).rejects.toMatchObject({ code: 'evidence_missing' })
})

test('a link to a business that has owners goes to one of them, whoever invites it and wherever', async () => {
  const { member, token, invitation } = await inviteSomeone()
  const elsewhere = await world.network()
  const organisation = { organisationId: member.organisationId }
  const by = { from: convener, publicUrl, seal: world.seal, organisation }
  const early = await world.worker((tx) =>
    invite(tx, world.clock, { ...by, networkId: elsewhere.id, email: 'mallory@example.org' }),
  )
  await accept(token)
  // The link that was open when the owner came opens nothing more, and no new one is made.
  await expect(accept(early.token)).rejects.toMatchObject({ code: 'owner_is_another' })
  const third = await world.network()
  const inviteTo = (email: string) =>
    world.worker((tx) => invite(tx, world.clock, { ...by, networkId: third.id, email }))
  await expect(inviteTo('mallory@example.org')).rejects.toMatchObject({ code: 'owner_is_another' })
  const sent = await inviteTo(invitation.email.toUpperCase())
  await expect(
    world.worker((tx) =>
      resend(tx, world.clock, { ...by, networkId: third.id, memberId: sent.member.id, email: 'mallory@example.org' }),
    ),
  ).rejects.toMatchObject({ code: 'owner_is_another' })
  expect((await accept(sent.token)).person.email).toBe(invitation.email)
  const acting = await world.worker((tx) => tx.actsFor.findMany({ where: { organisationId: member.organisationId } }))
  expect(acting).toHaveLength(1)
})

test('an organisation in two networks has two prefixes: both runs of numbers stand in one book', async () => {
  const other = await world.network()
  const { member } = await inviteSomeone()
  const organisation = { organisationId: member.organisationId }
  const second = await world.worker((tx) => createMember(tx, world.clock, { networkId: other.id, organisation }))
  expect(second.invoicePrefix).not.toBe(member.invoicePrefix)
})
