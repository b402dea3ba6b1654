/**
 * Several asks in one call, each with its own verdict.
 *
 * Keeps: they are done, and answered, last first: nobody may rely on their order, and none may refer to another.
 */
import { faultsOf } from './check.ts'
import type { Company } from './company.ts'
import type { Body } from './document.ts'
import { isKind } from './document.ts'
import { QuickBooksFault, refuse } from './fault.ts'
import { answerQuery, type QueryView } from './query.ts'
import { write } from './write.ts'

interface Part {
  bId: string
  operation?: string
  optionsData?: string
  Query?: string
  [field: string]: unknown
}

export interface BatchAsk {
  view: QueryView
  /** One write of this call is refused, whatever it says. */
  rejectOne: boolean
  withRequestId: boolean
  onViolation(what: string): void
}

const mostBatchParts = 30

export function answerBatch(company: Company, body: unknown, ask: BatchAsk): Record<string, unknown> {
  const wrong = faultsOf('batch.request', lenient(body)) ?? tooMuch(body, ask.withRequestId)
  if (wrong) {
    ask.onViolation(`batch: ${wrong.message}`)
    throw wrong
  }
  const parts = (body as { BatchItemRequest: Part[] }).BatchItemRequest
  let rejectOne = ask.rejectOne
  const BatchItemResponse = [...parts].reverse().map((part) => {
    try {
      if (part.Query !== undefined) return { bId: part.bId, QueryResponse: answerQuery(company, part.Query, ask.view) }
      if (rejectOne) {
        rejectOne = false
        throw refuse('6000', 'Business Validation Error: this element was refused.')
      }
      const kind = Object.keys(part).find(isKind)
      if (!kind) throw refuse('2020', 'Required parameter entity is missing in the request')
      const options = part.optionsData ?? ''
      const operation = part.operation === 'delete' ? 'delete' : options.includes('void') ? 'void' : 'write'
      const object = part[kind] as Body
      if (part.operation === 'update' && object.Id === undefined)
        throw refuse('2020', 'Required parameter Id is missing in the request', 'Id')
      const written = write(company, kind, object, {
        operation,
        allowDuplicateNumber: options.includes('allowduplicatedocnum'),
        onViolation: ask.onViolation,
      })
      return { bId: part.bId, [kind]: written }
    } catch (error) {
      if (!(error instanceof QuickBooksFault)) throw error
      return { bId: part.bId, Fault: { Error: error.errors, type: error.type } }
    }
  })
  return { BatchItemResponse }
}

/** The envelope alone; each part is checked by its own write, and refused alone. */
function lenient(body: unknown): unknown {
  if (
    typeof body !== 'object' ||
    body === null ||
    !('BatchItemRequest' in body) ||
    !Array.isArray(body.BatchItemRequest)
  )
    return body
  const emptied = body.BatchItemRequest.map((part: unknown) =>
    typeof part === 'object' && part !== null
      ? Object.fromEntries(Object.entries(part).map(([name, value]) => [name, isKind(name) ? {} : value]))
      : part,
  )
  return { ...body, BatchItemRequest: emptied }
}

function tooMuch(body: unknown, withRequestId: boolean): QuickBooksFault | undefined {
  const parts = (body as { BatchItemRequest: Part[] }).BatchItemRequest
  if (parts.length > mostBatchParts)
    return refuse('2010', `A batch has at most ${mostBatchParts} elements`, 'BatchItemRequest')
  if (new Set(parts.map((part) => part.bId)).size !== parts.length)
    return refuse('2030', 'Invalid ID : a bId is used twice', 'bId')
  if (withRequestId && parts.some((part) => part.bId.length > 10))
    return refuse('2130', 'A bId has at most 10 characters when the batch has a requestid', 'bId')
  return undefined
}
