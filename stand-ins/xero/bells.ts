/**
 * Xero's webhooks: thin events, signed over the raw body, gathered and sent when told to (or soon after, if asked).
 *
 * There are none for payments, bank entries or accounts; whether a payment rings its invoice's bell can be switched.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Ask } from '../kit/control.ts'
import { ControlRefusal } from '../kit/control.ts'
import type { XeroBook } from './book.ts'
import type { Bell } from './endpoint.ts'
import type { World } from './world.ts'

const soonMs = 300
const answerMs = 5000
const mostEvents = 50

export interface Sent {
  status: number | 'no answer'
  signature: string
  body: string
}

export class Bells {
  #waiting: Record<string, unknown>[] = []
  #url: string | undefined
  #key: string
  #soon = false
  #timer: NodeJS.Timeout | undefined
  readonly #world: World
  readonly #base: () => string

  constructor(world: World, base: () => string, key: string | undefined) {
    this.#world = world
    this.#base = base
    this.#key = key ?? 'stand-in-webhook-key'
  }

  add(book: XeroBook, bells: Bell[]): void {
    for (const { category, type, resource, id, about } of bells) {
      this.#waiting.push({
        resourceUrl: `${this.#base()}/api.xro/2.0/${resource}/${id}`,
        resourceId: id,
        tenantId: book.settings.id,
        tenantType: 'ORGANISATION',
        eventCategory: category,
        eventType: type,
        eventDateUtc: this.#world.clock.now().toISOString().slice(0, 23),
        ...(about === undefined ? {} : { data: about }),
      })
    }
    if (this.#soon && this.#url !== undefined && this.#timer === undefined && this.#waiting.length > 0) {
      this.#timer = setTimeout(() => void this.send({}), soonMs)
      this.#timer.unref()
    }
  }

  /** `{url, key, soon}` says where bells go; `{intent:true}` and `{send:true}` send, with what should go wrong. */
  async control(ask: Ask): Promise<unknown> {
    if (typeof ask.url === 'string') this.#url = ask.url
    if (typeof ask.key === 'string') this.#key = ask.key
    if (typeof ask.soon === 'boolean') this.#soon = ask.soon
    if (ask.intent === true) return { sent: await this.#intent() }
    if (ask.send === true) return { sent: await this.send(ask) }
    return { url: this.#url, waiting: this.#waiting.length }
  }

  async send(ask: Ask): Promise<Sent[]> {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    const events = this.#waiting
    this.#waiting = []
    if (ask.drop === true || events.length === 0) return []
    if (ask.outOfOrder === true) events.reverse()
    const sent: Sent[] = []
    for (let start = 0; start < events.length; start += mostEvents) {
      const part = events.slice(start, start + mostEvents)
      const first = this.#world.bellSequence + 1
      this.#world.bellSequence += part.length
      const body = this.#body(part, first, this.#world.bellSequence)
      const times = typeof ask.duplicate === 'number' ? ask.duplicate : ask.duplicate === true ? 2 : 1
      for (let time = 0; time < times; time += 1) sent.push(await this.#post(body, ask.badSignature === true))
    }
    return sent
  }

  close(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
  }

  clear(): void {
    this.#waiting = []
  }

  /** Several empty posts, some wrongly signed on purpose, to see that the receiver tells them apart. */
  async #intent(): Promise<Sent[]> {
    const sent: Sent[] = []
    for (const bad of [false, true, false, true]) sent.push(await this.#post(this.#body([], 0, 0), bad))
    return sent
  }

  #body(events: unknown[], firstEventSequence: number, lastEventSequence: number): string {
    const entropy = randomBytes(12)
      .toString('base64')
      .replace(/[^A-Z]/gi, 'X')
      .toUpperCase()
    return JSON.stringify({ events, firstEventSequence, lastEventSequence, entropy })
  }

  async #post(body: string, wronglySigned: boolean): Promise<Sent> {
    if (this.#url === undefined) throw new ControlRefusal('say first where bells go: {url, key}')
    const key = wronglySigned ? `not ${this.#key}` : this.#key
    const signature = createHmac('sha256', key).update(body).digest('base64')
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'x-xero-signature': signature },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(answerMs),
      })
      return { status: answer.status, signature, body }
    } catch {
      return { status: 'no answer', signature, body }
    }
  }
}
