/** A program that speaks to /v1 with a key, as one of a member or a convener would. */
import { randomUUID } from 'node:crypto'

export type Money = { amount: string; currency: string }

export class Program {
  readonly #base: string
  readonly #key: string

  constructor(base: string, key: string) {
    this.#base = base
    this.#key = key
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#ask('GET', path)).body as T
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return (await this.#ask('POST', path, body, { 'Idempotency-Key': randomUUID() })).body as T
  }

  /** Reads, changes, and writes what nobody else has changed meanwhile. */
  async change<T>(path: string, change: (read: T) => unknown): Promise<T> {
    const read = await this.#ask('GET', path)
    const etag = read.etag ? { 'If-Match': read.etag } : {}
    return (await this.#ask('PUT', path, change(read.body as T), etag)).body as T
  }

  /** Every page of a list. */
  async all<T>(path: string): Promise<T[]> {
    const found: T[] = []
    let after: string | null = ''
    while (after !== null) {
      const query: string = `${path.includes('?') ? '&' : '?'}limit=200${after ? `&after=${encodeURIComponent(after)}` : ''}`
      const page: { list: T[]; next: string | null } = await this.get(`${path}${query}`)
      found.push(...page.list)
      after = page.next
    }
    return found
  }

  async #ask(
    method: string,
    path: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<{ body: unknown; etag: string | null }> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#key}`, ...more }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    const answer = await fetch(`${this.#base}/v1${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 600)}`)
    return { body: text === '' ? null : JSON.parse(text), etag: answer.headers.get('etag') }
  }
}
