/** A list walked page by page to its end, by the cursors it gives in body and header. */
import { expect } from 'vitest'
import type { Client } from './app.ts'

export async function walk(speak: Client, path: string, limit: number): Promise<{ ids: string[]; sizes: number[] }> {
  const ids: string[] = []
  const sizes: number[] = []
  let after: string | null = null
  for (let page = 0; page < 50; page += 1) {
    const query = `limit=${limit}${after ? `&after=${encodeURIComponent(after)}` : ''}`
    const answer = await speak(`GET ${path}${path.includes('?') ? '&' : '?'}${query}`)
    expect(answer.status, answer.text).toBe(200)
    ids.push(
      ...answer.body.list.map(
        (row: { id?: string; version?: string; memberId?: string }) => row.id ?? row.version ?? row.memberId,
      ),
    )
    sizes.push(answer.body.list.length)
    const link = answer.headers.get('link')
    if (answer.body.next === null) {
      expect(link).toBeNull()
      return { ids, sizes }
    }
    expect(link).toContain('rel="next"')
    expect(new URL(link?.match(/<([^>]+)>/)?.[1] ?? '').searchParams.get('after')).toBe(answer.body.next)
    after = answer.body.next
  }
  throw new Error('the pages never end')
}
