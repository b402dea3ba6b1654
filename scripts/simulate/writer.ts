/**
 * A writer: a program of its own that posts transfers and accepts trades through the same code as the service, many at once,
 * and keeps a journal. Killed at any moment, it is started again with the same journal, and first asks again what it asked
 * without hearing.
 *
 * Its setting stands in its first argument, as JSON. SIGTERM: nothing new is asked, and it ends when all is answered.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { asWorker, inTransaction, openDb } from '../../src/kit/db.ts'
import { InvariantError, invariant } from '../../src/kit/invariant.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { postingsOf } from '../../src/ledger/post.ts'
import { memberOf } from '../../src/networks/member.ts'
import { networkOf } from '../../src/networks/network.ts'
import { currentTerms } from '../../src/networks/terms.ts'
import type { Parties } from '../../src/trades/proposal.ts'
import { acceptancesOf } from '../../src/trades/record-trade.ts'
import { acceptanceOf, drawAsk, type Mix, type PartiesOf, postingOf, type Standing } from './asks.ts'
import { diceOf } from './dice.ts'
import { type Ask, type Heard, openJournal, readJournal } from './journal.ts'
import type { Scene } from './scene.ts'

export type WriterSetting = {
  url: string
  scene: Scene
  journal: string
  name: string
  seed: number
  mix: Mix
  callers: number
}

const setting = JSON.parse(process.argv[2] ?? '') as WriterSetting
const { scene, name } = setting
/** A call that is neither answered nor broken off within this is a fault of ours. */
const silentAfterMs = 40_000
const givesUpAfterMs = 120_000
/** Of what was acknowledged, one in so many is asked again, to hear the same. */
const askedTwice = 25

const before = readJournal(setting.journal)
const journal = openJournal(setting.journal)
const db = openDb(setting.url, { connections: 2, writers: 3 })
const postings = postingsOf(db)
const acceptances = acceptancesOf(db)
const dice = diceOf(setting.seed + before.asks.size * 7_919)
const standing: Standing = { holds: [], moved: [] }
let next = Math.max(0, ...before.asks.keys()) + 1
let isEnding = false
process.on('SIGTERM', () => {
  isEnding = true
})
// Nobody is left to count what it does.
process.stdin
  .once('close', () => process.exit(1))
  .resume()
  .unref()

const partiesOf = await readParties()
restoreStanding()
await Promise.all([
  ...before.open.map((ask) => settle(ask, true)),
  ...Array.from({ length: setting.callers }, keepAsking),
])
await Promise.all([postings.idle(), acceptances.idle()])
journal.close()
await db.close()

async function keepAsking(): Promise<void> {
  while (!isEnding) {
    const ask = drawAsk(dice, scene, next, setting.mix, standing)
    next += 1
    journal.write({ asks: ask })
    await settle(ask, false)
  }
}

/** Asks until it is answered: who hears nothing asks again with the same id. */
async function settle(ask: Ask, isAgain: boolean): Promise<void> {
  const began = performance.now()
  let again = isAgain
  for (;;) {
    if (again) journal.write({ asksAgain: ask.n })
    const heard = await hear(ask)
    journal.write(heard)
    if (heard.heard === 'yes') {
      remember(ask)
      if (dice(askedTwice) === 0) await mustHearTheSame(ask, heard)
      return
    }
    if (heard.heard === 'no') return
    if (heard.heard === 'nonsense' || performance.now() - began > givesUpAfterMs) process.exit(1)
    again = true
    await pause(40)
  }
}

async function hear(ask: Ask): Promise<Heard> {
  const { n } = ask
  const silence = new AbortController()
  try {
    const answer = ask.what === 'trade' ? tradeAnswer(ask) : transferAnswer(ask)
    const late = pause(silentAfterMs, null, { signal: silence.signal, ref: false })
    const heard = await Promise.race([answer, late])
    return heard ?? { heard: 'nonsense', n, why: `no answer and no error within ${silentAfterMs} ms` }
  } catch (error) {
    return { heard: isLost(error) ? 'nothing' : 'nonsense', n, why: told(error) }
  } finally {
    silence.abort()
  }
}

