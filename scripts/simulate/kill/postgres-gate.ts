/**
 * A gate between the service and its Postgres: it reads what passes, and knows of each commit that writes. Before a commit is let
 * through, and before its answer is, whoever watches is asked; what it cuts off never passes.
 *
 * A unit is what the service sends up to Sync, or one simple query: it is answered by one ReadyForQuery.
 */
import { connect, createServer, type Socket } from 'node:net'
import { type Reading, statementsOf, tagsIn, wholeMessages } from './postgres-messages.ts'

/** Gives false when nothing may pass any more. */
export type Watch = (phase: 'before' | 'after', label: string) => Promise<boolean>
export type PostgresGate = { url: string; cutAll(): void; close(): Promise<void> }

type Unit = { texts: string[]; commitsAs: string | null; tags: string[]; answer: Buffer[] }

export async function openPostgresGate(target: string, watch: Watch): Promise<PostgresGate> {
  const behind = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(behind.port), behind.hostname)
    for (const one of [near, far]) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        near.destroy()
        far.destroy()
      })
    }
    near.setNoDelay(true)
    far.setNoDelay(true)
    guard(near, far, watch)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(typeof address === 'object' ? address?.port : '')
  const cutAll = () => {
    for (const one of sockets) one.destroy()
  }
  return {
    url: url.href,
    cutAll,
    async close() {
      cutAll()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

function guard(near: Socket, far: Socket, watch: Watch): void {
  const units: Unit[] = []
  const reading: Reading = { named: new Map() }
  /** What the open transaction has written so far. */
  let written: string[] = []
  let isOpen = false
  let isGreeted = false

  let asked: Buffer = Buffer.alloc(0)
  const held: Buffer[] = []
  let texts: string[] = []
  const upward = inTurn(async (chunk: Buffer) => {
    asked = Buffer.concat([asked, chunk])
    if (!isGreeted) {
      // Who one is, in plain: no unit begins before the server is ready.
      far.write(asked)
      asked = Buffer.alloc(0)
      return
    }
    const { messages, rest } = wholeMessages(asked)
    asked = rest
    for (const message of messages) {
      held.push(message.bytes)
      texts.push(...statementsOf(message, reading))
      if (message.type === 'X') far.write(Buffer.concat(held.splice(0)))
      if (message.type !== 'S' && message.type !== 'Q') continue
      const unit: Unit = { texts, commitsAs: commitOf(texts, isOpen, written), tags: [], answer: [] }
      if (texts.some((text) => /^\s*begin\b/i.test(text))) isOpen = true
      if (texts.some((text) => /^\s*(commit|rollback)\b/i.test(text))) isOpen = false
      texts = []
      if (unit.commitsAs !== null && !(await watch('before', unit.commitsAs))) return void far.destroy()
      units.push(unit)
      far.write(Buffer.concat(held.splice(0)))
    }
  })
  near.on('data', (chunk) => upward(chunk as Buffer))

  let answered: Buffer = Buffer.alloc(0)
  const downward = inTurn(async (chunk: Buffer) => {
    answered = Buffer.concat([answered, chunk])
    const { messages, rest } = wholeMessages(answered)
    answered = rest
    for (const message of messages) {
      const unit = units[0]
      if (!unit) {
        if (message.type === 'Z') isGreeted = true
        near.write(message.bytes)
        continue
      }
      unit.answer.push(message.bytes)
      unit.tags.push(...tagsIn(message))
      if (message.type !== 'Z') continue
      units.shift()
      const wrote = writtenBy(unit)
      const isCommitted = /^\s*commit\b/i.test(unit.texts[0] ?? '') || message.bytes.at(5) === 0x49
      if (message.bytes.at(5) === 0x49) written = []
      else written.push(...wrote)
      if (unit.commitsAs !== null && isCommitted && !(await watch('after', unit.commitsAs))) return void near.destroy()
      near.write(Buffer.concat(unit.answer))
    }
  })
  far.on('data', (chunk) => downward(chunk as Buffer))
}

/** What this unit commits, in few words; null when it commits nothing that was written. */
function commitOf(texts: string[], isOpen: boolean, written: string[]): string | null {
  if (isOpen) return texts.some((text) => /^\s*commit\b/i.test(text)) && written.length > 0 ? named(written) : null
  if (texts.some((text) => /^\s*(begin|set|listen|deallocate)\b/i.test(text))) return null
  const wrote = texts.flatMap(writesOf)
  return wrote.length > 0 ? named(wrote) : null
}

/** Only what found rows to write: a worker that looks for something to do writes nothing most of the time. */
function writtenBy({ texts, tags }: Unit): string[] {
  const isIdle = tags.length > 0 && tags.every((tag) => / 0$/.test(tag))
  return isIdle ? [] : texts.flatMap(writesOf)
}

export function writesOf(text: string): string[] {
  const call = /\)\s*select (\w+)\([^()]*\) as answer\s+from scope/s.exec(text)?.[1]
  if (call) return /^(key_holder|ground|known|judge)/.test(call) ? [] : [`${call}()`]
  return [
    ...text.matchAll(
      /\b(insert into|update|delete from)\s+(?:"?public"?\.)?"?(\w+)"?(?=\s+(?:\w+\s+)?set\b|\s*\(|\s+where\b|\s+\w+\s+where\b|\s+select\b|\s+using\b)/gi,
    ),
  ].map(([, verb = '', table = '']) => `${verb.toLowerCase().split(' ')[0]} ${table}`)
}

function named(written: string[]): string {
  return [...new Set(written)].join(', ')
}

/** Chunks are worked on one after the other, however long one waits. */
function inTurn(work: (chunk: Buffer) => Promise<void>): (chunk: Buffer) => void {
  let last = Promise.resolve()
  return (chunk) => {
    last = last.then(() => work(chunk)).catch(() => undefined)
  }
}
