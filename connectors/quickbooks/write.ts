/**
 * Writes: one thing as one call, several in batches, and a verdict for each in the order they came.
 *
 * Keeps: the same ask bears the same requestid, and a batch's follows from its asks, so a repeated call makes nothing twice.
 * Never: takes a batch's silence on one of its things for a yes.
 */
import { createHash } from 'node:crypto'
import { BookError, type Grant, type Receipt, type Verdict } from '../port.ts'
import { type ContactEntity, type DocumentEntity, pathOf } from './entities.ts'
import { faultError, faultsOf, quickbooksError } from './errors.ts'
import { at, type Fields, listAt, textAt } from './json.ts'
import { quickbooksLimits } from './limits.ts'
import { warningsIn } from './translate.ts'
import type { Answer, Wire } from './wire.ts'

type EntityName = DocumentEntity | ContactEntity
export type Write = {
  key: string
  entity: EntityName
  operation: 'create' | 'update' | 'delete'
  /** Beside requestid, where the operation is no plain create. */
  query?: Record<string, string>
  body: Fields
  receipt: (object: unknown, told: { callId: string | null; warnings: string[] }) => Receipt
}
/** Null where something of ours stood in the way before anything was sent. */
export type Prepared = Write | BookError

export async function writeAll(wire: Wire, grant: Grant, prepared: Prepared[]): Promise<Verdict[]> {
  const verdicts = new Map<Prepared, Verdict>()
  const writes: Write[] = []
  for (const one of prepared) {
    if (one instanceof BookError) verdicts.set(one, { ok: false, error: one })
    else writes.push(one)
  }
  const chunks = writes.length === 1 ? [writes] : chunksOf(writes, quickbooksLimits.inOneCall)
  let stopped: BookError | null = null
  for (const chunk of chunks) {
    const outcome: Verdict[] = stopped
      ? chunk.map(() => notSent(stopped))
      : await oneCall(wire, grant, chunk, chunks.length > 1)
    chunk.forEach((write, index) => {
      verdicts.set(write, outcome[index] ?? silence(null))
    })
    const failed = outcome.find((verdict) => !verdict.ok && endsTheCall(verdict.error))
    if (failed && !failed.ok && !stopped) stopped = failed.error
  }
  return prepared.map((one) => verdicts.get(one) ?? silence(null))
}

/** A failure of the whole call is thrown when nothing else was asked; beside other calls it is the verdict of its own things. */
async function oneCall(wire: Wire, grant: Grant, chunk: Write[], hasOthers: boolean): Promise<Verdict[]> {
  try {
    const [only] = chunk
    return chunk.length === 1 && only ? [await alone(wire, grant, only)] : await together(wire, grant, chunk)
  } catch (error) {
    if (!(error instanceof BookError)) throw error
    if (chunk.length > 1 && error.facts.cause === 'address_unknown') return oneByOne(wire, grant, chunk)
    const isOfTheThing = chunk.length === 1 && !endsTheCall(error)
    if (!hasOthers && !isOfTheThing) throw error
    return chunk.map(() => ({ ok: false, error }))
  }
}

/** Behind this door no batch is known, so nothing of it was carried out: each thing goes by itself. */
async function oneByOne(wire: Wire, grant: Grant, chunk: Write[]): Promise<Verdict[]> {
  const outcome: Verdict[] = []
  let stopped: BookError | null = null
  for (const write of chunk) {
    const told: Verdict[] = stopped ? [notSent(stopped)] : await oneCall(wire, grant, [write], true)
    const verdict = told[0] ?? silence(null)
    if (!verdict.ok && !stopped && endsTheCall(verdict.error)) stopped = verdict.error
    outcome.push(verdict)
  }
  return outcome
}

async function alone(wire: Wire, grant: Grant, write: Write): Promise<Verdict> {
  const query = { ...queryOf(write), requestid: write.key }
  const answer = await wire.post(grant, pathOf(write.entity), query, write.body)
  return judged(write, answer.body, answer)
}
function queryOf({ operation, query }: Write): Record<string, string> {
  return operation === 'delete' ? { operation: 'delete' } : (query ?? {})
}

async function together(wire: Wire, grant: Grant, chunk: Write[]): Promise<Verdict[]> {
  const requests = chunk.map((write, index) => ({
    bId: String(index + 1),
    operation: write.operation,
    [write.entity]: write.body,
  }))
  const answer = await wire.post(grant, 'batch', { requestid: keyOfAll(chunk) }, { BatchItemRequest: requests })
  const byId = new Map(listAt(answer.body, 'BatchItemResponse').map((one) => [textAt(one, 'bId'), one]))
  return chunk.map((write, index) => {
    const told = byId.get(String(index + 1))
    if (told === undefined) return silence(answer.callId)
    const faults = faultsOf(told)
    if (faults.length === 0) return judged(write, told, answer)
    return { ok: false, error: faultError(faults, { status: 400, callId: answer.callId, writes: true }) }
  })
}

function judged(write: Write, body: unknown, answer: Answer): Verdict {
  const object = at(body, write.entity)
  if (textAt(object, 'Id') === null) return silence(answer.callId)
  return { ok: true, receipt: write.receipt(object, { callId: answer.callId, warnings: warningsIn(body) }) }
}

/** At most 36 characters, and the same for the same asks in the same order. */
function keyOfAll(chunk: Write[]): string {
  const text = chunk.map((write) => write.key).join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function silence(callId: string | null): Verdict {
  return {
    ok: false,
    error: quickbooksError('unclear', 'no_word_of_it', 'The answer does not speak of this one.', { callId }),
  }
}
/** What stopped an earlier call stops the later ones too; of these nothing left, so there is nothing to look for. */
function notSent(error: BookError | null): Verdict {
  const kind = error?.kind === 'unclear' || !error ? 'unavailable' : error.kind
  return { ok: false, error: new BookError(kind, { ...(error?.facts ?? quickbooksError(kind, 'not_sent', '').facts) }) }
}
function endsTheCall(error: BookError): boolean {
  return (
    ['throttled', 'unavailable', 'unclear', 'unauthorized'].includes(error.kind) &&
    error.facts.cause !== 'no_word_of_it'
  )
}

function chunksOf<T>(all: T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start < all.length; start += size) chunks.push(all.slice(start, start + size))
  return chunks
}
