/** The outbox as the web uses it: for what a person asks of a book at once (a reconciliation, a contact). */
import type { OutboxDeps } from '../../outbox/outbox-deps.ts'
import type { Deps } from '../deps.ts'

/** The house's own name and dice are taken where it brings them. */
export function outboxDeps(deps: Deps): OutboxDeps {
  return { worker: 'web', dice: Math.random, ...deps }
}
