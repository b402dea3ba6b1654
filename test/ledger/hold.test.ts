import { afterAll, beforeAll, expect, test } from 'vitest'
import { asWorker, type Db, inTransaction } from '../../src/kit/db.ts'
import {
  expireHold,
  expireHolds,
  type Hold,
  holdTransfer,
  openHolds,
  postHold,
  releaseHold,
} from '../../src/ledger/hold.ts'
import { table } from '../support/tables.ts'
import { databaseWithClock, firstInstant, type SmallLedger, smallLedger } from './small-ledger.ts'

let db: Db
let ground: Awaited<ReturnType<typeof databaseWithClock>>
beforeAll(async () => {
  ground = await databaseWithClock()
  db = ground.db
})
afterAll(() => ground.end())

function reserve(ledger: SmallLedger, amountMinor: bigint, expiresAt: Date | null = null, promised = false) {
  const { id, debit, credit, causeKind, causeId } = ledger.transfer('hold', 'bakery', 'mill', amountMinor)
  const hold: Hold = { id, debit, credit, amountMinor, causeKind, causeId }
  const step = (name: string, transfer: Parameters<SmallLedger['posting']>[1][0]) =>
    ledger.post(ledger.posting(name, [transfer]))
  return {
    place: () => step('place', holdTransfer(hold, { expiresAt, promised })),
    post: (part = amountMinor) => step(`post ${part}`, postHold(hold, part)),
    release: () => step('release', releaseHold(hold)),
    expire: () => step('expire', expireHold(hold)),
  }
}

test('a hold writes no entries and counts in both limits', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: { ceilingMinor: 100n }, farm: {} })
  await reserve(ledger, 60n).place()
  expect(await ledger.table()).toBe('no entries')
  await expect(ledger.sale('a', 'bakery', 'farm', 41n)).rejects.toMatchObject({ code: 'credit_limit_exceeded' })
  await expect(ledger.sale('b', 'farm', 'mill', 41n)).rejects.toMatchObject({ code: 'exposure_limit_exceeded' })
  await ledger.sale('c', 'bakery', 'mill', 40n)
  expect(await ledger.read('bakery')).toMatchObject({ heldOutMinor: 60n, heldInMinor: 0n, balanceMinor: -40n })
  expect(await ledger.read('mill')).toMatchObject({ heldOutMinor: 0n, heldInMinor: 60n })
  expect(await ledger.brokenTruths()).toEqual([])
})

test('posting a part moves it and frees all the rest', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const hold = reserve(ledger, 60n)
  await hold.place()
  await expect(hold.post(61n)).rejects.toMatchObject({
    code: 'hold_exceeded',
    facts: { heldMinor: '60', askedMinor: '61' },
  })
  await hold.post(25n)
  expect(await ledger.table()).toBe(table`
    transfer     account  debit  credit  balance
    hold_post 1  bakery   0.25           -0.25
    hold_post 1  mill            0.25     0.25
  `)
  expect(await ledger.read('bakery')).toMatchObject({ heldOutMinor: 0n })
  await expect(hold.release()).rejects.toMatchObject({ code: 'hold_closed' })
  expect(await ledger.brokenTruths()).toEqual([])
})

test('what is held is posted whatever the limits and the freeze have become', async () => {
  const ledger = await smallLedger(db, { bakery: { floorMinor: -100n }, mill: { ceilingMinor: 100n } })
  const hold = reserve(ledger, 100n)
  await hold.place()
  await ledger.setLimits('bakery', { floor_minor: 0, frozen: true })
  await ledger.setLimits('mill', { ceiling_minor: 0 })
  await hold.post()
  expect(await ledger.balance('bakery')).toBe(-100n)
})

test('the legal floor alone may stop it, when the form has changed meanwhile', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const hold = reserve(ledger, 100n)
  await hold.place()
  await ledger.setLimits('bakery', { never_below_zero: true })
  await expect(hold.post()).rejects.toMatchObject({ code: 'legal_floor' })
  await hold.release()
})

