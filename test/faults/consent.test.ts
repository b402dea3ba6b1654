/** Consents that are not what they seem: another organisation, one that is another member's, fewer rights, a state or a code used up. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { actor, type Firm, signIn } from '../../scripts/simulate/town.ts'
import { beginConsent, chooseBook, finishConsent } from '../../src/books/connect.ts'
import { disconnect } from '../../src/books/disconnect.ts'
import { giveConsent as sayYes } from '../../src/demo/visitor.ts'
import { reconcileBook } from '../../src/reconcile/run.ts'
import { type Ground, openGround, type Vendor, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(async () => {
  ground.clearFaults()
  for (const firm of ground.town.firms) {
    const [row] = await ground.query<{ state: string }>('select state from connection where id = $1', [
      firm.connectionId,
    ])
    if (row?.state !== 'live') await signIn(ground.deps, ground.networkId, firm)
  }
  await ground.calm()
})
afterAll(() => ground.end())

const session = { actor, sessionHash: null }
const another = 'per_mallory'
/** The other firm of the town with the same vendor. */
const neighbourOf = (vendor: Vendor): Firm => {
  const found = ground.town.firms.find((one) => one.vendor === vendor && one.name !== ground.firm(vendor).name)
  if (!found) throw new Error('no neighbour')
  return found
}
const begin = (firm: Firm) =>
  beginConsent(ground.deps, {
    ...session,
    ...{ networkId: ground.networkId, organisationId: firm.organisationId, kind: firm.vendor },
  })
/** Says yes on the vendor's page for the organisation of that name, and gives the address it leads back to. */
const answered = async (firm: Firm, name: string) => sayYes((await begin(firm)).url, name)
async function choose(firm: Firm, name: string) {
  const { consentId, offered } = await finishConsent(ground.deps, { url: await answered(firm, name), ...session })
  const book = offered.find((one) => one.bookName === name)
  return chooseBook(ground.deps, { consentId, bookId: book?.bookId ?? '', actor })
}
const stands = (connectionId: string) =>
  ground.query('select c.state, c.book_id, c.book_name, c.organisation_id from connection c where c.id = $1', [
    connectionId,
  ])
/** Everything of a consent that would open a book. */
const tokens = async () => ({
  grants: await ground.query('select connection_id, sealed, previous_sealed from book_grant order by connection_id'),
  waiting: await ground.query(
    'select id from consent where grants_sealed is not null and chosen_at is null order by id',
  ),
})
const refusals = async () =>
  (
    await ground.query<{ facts: { code: string; cause: string | null }; actor: string }>(
      "select facts, actor from deed where what = 'consent_refused' order by id",
    )
  ).map(({ facts, actor: who }) => ({ who, code: facts.code, cause: facts.cause }))

test.each(vendors)(
  'fault 36: xero group 12: quickbooks group 7: a sign-in at %s that chooses another organisation is refused with both names',
  async (vendor) => {
    const firm = ground.firm(vendor)
    const other = neighbourOf(vendor)
    await ground.vendors[vendor].control.revoke({ organisation: firm.bookId, everything: true })
    const trade = await ground.sell(vendor)
    await ground.deliver()
    const before = { stands: await stands(firm.connectionId), grants: (await tokens()).grants }
    await expect(choose(firm, other.name)).rejects.toMatchObject({
      code: 'other_book_chosen',
      facts: { chosen: other.name, connected: firm.name },
    })
    expect({ stands: await stands(firm.connectionId), grants: (await tokens()).grants }).toEqual(before)
    await signIn(ground.deps, ground.networkId, firm)
    await ground.deliver()
    await ground.expectOnce(trade)
  },
)

test.each(vendors)('fault 37: an organisation of %s that is one member’s is refused to another', async (vendor) => {
  const firm = ground.firm(vendor)
  const other = neighbourOf(vendor)
  await disconnect(ground.deps, { connectionId: other.connectionId, actor })
  await signIn(ground.deps, ground.networkId, firm)
  const before = { mine: await stands(firm.connectionId), theirs: await stands(other.connectionId) }
  await expect(choose(other, firm.name)).rejects.toMatchObject({
    code: 'book_of_other_member',
    facts: { book: firm.name },
  })
  expect({ mine: await stands(firm.connectionId), theirs: await stands(other.connectionId) }).toEqual(before)
})

