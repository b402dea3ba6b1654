/** Holds listed and released from the command line. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { holdCredits, holdIdFor } from '../../src/fees/hold-credits.ts'
import { idText } from '../../src/kit/ids.ts'
import { networkAccountId } from '../../src/ledger/account.ts'
import { holdOf } from '../../src/ledger/hold.ts'
import { quits } from '../../src/quits.ts'
import { type SetUp, setUp } from '../networks/set-up.ts'

let world: SetUp
beforeAll(async () => {
  world = await setUp()
})
afterAll(() => world.end())

async function ask(args: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const environment = {
    DATABASE_URL: world.db.url,
    QUITS_MASTER_KEY: '07'.repeat(32),
    PUBLIC_URL: 'https://quits.example',
  }
  const exit = await quits(args, { out: (text) => out.push(text), err: (text) => err.push(text), environment })
  return { exit, out: out.join('\n'), err: err.join('\n') }
}

test('open holds are listed with what they are for, and one is released once, with a reason', async () => {
  const network = await world.network()
  const at = ['--network', network.slug]
  expect((await ask(['holds', 'list', ...at])).out).toBe('Nothing is held.')
  const account = (kind: 'fees' | 'sponsor') => networkAccountId(network.id, kind)
  const verdict = await holdCredits(world, {
    networkId: network.id,
    debitAccountId: account('fees'),
    creditAccountId: account('sponsor'),
    amountMinor: 1_250n,
    currency: 'GBP',
    expiresAt: null,
    promised: true,
    reason: 'the summer fair',
    actor: 'quits',
    key: 'one',
  })
  expect(verdict.ok).toBe(true)
  const id = holdIdFor(network.id, 'quits', 'one')
  const text = idText('transfer', id)
  expect((await ask(['holds', 'list', ...at])).out).toMatch(/£12\.50 .*promised +the summer fair/)
  expect(JSON.parse((await ask(['holds', 'list', ...at, '--json'])).out)).toMatchObject([
    {
      id: text,
      amountMinor: '1250',
      currency: 'GBP',
      promised: true,
      expiresAt: null,
      tradeId: null,
      reason: 'the summer fair',
    },
  ])
  expect(await ask(['holds', 'release', text, ...at])).toMatchObject({
    exit: 1,
    err: expect.stringContaining('--reason'),
  })
  expect(await ask(['holds', 'release', 'trf_1', ...at, '--reason', 'x'])).toMatchObject({ exit: 1 })
  expect(await ask(['holds', 'release', idText('transfer', network.id), ...at, '--reason', 'x'])).toMatchObject({
    exit: 2,
  })
  const release = ['holds', 'release', text, ...at, '--reason', 'the fair is off']
  expect(await ask(release)).toMatchObject({ exit: 0, out: '£12.50 released.' })
  expect(await world.worker((tx) => holdOf(tx, network.id, id))).toMatchObject({ state: 'released' })
  expect((await ask(['holds', 'list', ...at])).out).toBe('Nothing is held.')
})