test('a restricted account can hold no more than it has', async () => {
  const ledger = await smallLedger(db, { bakery: { neverBelowZero: true }, mill: {} })
  await ledger.sale('start', 'mill', 'bakery', 99n)
  await expect(reserve(ledger, 100n).place()).rejects.toMatchObject({ code: 'legal_floor' })
})

test('a release frees all, once', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: {} })
  const hold = reserve(ledger, 60n)
  await expect(hold.release()).rejects.toMatchObject({ code: 'hold_unknown' })
  await hold.place()
  await hold.release()
  expect(await hold.release()).toMatchObject({ replayed: true })
  await expect(hold.post()).rejects.toMatchObject({ code: 'hold_closed' })
  expect(await ledger.table()).toBe('no entries')
  expect(await ledger.brokenTruths()).toEqual([])
})

test('a hold runs out at its time and not before; a promised one never', async () => {
  const until = new Date('2026-03-02T10:00:00.000Z')
  const plain = await smallLedger(db, { bakery: {}, mill: {} })
  const promised = await smallLedger(db, { bakery: {}, mill: {} })
  await reserve(plain, 60n, until).place()
  await reserve(promised, 60n, until, true).place()
  await expect(reserve(plain, 60n, until).expire()).rejects.toMatchObject({ code: 'hold_not_expired' })
  await ground.setClock(until)
  await reserve(plain, 60n, until).expire()
  await expect(reserve(promised, 60n, until, true).expire()).rejects.toMatchObject({ code: 'hold_not_expired' })
  await ground.setClock(firstInstant)
  const waiting = await inTransaction(db, asWorker, (tx) => openHolds(tx, promised.networkId, 10))
  expect(waiting).toMatchObject([{ amountMinor: 60n, promised: true, expiresAt: until }])
  expect(await inTransaction(db, asWorker, (tx) => openHolds(tx, plain.networkId, 10))).toEqual([])
})

test('held and posted in one call, and refused with its posting it holds nothing', async () => {
  const ledger = await smallLedger(db, { bakery: {}, mill: { floorMinor: 0n } })
  const { id, debit, credit, causeKind, causeId } = ledger.transfer('hold', 'bakery', 'mill', 60n)
  const hold: Hold = { id, debit, credit, amountMinor: 60n, causeKind, causeId }
  const placed = holdTransfer(hold, { expiresAt: null, promised: false })
  const verdicts = await ledger.together([
    ledger.posting('whole', [placed, ledger.transfer('too much', 'mill', 'bakery', 1n)]),
    ledger.posting('hold', [placed]),
    ledger.posting('post', [postHold(hold, 60n)]),
    ledger.posting('release', [releaseHold(hold)]),
  ])
  expect(verdicts.map((verdict) => verdict.ok || verdict.code)).toEqual([
    'credit_limit_exceeded',
    true,
    true,
    'hold_closed',
  ])
  expect(await ledger.read('bakery')).toMatchObject({ balanceMinor: -60n, heldOutMinor: 0n })
  expect(await ledger.brokenTruths()).toEqual([])
})

test('what is due is expired by itself, in every network, and what is promised or open longer is left', async () => {
  const until = new Date('2026-03-02T10:00:00.000Z')
  const later = new Date('2026-03-02T10:00:00.001Z')
  const one = await smallLedger(db, { bakery: {}, mill: {} })
  const two = await smallLedger(db, { bakery: {}, mill: {} })
  const left = await smallLedger(db, { bakery: {}, mill: {} })
  await reserve(one, 60n, until).place()
  await reserve(two, 70n, until).place()
  await reserve(left, 80n, later).place()
  const deps = { db, postings: one.postings }
  expect(await expireHolds(deps)).toBe(0)
  await ground.setClock(until)
  expect(await expireHolds(deps)).toBe(2)
  expect(await expireHolds(deps)).toBe(0)
  expect([await one.read('bakery'), await two.read('bakery')].map((account) => account.heldOutMinor)).toEqual([0n, 0n])
  expect(await left.read('bakery')).toMatchObject({ heldOutMinor: 80n })
  expect(await one.brokenTruths()).toEqual([])
  await ground.setClock(firstInstant)
})
