/**
 * The people around a stand-in: whoever turns its knobs, and the address where its bells arrive.
 *
 * Keeps: a stand-in learns nothing of us but what a vendor would: an address for bells and the key to sign them with.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RawBell } from '../../connectors/port.ts'

export type Desk = {
  knob(fault: {
    knob: string
    match?: { method?: string; path?: string }
    times?: number
    value?: unknown
  }): Promise<void>
  edit(bookId: string, ask: Record<string, unknown>): Promise<Record<string, unknown>>
  ask(method: string, path: string, body?: unknown): Promise<unknown>
  advance(ms: number): Promise<void>
  violations(): Promise<unknown[]>
  /** The first bell that rings for this id, made to ring now. */
  bellFor(id: string): Promise<RawBell>
  close(): Promise<void>
}

export async function openDesk(standInUrl: string, bellKey: string): Promise<Desk> {
  const rung: RawBell[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    rung.push({ body: Buffer.concat(chunks), headers: request.headers as RawBell['headers'] })
    response.writeHead(200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${standInUrl}/control${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} /control${path} says ${answer.status}: ${text}`)
    return text === '' ? null : JSON.parse(text)
  }
  const bellUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bells`
  await ask('POST', '/webhooks', { url: bellUrl, key: bellKey })
  await ask('POST', '/clock', { set: '2026-11-20T09:00:00Z' })

  return {
    ask,
    knob: async (fault) => void (await ask('POST', '/faults', fault)),
    edit: async (bookId, deed) => (await ask('POST', `/organisations/${bookId}/edit`, deed)) as Record<string, unknown>,
    advance: async (advanceMs) => void (await ask('POST', '/clock', { advanceMs })),
    violations: async () => (await ask('GET', '/violations')) as unknown[],
    async bellFor(id) {
      await ask('POST', '/webhooks', { send: true })
      const found = rung.find((one) => Buffer.from(one.body).includes(`"${id}"`))
      if (!found) throw new Error(`none of ${rung.length} bells rang for ${id}`)
      return found
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Minor units as the decimal text that a person types. */
export const decimal = (minor: bigint): string => `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`
