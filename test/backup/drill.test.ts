/**
 * The restore drill: trades before a backup, between it and the loss, and after the restore, in two books of real vendors’
 * manners. Nothing is doubled, what is there is taken over, what we forgot is listed, no number is given twice.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { quits } from '../../src/quits.ts'
import { sweepBook } from '../../src/reconcile/sweep.ts'
import { masterKey, type StandInGround, standInGround, type Vendor } from './stand-in-ground.ts'

const vendors: Vendor[] = ['xero', 'quickbooks']

async function ask(made: StandInGround, url: string, args: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const environment = made.environment(url)
  const exit = await quits([...args, '--json'], {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    environment,
  })
  return { exit, json: JSON.parse(out.join('\n')), err: err.join('\n') }
}

async function holds(made: StandInGround): Promise<Record<Vendor, string[]>> {
  const kinds = async (vendor: Vendor) =>
    (await made.documents(vendor)).map(({ kind, reference }) => `${kind} ${reference}`).sort()
  return { xero: await kinds('xero'), quickbooks: await kinds('quickbooks') }
}

/** Lost after: one trade that the backup has delivered, one that it has waiting, one that it has never heard of. */
async function lostAfterBackup() {
  const folder = mkdtempSync(join(tmpdir(), 'quits-drill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const made = await standInGround()
  const file = join(folder, 'nightly.backup')
  const first = await made.sell(10_000n)
  await made.deliver()
  const second = await made.sell(2_500n)
  const told = await ask(made, made.deps.db.url, ['backup', '--out', file])
  expect(told).toMatchObject({ exit: 0 })
  const third = await made.sell(700n)
  await made.deliver()
  return { made, file, numbers: [first, second, third], before: await holds(made) }
}

async function restored(made: StandInGround, file: string): Promise<string> {
  const url = await made.database()
  const told = await ask(made, url, ['restore', '--paused', file])
  expect(told).toMatchObject({ exit: 0, json: { pausedConnections: 2, members: 2 } })
  made.moveTo(url)
  return url
}

async function resumeAll(made: StandInGround) {
  await made.deps.db.pool.query("update connection set state = 'live' where state = 'paused'")
  await made.deliver()
}

test('fault 55: restore drill: an older backup doubles nothing, takes over what the books hold, and lists what we forgot', async () => {
  const { made, file, numbers, before } = await lostAfterBackup()
  expect(before.xero.map((one) => one.split(' ')[0])).toEqual([
    'invoice',
    'invoice',
    'invoice',
    'payment',
    'payment',
    'payment',
  ])
  expect(before.quickbooks.map((one) => one.split(' ')[0])).toEqual([
    'bill',
    'bill',
    'bill',
    'payment',
    'payment',
    'payment',
  ])
  await restored(made, file)

  for (const vendor of vendors) {
    const swept = await sweepBook(made.deps, { organisationId: made.members[vendor].organisationId, whole: false })
    expect(swept.mode).toBe('whole')
    const paper = vendor === 'xero' ? 'invoice' : 'bill'
    expect(swept.adopted.map(({ document }) => [document.kind, document.totalMinor])).toEqual([
      [paper, 2_500n],
      ['payment', 2_500n],
    ])
    const foreign = swept.found.map(({ what, line: { document } }) => [
      what,
      document?.kind,
      document?.totalMinor,
      document?.datedOn,
    ])
    expect(foreign.sort()).toEqual([
      ['foreign', paper, 700n, '2026-11-20'],
      ['foreign', 'payment', 700n, '2026-11-20'],
    ])
    const named = swept.found.find(({ line }) => line.document?.kind === paper)?.line.document
    expect(named?.number).toBe(numbers[2])
    expect(named?.contactName).toBe(vendor === 'xero' ? 'Corner Bakery Ltd' : 'Green Door Joinery Ltd')
  }
  await resumeAll(made)
  expect(await holds(made)).toEqual(before)

  // A new trade has a number of the new series, and its own documents alone.
  const fourth = await made.sell(900n)
  await made.deliver()
  expect(fourth).toBe(`${made.members.xero.invoicePrefix}B00001`)
  expect(numbers).not.toContain(fourth)
  const after = await holds(made)
  expect(vendors.map((vendor) => after[vendor].length - before[vendor].length)).toEqual([2, 2])
  for (const vendor of vendors) expect(new Set(after[vendor]).size).toBe(after[vendor].length)
}, 240_000)

test('fault 55: restore drill without a sweep: whatever was waiting is looked for before it is put, and nothing is doubled', async () => {
  const { made, file, before } = await lostAfterBackup()
  await restored(made, file)
  await resumeAll(made)
  expect(await holds(made)).toEqual(before)
}, 240_000)

test('fault 55: restore drill told by the command line: sweep lists marker, number, contact, amount and day; the same backup twice opens another series', async () => {
  const { made, file, numbers, before } = await lostAfterBackup()
  const url = await restored(made, file)
  const swept = await ask(made, url, ['sweep'])
  expect(swept.exit).toBe(2)
  const seller = swept.json.find((one: { name: string }) => one.name === 'Green Door Joinery Ltd')
  expect(seller).toMatchObject({ mode: 'whole', refused: null, newSeries: false })
  expect(seller.found.find((one: { kind: string }) => one.kind === 'invoice')).toMatchObject({
    ...{ what: 'foreign', discrepancy: 'missing_in_ledger', network: 'calder-valley', number: numbers[2] },
    ...{ contact: 'Corner Bakery Ltd', amountMinor: '700', currency: 'GBP', datedOn: '2026-11-20' },
    reference: expect.stringMatching(/^[0-9A-Z]{10}-SI$/),
  })
  await resumeAll(made)
  expect(await made.sell(100n)).toBe(`${made.members.xero.invoicePrefix}B00001`)
  await made.deliver()

  // Lost once more, and the same file read back once more: its series would be that one again.
  const again = await restored(made, file)
  const second = await ask(made, again, ['sweep'])
  expect(second.json.find((one: { name: string }) => one.name === 'Green Door Joinery Ltd').newSeries).toBe(true)
  await resumeAll(made)
  expect(await made.sell(100n)).toBe(`${made.members.xero.invoicePrefix}C00001`)
  await made.deliver()
  const after = await holds(made)
  for (const vendor of vendors) expect(after[vendor].length - before[vendor].length).toBe(4)
}, 240_000)

test('a key that is another’s opens no book: the command says which one is wanted', async () => {
  const { made, file } = await lostAfterBackup()
  const url = await made.database()
  const environment = {
    ...made.environment(url),
    QUITS_MASTER_KEY: Buffer.from(masterKey).reverse().fill(1).toString('hex'),
  }
  const err: string[] = []
  const exit = await quits(['restore', '--paused', file], {
    out: () => undefined,
    err: (text) => err.push(text),
    environment,
  })
  expect(exit).toBe(2)
  expect(err.join('\n')).toMatch(/needs the master key [0-9a-f]{8}/)
  expect(await quits(['restore', file], { out: () => undefined, err: () => undefined, environment })).toBe(1)
}, 120_000)
