/**
 * Tells the app what changed, in the older shape or as cloud events, signed over the very bytes that are sent.
 *
 * Keeps: what was not answered with a yes within three seconds waits and is sent again.
 */
import { createHmac, randomUUID } from 'node:crypto'
import type { Change } from './company.ts'
import { isDocumentKind } from './document.ts'

export type BellFormat = 'eventNotifications' | 'cloudevents'

interface Bell extends Omit<Change, 'at'> {
  bellId: string
  at: string
}

export interface SendAsk {
  duplicate?: boolean
  outOfOrder?: boolean
  badSignature?: boolean
  drop?: boolean
}

const answerWithinMs = 3000
const gatherMs = 50
const told: readonly string[] = ['Customer', 'Vendor', 'Employee', 'Item', 'Account', 'Preferences']
const pastOf: Record<Change['deed'], string> = {
  Create: 'created',
  Update: 'updated',
  Delete: 'deleted',
  Void: 'voided',
  Merge: 'merged',
}

export class Bells {
  url: string | undefined
  key: string
  format: BellFormat = 'eventNotifications'
  /** Send by itself soon after each change. */
  auto = false
  #waiting: Bell[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(key: string) {
    this.key = key
  }

  add(change: Change): void {
    if (!isDocumentKind(change.kind) && !told.includes(change.kind)) return
    if (this.url === undefined) return
    this.#waiting.push({ ...change, at: change.at.toISOString(), bellId: randomUUID() })
    if (!this.auto || this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.send({})
    }, gatherMs)
    this.#timer.unref()
  }

  waiting(): number {
    return this.#waiting.length
  }

  /** Sends what waits; several companies may stand in one delivery. */
  async send(ask: SendAsk): Promise<{ sent: number; statuses: number[] }> {
    const bells = this.#waiting
    this.#waiting = []
    if (ask.drop || !this.url || bells.length === 0) return { sent: 0, statuses: [] }
    const ordered = ask.outOfOrder ? [...bells].reverse() : bells
    const raw = JSON.stringify(this.format === 'cloudevents' ? asCloudEvents(ordered) : asNotifications(ordered))
    const statuses: number[] = []
    for (let round = 0; round < (ask.duplicate ? 2 : 1); round++)
      statuses.push(await this.#post(raw, ask.badSignature === true))
    if (!statuses.some((status) => status >= 200 && status < 300)) this.#waiting = [...bells, ...this.#waiting]
    return { sent: bells.length, statuses }
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #post(raw: string, badSignature: boolean): Promise<number> {
    const signature = createHmac('sha256', badSignature ? `${this.key}x` : this.key)
      .update(raw)
      .digest('base64')
    try {
      const answer = await fetch(this.url ?? '', {
        method: 'POST',
        headers: {
          'Content-Type': this.format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json',
          'intuit-signature': signature,
        },
        body: raw,
        signal: AbortSignal.timeout(answerWithinMs),
      })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return 0
    }
  }
}

function asNotifications(bells: Bell[]) {
  const companies = [...new Set(bells.map((bell) => bell.companyId))]
  return {
    eventNotifications: companies.map((realmId) => ({
      realmId,
      dataChangeEvent: {
        entities: bells
          .filter((bell) => bell.companyId === realmId)
          .map((bell) => ({ name: bell.kind, id: bell.id, operation: bell.deed, lastUpdated: bell.at })),
      },
    })),
  }
}

function asCloudEvents(bells: Bell[]) {
  return bells.map((bell) => ({
    specversion: '1.0',
    id: bell.bellId,
    source: 'intuit.quickbooks-stand-in',
    type: `qbo.${bell.kind.toLowerCase()}.${pastOf[bell.deed]}.v1`,
    datacontenttype: 'application/json',
    time: bell.at,
    intuitentityid: bell.id,
    intuitaccountid: bell.companyId,
    data: {},
  }))
}
