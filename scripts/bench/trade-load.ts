/**
 * Callers of `POST /v1/trades` and of its batch door. Each has its own connection and key; every trade is asked under a key of
 * its own, and whoever is not told "accepted" ends the run.
 */
import { randomUUID } from 'node:crypto'
import { invariant } from '../../src/kit/invariant.ts'
import { type Caller, openCaller } from './lean-http.ts'
import { type Seller, type TradeSite, tradeDealer } from './trade-site.ts'

export type TradeLoad = {
  /** One trade. */
  single(caller: number): Promise<void>
  /** So many trades of one seller in one call. */
  batch(caller: number, size: number): Promise<void>
  /** Trades that were told yes so far. */
  acknowledged(): number
  end(): void
}
type Told = { state?: unknown }
type BatchVerdict = { key: string; status: number } & Record<string, unknown>

export async function openTradeLoad(port: number, site: TradeSite, callers: number, seed: number): Promise<TradeLoad> {
  const lines = await Promise.all(Array.from({ length: callers }, () => openCaller(port)))
  const deal = tradeDealer(site, seed)
  let yes = 0
  const at = (caller: number): { line: Caller; seller: Seller } => {
    const line = lines[caller]
    const seller = site.sellers[caller % site.sellers.length]
    invariant(line && seller, 'a caller is missing')
    return { line, seller }
  }
  return {
    async single(caller) {
      const { line, seller } = at(caller)
      const headers = { authorization: `Bearer ${seller.secret}`, 'idempotency-key': randomUUID() }
      const { status, text } = await line.post('/v1/trades', headers, JSON.stringify(deal(seller)))
      invariant(status === 201 && isAccepted(JSON.parse(text) as Told), `a trade was answered ${status}: ${text}`)
      yes += 1
    },
    async batch(caller, size) {
      const { line, seller } = at(caller)
      const trades = Array.from({ length: size }, () => ({ key: randomUUID(), ...deal(seller) }))
      const headers = { authorization: `Bearer ${seller.secret}` }
      const { status, text } = await line.post('/v1/trades/batch', headers, JSON.stringify({ trades }))
      invariant(status === 200, `a batch was answered ${status}: ${text.slice(0, 500)}`)
      const { list } = JSON.parse(text) as { list: BatchVerdict[] }
      invariant(list.length === size, `${size} trades were asked, ${list.length} answered`)
      list.forEach((one, place) => {
        const isYes = one.status === 201 && one.key === trades[place]?.key && isAccepted(one.trade as Told)
        invariant(isYes, `a trade of a batch was answered ${JSON.stringify(one)}`)
      })
      yes += size
    },
    acknowledged: () => yes,
    end: () => {
      for (const line of lines) line.end()
    },
  }
}

function isAccepted(told: Told | null | undefined): boolean {
  return told?.state === 'accepted'
}