test('fault 39: xero group 15: a consent at Xero that leaves out the reports is named as such; documents go, and only the balance is not read', async () => {
  const firm = ground.firm('xero')
  const reports = ['trialbalance', 'balancesheet', 'banksummary'].map((name) => `accounting.reports.${name}.read`)
  ground.fault('xero', { knob: 'fewerScopes', value: reports })
  await signIn(ground.deps, ground.networkId, firm)
  const lastError = async () =>
    (
      await ground.query<{ it: { cause: string; missing?: string } | null }>(
        'select last_error as it from connection where id = $1',
        [firm.connectionId],
      )
    )[0]?.it
  expect(await lastError()).toMatchObject({ cause: 'scope_missing', missing: reports.join(' ') })
  const trade = await ground.sell('xero')
  await ground.deliver()
  await ground.expectOnce(trade)

  const { networkId } = ground
  const ask = { networkId, organisationId: firm.organisationId, actor }
  const run = await reconcileBook(ground.deps, ask).catch((error: unknown) => error)
  expect(run).toMatchObject({ code: 'book_does_not_answer', facts: { cause: 'scope_missing' } })
  const [row] = await ground.query<{ state: string }>('select state from connection where id = $1', [firm.connectionId])
  expect(row?.state).toBe('live')

  await signIn(ground.deps, networkId, firm)
  expect(await lastError()).toBeNull()
  expect(await reconcileBook(ground.deps, ask)).toMatchObject({ state: 'done', driftMinor: 0n })
})

test('fault 39: xero group 15: what needs a right that was not granted is parked by that name, and goes by itself once it is granted', async () => {
  const firm = ground.firm('xero')
  ground.fault('xero', { knob: 'fewerScopes', value: ['accounting.payments'] })
  await signIn(ground.deps, ground.networkId, firm)
  const trade = await ground.sell('xero')
  await ground.deliver()
  const rows = await ground.deliveries([trade], 'xero')
  expect(rows.find(({ kind }) => kind === 'invoice')).toMatchObject({ state: 'delivered' })
  expect(rows.find(({ kind }) => kind === 'payment')).toMatchObject({ state: 'parked', cause: 'scope_missing' })
  await ground.time.advance(60_000)
  await signIn(ground.deps, ground.networkId, firm)
  await ground.deliver()
  await ground.expectOnce(trade)
})

test('fault 39: a consent at QuickBooks without the books is refused, and nothing is connected by it', async () => {
  const firm = ground.firm('quickbooks')
  const before = (await tokens()).grants
  ground.fault('quickbooks', { knob: 'fewerScopes' })
  await expect(choose(firm, firm.name)).rejects.toMatchObject({ name: 'Refusal' })
  expect((await tokens()).grants).toEqual(before)
})

test.each(vendors)(
  'fault 40: quickbooks group 7: at %s a state that was used, forged or begun by another, and a code sent twice, store no token',
  async (vendor) => {
    const firm = ground.firm(vendor)
    const url = await answered(firm, firm.name)
    const fresh = await answered(firm, firm.name)
    const forged = new URL(fresh)
    forged.searchParams.set('state', 'a-state-that-nobody-gave')
    const finish = (address: string, who = actor) =>
      finishConsent(ground.deps, { url: address, actor: who, sessionHash: null })
    await finish(url)
    const before = await tokens()
    const told = (await refusals()).length
    await expect(finish(url)).rejects.toMatchObject({ code: 'consent_used' })
    await expect(finish(forged.href)).rejects.toMatchObject({ code: 'consent_unknown' })
    await expect(finish(fresh, another)).rejects.toMatchObject({ code: 'consent_unknown' })
    // The first code under a state of its own: only the vendor knows that it is spent.
    const twice = new URL(fresh)
    twice.searchParams.set('code', new URL(url).searchParams.get('code') ?? '')
    await expect(finish(twice.href)).rejects.toMatchObject({ code: 'consent_failed' })
    expect(await tokens()).toEqual(before)
    expect((await refusals()).slice(told)).toEqual([
      { who: actor, code: 'consent_used', cause: null },
      { who: actor, code: 'consent_unknown', cause: null },
      { who: another, code: 'consent_unknown', cause: null },
      { who: actor, code: 'consent_failed', cause: 'consent_refused' },
    ])
  },
)
