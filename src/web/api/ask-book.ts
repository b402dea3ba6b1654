/** Asks a book for something a person waits for: where the vendor says no, the person is told so in words. */
import { Refusal } from '../../kit/refusal.ts'

export async function askBook<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const cause = causeOf(error)
    if (cause !== null) throw new Refusal('book_does_not_answer', { cause: cause.replaceAll('_', ' ') })
    throw error
  }
}

/** A connector's own error, known by its name: only the rooms below know its class. */
function causeOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'BookError' || !('facts' in error)) return null
  const { facts } = error
  return typeof facts === 'object' && facts !== null && 'cause' in facts ? String(facts.cause) : null
}
