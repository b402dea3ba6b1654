/**
 * Counts every call of a connector: by vendor, verb and how it ended, and how long it took. Changes nothing of what is said.
 */
import { type BookConnector, BookError } from '../../connectors/port.ts'
import type { Metrics } from '../kit/metrics.ts'

type Verb = (...asked: unknown[]) => unknown

export function watchConnector<C extends BookConnector>(connector: C, metrics: Metrics): C {
  const watched = new Map<string | symbol, Verb>()
  return new Proxy(connector, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function' || typeof name !== 'string') return verb
      const known = watched.get(name) ?? watch(metrics, connector.kind, name, verb.bind(target) as Verb)
      watched.set(name, known)
      return known
    },
  })
}

function watch(metrics: Metrics, vendor: string, verb: string, run: Verb): Verb {
  function end(startedAt: number, outcome: string): void {
    metrics.vendorCalls.inc({ vendor, verb, outcome })
    metrics.vendorSeconds.observe({ vendor, verb }, (performance.now() - startedAt) / 1000)
    if (verb === 'refresh') metrics.refreshes.inc({ vendor, outcome })
  }
  async function answered(startedAt: number, answer: Promise<unknown>): Promise<unknown> {
    try {
      const said = await answer
      end(startedAt, 'ok')
      for (const one of Array.isArray(said) ? said : []) {
        const outcome = verdictOf(one)
        if (outcome) metrics.vendorThings.inc({ vendor, verb, outcome })
      }
      return said
    } catch (error) {
      end(startedAt, outcomeOf(error))
      throw error
    }
  }
  /** Whoever has read enough may leave early: that is no failure. */
  async function* read(startedAt: number, pages: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    let outcome = 'ok'
    try {
      yield* pages
    } catch (error) {
      outcome = outcomeOf(error)
      throw error
    } finally {
      end(startedAt, outcome)
    }
  }
  return (...asked) => {
    const startedAt = performance.now()
    const answer = run(...asked)
    if (answer instanceof Promise) return answered(startedAt, answer)
    if (typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer)
      return read(startedAt, answer as AsyncIterable<unknown>)
    return answer
  }
}

function outcomeOf(error: unknown): string {
  return error instanceof BookError ? error.kind : 'failed'
}

/** Of what is put, each thing has its own. */
function verdictOf(one: unknown): string | null {
  if (typeof one !== 'object' || one === null || !('ok' in one)) return null
  return one.ok === true ? 'ok' : outcomeOf('error' in one ? one.error : null)
}