async function transferAnswer(ask: Ask): Promise<Heard> {
  const verdict = await postings.add(scene.networkId, postingOf(scene, name, ask))
  if (!verdict.ok) return { heard: 'no', n: ask.n, code: verdict.code }
  const numbers = verdict.transfers.map((one) => one.number)
  return { heard: 'yes', n: ask.n, numbers, invoiceNumber: null, replayed: verdict.replayed }
}

async function tradeAnswer(ask: Ask): Promise<Heard> {
  const verdict = await acceptances.add(scene.networkId, acceptanceOf(scene, name, ask, partiesOf))
  if (!verdict.ok) return { heard: 'no', n: ask.n, code: verdict.code }
  const kept = 'kept' in verdict ? verdict.kept : null
  if (kept && kept.status >= 400) return { heard: 'no', n: ask.n, code: String(kept.body.code) }
  const invoiceNumber = kept
    ? String(kept.body.invoiceNumber)
    : 'invoiceNumber' in verdict
      ? verdict.invoiceNumber
      : null
  return { heard: 'yes', n: ask.n, numbers: [], invoiceNumber, replayed: verdict.replayed }
}

async function mustHearTheSame(ask: Ask, first: Extract<Heard, { heard: 'yes' }>): Promise<void> {
  journal.write({ asksAgain: ask.n })
  const again = await hear(ask)
  if (again.heard === 'nothing') return journal.write(again)
  const isSame =
    again.heard === 'yes' &&
    again.replayed &&
    again.invoiceNumber === first.invoiceNumber &&
    JSON.stringify(again.numbers) === JSON.stringify(first.numbers)
  // A posting of which nothing stands, since all of it could be left out, is judged anew.
  if (isSame) return
  journal.write({ heard: 'nonsense', n: ask.n, why: `asked again it was answered ${JSON.stringify(again)}` })
  process.exit(1)
}

/** Only a lost connection, a full house, or a server that is not there: whatever else the database says is a fault of ours. */
function isLost(error: unknown): boolean {
  if (error instanceof Refusal) return error.code === 'try_again_soon'
  if (error instanceof InvariantError) return false
  const code = (error as { code?: unknown }).code
  return typeof code !== 'string' || !/^(?=.*\d)[0-9A-Z]{5}$/.test(code) || /^(08|53|57)/.test(code)
}

function told(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return `${code ?? 'error'}: ${message}`
}

function remember(ask: Ask): void {
  if (ask.what === 'hold') standing.holds.push(ask)
  if (ask.what === 'transfer') standing.moved.push(ask)
  if (standing.moved.length > 200) standing.moved.shift()
}

/** Holds that an earlier life of this writer made and has not asked to end. */
function restoreStanding(): void {
  const ended = new Set([...before.asks.values()].map((ask) => ask.of))
  for (const n of before.yes.keys()) {
    const ask = before.asks.get(n)
    if (ask && !ended.has(n)) remember(ask)
  }
}

async function readParties(): Promise<PartiesOf> {
  const { networkId, consents } = scene
  const began = performance.now()
  for (;;) {
    try {
      const all = await inTransaction(db, asWorker, async (tx) => {
        const network = await networkOf(tx, networkId)
        const terms = await currentTerms(tx, networkId)
        const found = new Map<string, Parties>()
        for (const { id, sellerMemberId, buyerMemberId } of consents) {
          const seller = await memberOf(tx, networkId, sellerMemberId)
          const buyer = await memberOf(tx, networkId, buyerMemberId)
          found.set(id, { network, terms, seller, buyer })
        }
        return found
      })
      return (consent) => {
        const parties = all.get(consent.id)
        invariant(parties, 'a consent that is not there')
        return parties
      }
    } catch (error) {
      // Started while the database is away.
      if (performance.now() - began > givesUpAfterMs) throw error
      await pause(100)
    }
  }
}
