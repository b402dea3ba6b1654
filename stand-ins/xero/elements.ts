/**
 * Writing a list: each element stands on its own with summarizeErrors=false, all stand or fall together without it.
 *
 * Keeps: a refused element leaves nothing behind, its bells included; that a refused call leaves nothing is the
 * endpoint's care (api.ts), which rolls the book back whole.
 */
import { Invalid, validationRefused } from './answers.ts'
import type { Call } from './endpoint.ts'

export type Element = Record<string, unknown>

/** A body is one element, a list, or an object with the plural. */
export function elementsOf(body: unknown, plural: string): Element[] {
  if (Array.isArray(body)) return body as Element[]
  if (typeof body !== 'object' || body === null) return []
  const list = (body as Element)[plural]
  if (Array.isArray(list)) return list as Element[]
  return [body as Element]
}

export function writeElements(
  call: Call,
  plural: string,
  write: (element: Element) => Record<string, unknown>,
): Record<string, unknown> {
  const elements = elementsOf(call.body, plural)
  const eachAlone = call.query.summarizeErrors?.toLowerCase() === 'false'
  const refuse = call.fault('rejectOne')
  const refusedAt = refuse === undefined ? -1 : typeof refuse.value === 'number' ? refuse.value : 0

  const failed: Element[] = []
  const results = elements.map((element, position) => {
    const mark = call.book.mark()
    const bells = call.bells.length
    try {
      if (position === refusedAt) throw new Invalid('This element was refused by the stand-in.')
      const written = write(element)
      return eachAlone ? { ...written, StatusAttributeString: 'OK' } : written
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      call.book.rollBack(mark)
      call.bells.length = bells
      const echo = {
        ...element,
        HasErrors: true,
        StatusAttributeString: 'ERROR',
        ValidationErrors: error.messages.map((Message) => ({ Message })),
      }
      failed.push(echo)
      return echo
    }
  })

  if (failed.length > 0 && !eachAlone) {
    throw validationRefused(failed.map(({ HasErrors, StatusAttributeString, ...echo }) => echo))
  }
  return { [plural]: results }
}

/** For endpoints that take one thing: an invalid one is a refused call. */
export function writeOne<T>(call: Call, echo: Element, write: () => T): T {
  const mark = call.book.mark()
  try {
    return write()
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    call.book.rollBack(mark)
    call.bells.length = 0
    throw validationRefused([{ ...echo, ValidationErrors: error.messages.map((Message) => ({ Message })) }])
  }
}
