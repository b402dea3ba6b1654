/**
 * Sends one group of deliveries: what must be looked at first is looked at, the rest is put, and every outcome is recorded.
 *
 * Keeps: an attempt is committed before its call; an unknown outcome is looked up before anything is put again; every result
 * is written under the lease's fence.
 */
import { type BookConnector, BookError, type Grant, type Verdict } from '../../connectors/port.ts'
import { withGrant } from '../books/grants.ts'
import { begin, bookError, keyOf } from './attempt.ts'
import { checkFirst } from './check-first.ts'
import { deliverContacts } from './deliver-contacts.ts'
import type { Delivery } from './delivery.ts'
import { followMerged } from './follow-merged.ts'
import type { Lease } from './lease.ts'
import { lookUp, triesWithoutWord } from './look-up.ts'
import type { OpenBook } from './open-book.ts'
import type { OutboxDeps } from './outbox-deps.ts'
import { putWithGrant } from './put-with-grant.ts'
import { type After, lostLease, type Outcome, recordOutcome } from './record-outcome.ts'
import { type Wanted, wantedFor } from './translate-delivery.ts'

export async function sendGroup(deps: OutboxDeps, lease: Lease, book: OpenBook, group: Delivery[]): Promise<After> {
  if (group[0]?.kind === 'contact') return record(deps, lease, book, await deliverContacts(deps, lease, book, group))
  const checked = await checkFirst(deps, lease, book, group, await book.around(group))
  if (checked === 'lost') return lostLease
  const wanted = checked.rest.map((delivery) => ({ delivery, wanted: wantedFor(delivery, checked.around) }))
  const outcomes: Outcome[] = [...checked.outcomes]
  for (const one of wanted) {
    if (one.wanted.verb === 'park')
      outcomes.push({ delivery: one.delivery, is: 'parked', cause: one.wanted.cause, facts: one.wanted.facts })
    if (one.wanted.verb === 'nothing')
      outcomes.push({ delivery: one.delivery, is: 'nothing', because: one.wanted.because })
  }
  const rest = wanted.filter((one) => one.wanted.verb !== 'park' && one.wanted.verb !== 'nothing')
  const looking = rest.filter(
    (one) => one.delivery.lookFirst || one.wanted.verb === 'link' || one.wanted.verb === 'measure',
  )
  const found =
    looking.length > 0
      ? await begin(deps, lease, looking, 'look', (begun) => callLook(deps, book, begun))
      : { outcomes: [], goOn: [] }
  if (found === 'lost') return lostLease
  outcomes.push(...found.outcomes)
  const puts = [...rest.filter((one) => !looking.includes(one)), ...found.goOn]
  for (const verb of ['documents', 'payments'] as const) {
    const these = puts.filter((one): one is Sending<typeof verb> => one.wanted.verb === verb)
    if (these.length === 0) continue
    const sent = await begin(deps, lease, these, verb, (begun) => callPut(deps, book, verb, begun))
    if (sent === 'lost') return lostLease
    outcomes.push(...(verb === 'documents' ? await followMerged(deps, lease, book, sent) : sent))
  }
  return record(deps, lease, book, outcomes)
}

export type Sending<V extends Wanted['verb'] = Wanted['verb']> = {
  delivery: Delivery
  wanted: Extract<Wanted, { verb: V }>
}

async function record(deps: OutboxDeps, lease: Lease, book: OpenBook, outcomes: Outcome[] | 'lost'): Promise<After> {
  return outcomes === 'lost' ? lostLease : recordOutcome(deps, lease, outcomes, book.budget.downs ?? 0)
}

async function callLook(
  deps: OutboxDeps,
  book: OpenBook,
  looking: { delivery: Delivery; wanted: Wanted }[],
): Promise<{ outcomes: Outcome[]; goOn: { delivery: Delivery; wanted: Wanted }[] }> {
  try {
    const triedAt = await triesWithoutWord(deps, looking)
    return await withGrant(deps, book.connectionId, (grant, connector) =>
      lookUp(grant, connector, looking, { now: deps.clock.now(), triedAt }),
    )
  } catch (error) {
    return {
      outcomes: looking.map(({ delivery }) => ({
        delivery,
        is: 'error' as const,
        error: bookError(error),
        looked: false,
      })),
      goOn: [],
    }
  }
}

async function callPut(
  deps: OutboxDeps,
  book: OpenBook,
  verb: 'documents' | 'payments',
  sending: Sending<'documents' | 'payments'>[],
): Promise<Outcome[]> {
  let verdicts: (Verdict | undefined)[]
  try {
    verdicts = await putWithGrant(deps, book.connectionId, sending, (grant, connector, these) =>
      put(grant, connector, verb, these),
    )
  } catch (error) {
    const known = bookError(error)
    return sending.map(({ delivery }) => ({ delivery, is: 'error' as const, error: known, looked: delivery.lookFirst }))
  }
  return sending.map(({ delivery }, place): Outcome => {
    const verdict = verdicts[place]
    if (!verdict)
      return {
        delivery,
        is: 'error',
        error: new BookError('unclear', {
          cause: 'no_verdict',
          said: '',
          status: null,
          vendorCode: null,
          callId: null,
        }),
        looked: delivery.lookFirst,
      }
    return verdict.ok
      ? { delivery, is: 'done', receipt: verdict.receipt, found: false }
      : { delivery, is: 'error', error: verdict.error, looked: delivery.lookFirst }
  })
}

async function put(
  grant: Grant,
  connector: BookConnector,
  verb: 'documents' | 'payments',
  sending: Sending<'documents' | 'payments'>[],
): Promise<Verdict[]> {
  if (verb === 'documents')
    return connector.putDocuments(
      grant,
      sending.flatMap((one) =>
        one.wanted.verb === 'documents' ? [{ key: keyOf(one.delivery), thing: one.wanted.thing }] : [],
      ),
    )
  return connector.putPayments(
    grant,
    sending.flatMap((one) =>
      one.wanted.verb === 'payments' ? [{ key: keyOf(one.delivery), thing: one.wanted.thing }] : [],
    ),
  )
}
