/** One ask at the service's door, with a key of its own for each deed. */
import { randomUUID } from 'node:crypto'
import { idText } from '../../../src/kit/ids.ts'
import type { KillScene } from './scene.ts'

export type Answered = { status: number; headers: Headers; body: Record<string, unknown> }
type Asked = {
  key: string
  method: string
  path: string
  body?: unknown
  idempotencyKey?: string
  headers?: Record<string, string>
}

export async function ask(scene: KillScene, asked: Asked): Promise<Answered> {
  const { key, method, path, body, idempotencyKey = randomUUID(), headers = {} } = asked
  const isText = typeof body === 'string'
  const answer = await fetch(`${scene.service.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(method === 'POST' ? { 'idempotency-key': idempotencyKey } : {}),
      ...(body === undefined ? {} : { 'content-type': isText ? 'text/csv' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answered['body'] }
}

export const networkText = (scene: KillScene) => idText('network', scene.books.networkId)
