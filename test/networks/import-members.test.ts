import { afterAll, beforeAll, expect, test } from 'vitest'
import { importMembers } from '../../src/networks/import-members.ts'
import { membersOf } from '../../src/networks/member.ts'
import { convener, type SetUp, setUp } from './set-up.ts'

let world: SetUp
beforeAll(async () => {
  world = await setUp()
})
afterAll(() => world.end())

const head =
  'name,email,legal_form,partners,registration_number,statement,statement_on,vat_number,vat_from,address,invoice_prefix,credit_limit,exposure_limit'

async function valley() {
  const network = await world.network()
  const run = (rows: string[], dryRun = false) =>
    importMembers(world, {
      networkId: network.id,
      fileName: 'members.csv',
      text: `${[head, ...rows].join('\n')}\n`,
      dryRun,
      actor: convener.id,
    })
  const members = () => world.worker((tx) => membersOf(tx, network.id, { limit: 100 }))
  return { network, run, members }
}

const oak = 'Oak Ltd,oak@example.org,company,,01111111,,,GB123456789,2020-04-01,"1 Mill Lane, Hebden",OAK,250.00,4000'
const elm = 'Elm & Sons,elm@example.org,partnership,4,,Stated by Elm.,2026-10-01,,,,,,'
const tom = 'Tom Reed,tom@example.org,sole_trader,,,Stated by Tom.,2026-10-01,,,,,,'

test('members are admitted with their form, evidence, VAT status, prefix and limits, and nobody is mailed', async () => {
  const { network, run, members } = await valley()
  expect(await run([oak, elm, tom])).toMatchObject({ rows: 3, done: 3, known: 0, refusals: [], stoppedAtLine: null })
  expect(await members()).toMatchObject([
    {
      standing: 'admitted',
      invoicePrefix: 'OAK',
      organisation: {
        name: 'Oak Ltd',
        address: '1 Mill Lane, Hebden',
        registrationNumber: '01111111',
        vat: { registered: true, number: 'GB123456789', fromOn: '2020-04-01' },
      },
      account: { creditLimitMinor: 25_000n, exposureLimitMinor: 400_000n, neverBelowZero: false },
    },
    { organisation: { name: 'Elm & Sons', partners: 4, restricted: false }, account: { creditLimitMinor: 100_000n } },
    { organisation: { restricted: true }, account: { creditLimitMinor: 0n, neverBelowZero: true } },
  ])
  expect(await world.worker((tx) => tx.mail.count())).toBe(0)
  const runs = await world.worker((tx) => tx.importRun.findMany({ where: { networkId: network.id } }))
  expect(runs).toMatchObject([{ what: 'members', rowsDone: 3, stoppedAtLine: null, ranBy: convener.id }])
  expect(
    await world.worker((tx) => tx.deed.count({ where: { networkId: network.id, what: 'members_imported' } })),
  ).toBe(1)
})

test('twice is once', async () => {
  const { run, members } = await valley()
  await run([oak, elm])
  expect(await run([oak, elm, tom])).toMatchObject({ done: 1, known: 2 })
  expect(await members()).toHaveLength(3)
})

test('a dry run tells every refusal and leaves nothing', async () => {
  const { network, run, members } = await valley()
  const tried = await run([oak, 'x,not an address,company,,01111111,,,,,,,,', elm, elm.replace('elm@', 'other@')], true)
  expect(tried).toMatchObject({ dryRun: true, done: 2, stoppedAtLine: null })
  expect(tried.refusals).toEqual([
    { line: 3, why: '"not an address" is not an e-mail address.' },
    { line: 5, why: expect.stringContaining('with another e-mail address') },
  ])
  expect(await members()).toEqual([])
  expect(await world.worker((tx) => tx.importRun.count({ where: { networkId: network.id } }))).toBe(0)
})

test('a dry run that a deadlock tore apart and that was done again counts each line once', async () => {
  const { network } = await valley()
  let torn = 0
  const tried = await importMembers(world, {
    networkId: network.id,
    fileName: 'members.csv',
    text: `${[head, oak, 'x,not an address,company,,01111111,,,,,,,,', elm].join('\n')}\n`,
    dryRun: true,
    actor: convener.id,
    progress: (done) => {
      if (done < 3 || torn > 0) return
      torn += 1
      throw Object.assign(new Error('torn apart'), { code: 'P2034' })
    },
  })
  expect(torn).toBe(1)
  expect(tried).toMatchObject({ rows: 3, done: 2, known: 0, refusals: [{ line: 3 }] })
})

test('the real run stops before the first refused line, and the mended file goes on from there', async () => {
  const { run, members } = await valley()
  const stopped = await run([oak, elm.replace('partnership,4', 'partnership,'), tom])
  expect(stopped).toMatchObject({ done: 1, stoppedAtLine: 3, refusals: [{ line: 3 }] })
  expect(await members()).toHaveLength(1)
  expect(await run([oak, elm, tom])).toMatchObject({ done: 2, known: 1, refusals: [] })
})

test.each([
  [',a@example.org,company,,01111111,,,,,,,,', 'The name is missing'],
  ['A,a@example.org,guild,,01111111,,,,,,,,', '"guild" is no legal form'],
  ['A,a@example.org,partnership,few,,x,2026-10-01,,,,,,', '"few" is not a number of partners'],
  ['A,a@example.org,company,,12,,,,,,,,', 'company number'],
  ['A,a@example.org,sole_trader,,,Stated.,1 October,,,,,,', '"1 October" is not a day'],
  ['A,a@example.org,sole_trader,,,,2026-10-01,,,,,,', ''],
  ['A,a@example.org,sole_trader,,,Stated.,2026-10-01,,,,,1.00,', ''],
  ['A,a@example.org,company,,01111111,,,,,,,"1,50",', 'decimal point'],
  ['A,a@example.org,company,,01111111,,,,,,,-5,', 'without sign'],
  ['A,a@example.org,company,,01111111,,,,,,,1.005,', 'at most 2 decimals'],
  ['A,a@example.org,company,,01111111,,,,,,,99999999,', 'at most'],
  ['A,a@example.org,company,,01111111,,,,,,!,,', ''],
])('"%s" is refused: %s', async (row, why) => {
  const { run, members } = await valley()
  const made = await run([row])
  expect(made).toMatchObject({ done: 0, stoppedAtLine: 2, refusals: [{ line: 2, why: expect.stringContaining(why) }] })
  expect(await members()).toEqual([])
})
