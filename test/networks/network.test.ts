import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../src/kit/db.ts'
import { createNetwork, moveNetwork, networksSeen } from '../../src/networks/network.ts'
import { isTemplate, templates } from '../../src/networks/templates.ts'
import { currentTerms, newTerms, soundTerms, type TermsBody, termsOf } from '../../src/networks/terms.ts'
import { formOf, type SetUp, setUp } from './set-up.ts'

let world: SetUp
beforeAll(async () => {
  world = await setUp()
})
afterAll(() => world.end())

test('every template is sound, and a network stands after one step with its own accounts and its convener', async () => {
  for (const name of Object.keys(templates)) {
    expect(isTemplate(name) && soundTerms(templates[name].terms)).toBeTruthy()
    const network = await world.network({}, name)
    await world.worker(async (tx) => {
      const terms = await currentTerms(tx, network.id)
      expect(terms).toMatchObject({ version: 1, vatIn: name === 'uk-all-credits' ? 'credits' : 'money' })
      const kinds = (await tx.account.findMany({ where: { networkId: network.id } })).map((one) => one.kind)
      expect(kinds).toEqual(expect.arrayContaining(['fees', 'settlement', 'sponsor', 'write_off_reserve']))
      const serving = await tx.serves.findMany({ where: { networkId: network.id } })
      expect(serving.map((one) => one.role)).toEqual(['convener'])
    })
  }
})

test('a network copied from another starts with its current terms', async () => {
  const first = await world.network()
  await world.worker(async (tx) => {
    await newTerms(tx, world.clock, { networkId: first.id, change: { proposalLifeDays: 30 }, actor: 'per_x' })
    const organisation = { organisationId: first.organisationId }
    const ask = { slug: 'copied', name: 'Copied', from: { networkId: first.id }, organisation, actor: 'per_x' }
    const copy = await createNetwork(tx, world.clock, ask)
    expect(await currentTerms(tx, copy.id)).toMatchObject({ version: 1, proposalLifeDays: 30 })
    expect(copy).toMatchObject({ currency: 'GBP', timeZone: 'Europe/London' })
  })
})

test('a taken or ill-formed short name and an unknown template are refused', async () => {
  const ask = { slug: 'twice', name: 'Twice', from: { template: 'uk-business' }, actor: 'per_x' }
  const organisation = { name: 'Twice CIC', form: formOf('cic') }
  const make = (change: object) =>
    world.worker((tx) => createNetwork(tx, world.clock, { ...ask, organisation, ...change }))
  await make({})
  await expect(make({})).rejects.toMatchObject({ code: 'slug_taken' })
  await expect(make({ slug: 'No Spaces' })).rejects.toMatchObject({ code: 'slug_taken' })
  await expect(make({ slug: 'third', from: { template: 'none' } })).rejects.toMatchObject({ code: 'template_unknown' })
  await expect(make({ slug: 'third', timeZone: 'Mars/Base' })).rejects.toMatchObject({ code: 'terms_not_sound' })
})

test('new terms are a new version; the old one still reads as it was; nothing changes it', async () => {
  const network = await world.network()
  await world.worker(async (tx) => {
    const before = await termsOf(tx, network.id, 1)
    const fee = { side: 'seller' as const, basisPoints: 150, fixedMinor: '20', mode: 'credits' as const, words: 'Fee' }
    const after = await newTerms(tx, world.clock, { networkId: network.id, change: { fees: [fee] }, actor: 'per_x' })
    expect(after).toMatchObject({ version: 2, fees: [fee], madeBy: 'per_x' })
    expect(await termsOf(tx, network.id, 1)).toEqual(before)
  })
  const change = world.worker(
    (tx) => tx.$executeRaw`update network_terms set words = 'other' where network_id = ${network.id}::uuid`,
  )
  await expect(change).rejects.toThrow()
})

test.each<[string, Partial<TermsBody>]>([
  ['usual credit limit above the highest', { defaultCreditLimitMinor: 3_000_000n }],
  ['usual exposure limit above the highest', { defaultExposureLimitMinor: 6_000_000n }],
  ['limit below zero', { defaultCreditLimitMinor: -1n }],
  ['limit above what the ledger takes', { maxCreditLimitMinor: 10n ** 15n }],
  ['warning line of nothing', { softLimitBasisPoints: 0 }],
  ['share in credits above all', { largestCreditShareBasisPoints: 10_001 }],
  ['half a day of life', { proposalLifeDays: 0.5 }],
  ['periods without a day', { settlementMode: 'periods' }],
  ['a day without periods', { settlementDay: 3 }],
  ['a fee of nothing', { fees: [{ side: 'buyer', basisPoints: 0, fixedMinor: '0', mode: 'money', words: 'x' }] }],
  [
    'a fee of half a penny',
    { fees: [{ side: 'buyer', basisPoints: 0, fixedMinor: '0.5', mode: 'money', words: 'x' }] },
  ],
  ['a fee without words', { fees: [{ side: 'buyer', basisPoints: 1, fixedMinor: '0', mode: 'money', words: ' ' }] }],
])('terms with %s are not sound', (_, change) => {
  expect(() => soundTerms({ ...templates['uk-business'].terms, ...change })).toThrow('terms_not_sound')
})

test('a network is seen only by those in whose scope it stands', async () => {
  const mine = await world.network()
  const other = await world.network()
  const seen = await inTransaction(world.db, { role: 'app', networks: [mine.id], organisations: [] }, networksSeen)
  expect(seen.map((one) => one.id)).toEqual([mine.id])
  expect(seen.map((one) => one.id)).not.toContain(other.id)
})

test('a network is paused and goes on; closed is for good', async () => {
  const network = await world.network()
  const move = (to: 'open' | 'paused' | 'closed', reason = 'holiday') =>
    world.worker((tx) => moveNetwork(tx, world.clock, { networkId: network.id, to, reason, actor: 'per_x' }))
  await expect(move('paused', ' ')).rejects.toMatchObject({ code: 'reason_missing' })
  expect(await move('paused')).toMatchObject({ state: 'paused' })
  expect(await move('open')).toMatchObject({ state: 'open' })
  await move('closed')
  await expect(move('open')).rejects.toMatchObject({ code: 'standing_does_not_allow' })
})
