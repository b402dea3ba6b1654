/** Everything promised to a book: where each stands, why it waits, and the one button that mends it. */
import { z } from 'zod'
import type { Tx } from '../../../kit/db.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { Refusal } from '../../../kit/refusal.ts'
import { recordDeed } from '../../../networks/record-deed.ts'
import { type Delivery, type DeliveryState, deliveryFrom } from '../../../outbox/delivery.ts'
import { dropDelivery, undoDrop } from '../../../outbox/drop-delivery.ts'
import {
  askAnew,
  candidatesOf,
  chooseContact,
  deliveryOf,
  linkBill,
  redateDelivery,
  retryDelivery,
  takeNextNumber,
} from '../../../outbox/move-delivery.ts'
import { retryAll } from '../../../outbox/retry-all.ts'
import { wordsFor } from '../../../outbox/words.ts'
import type { AtMember } from '../../api/place.ts'
import { cursorOf, dayIn, instantFrom, at as instantText, keyOf, words } from '../../api/shapes.ts'
import type { pages, Shown, Visit } from '../../page.ts'
import { dayWords, Ways } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { bookAround, wordsOfDelivery } from '../member/own-side.ts'
import { maybe, reasonShape } from '../typed-form.tsx'
import { type Here, idNamed, memberHere, see, worker } from '../whereabouts.ts'
import { bookPage } from './book-frame.tsx'
import { type Attempt, DeliveryCard } from './delivery-card.tsx'
import { PausedNote, pausesOver } from './paused-note.tsx'

export function deliveryPages(serve: ReturnType<typeof pages>): void {
  const path = '/members/:mem/deliveries'
  serve.get(path, show)
  serve.post(`${path}/retry`, retryKind, show)
  for (const [name, deed] of Object.entries(moves))
    serve.post(`${path}/:dlv/${name}`, (visit) => move(visit, name, deed), show)
}

/** What is said of a deed, and whether it was this one that did it: done already, it is not told twice in the trail. */
type Done = { says: string; isChanged?: boolean; reason?: string }
type Move = (tx: Tx, visit: Visit, here: Here<AtMember>, delivery: Delivery) => Promise<Done>

const moves: Record<string, Move> = {
  async retry(tx, _visit, _here, delivery) {
    const isChanged = await retryDelivery(tx, delivery)
    return { says: isChanged ? 'It is tried again now.' : 'It waits to go already.', isChanged }
  },
  async anew(tx, _visit, _here, delivery) {
    await askAnew(tx, delivery)
    return { says: 'It is made anew now.' }
  },
  async link(tx, _visit, _here, delivery) {
    return { says: `The bill ${await linkBill(tx, delivery)} is used as it is, and paid.` }
  },
  async drop(tx, visit, _here, delivery) {
    const { reason } = visit.form(z.object({ reason: reasonShape }))
    const isChanged = await dropDelivery(tx, delivery, reason, visit.deps.clock.now())
    return { says: 'Dropped: nothing more is sent for it. It can be taken back.', isChanged, reason }
  },
  async undo(tx, _visit, _here, delivery) {
    const isChanged = await undoDrop(tx, delivery)
    return { says: 'Taken back: it waits again, and is looked for in the book before it is sent.', isChanged }
  },
  async redate(tx, visit, _here, delivery) {
    const { to } = visit.form(z.object({ to: maybe(dayIn) }))
    const day = await redateDelivery(tx, delivery, to ?? null)
    return { says: `It goes with the day ${dayWords(day)}; the true day stands in its text.` }
  },
  async 'next-number'(tx, _visit, _here, delivery) {
    return { says: `It goes with the number ${await takeNextNumber(tx, delivery)}.` }
  },
  async contact(tx, visit, here, delivery) {
    const { contact } = visit.form(z.object({ contact: words(200) }))
    const chosen = candidatesOf(delivery).find((one) => one.id === contact)
    if (!chosen) throw new Refusal('not_found', { thing: 'contact among those offered' })
    await chooseContact(tx, delivery, chosen, { clock: visit.deps.clock, actor: here.actor.id })
    return { says: `“${chosen.name}” is kept; what waited for it goes now.` }
  },
}

async function move(visit: Visit, name: string, deed: Move): Promise<Shown> {
  const here = await memberHere(visit, 'move_delivery')
  const id = idNamed(visit, 'dlv', 'delivery')
  const said = await worker(visit, async (tx) => {
    const delivery = await deliveryAt(tx, here, id)
    const { says, isChanged = true, reason } = await deed(tx, visit, here, delivery)
    const { reference, parkedCause: cause } = delivery
    if (isChanged)
      await recordDeed(tx, visit.deps.clock, {
        networkId: here.networkId,
        organisationId: here.member.organisationId,
        actor: here.actor.id,
        what: `delivery_${name.replace('-', '_')}`,
        facts: { delivery: idText('delivery', delivery.id), reference, cause, ...(reason ? { reason } : {}) },
      })
    return says
  })
  return { goTo: `${pathOf(here)}/deliveries`, said }
}

/** Another member's delivery looks like none. */
export async function deliveryAt(tx: Tx, here: AtMember, id: Uuid): Promise<Delivery> {
  const delivery = await deliveryOf(tx, { networkId: here.networkId, id })
  if (delivery.organisationId !== here.member.organisationId) throw new Refusal('not_found', { thing: 'delivery' })
  return delivery
}

async function retryKind(visit: Visit) {
  const here = await memberHere(visit, 'move_delivery')
  const { cause } = visit.form(z.object({ cause: words(100) }))
  const places = [{ networkId: here.networkId, organisationId: here.member.organisationId }]
  const retried = await retryAll(visit.deps, { places, cause, actor: here.actor.id })
  return { goTo: `${pathOf(here)}/deliveries`, said: `${retried === 1 ? 'One is' : `${retried} are`} tried again now.` }
}

const filters: { value: DeliveryState | ''; text: string }[] = [
  { value: '', text: 'All' },
  { value: 'parked', text: 'Needs you' },
  { value: 'waiting', text: 'Waiting' },
  { value: 'delivered', text: 'In the book' },
  { value: 'dropped', text: 'Dropped' },
  { value: 'undone', text: 'Undone' },
]
const aPage = 50
const mostParked = 200

async function read(
  tx: Tx,
  here: Here<AtMember>,
  { state, cause, after }: { state: DeliveryState | null; cause: string | undefined; after: string | undefined },
) {
  const place = { networkId: here.networkId, organisationId: here.member.organisationId }
  const key = keyOf(after)
  const before = key && { at: instantFrom(key.at), id: key.id }
  // What needs a person comes first, the oldest at the top.
  const parked =
    before || (state !== null && state !== 'parked')
      ? []
      : await tx.delivery.findMany({
          where: { ...place, state: 'parked', ...(cause ? { parkedCause: cause } : {}) },
          orderBy: [{ promisedAt: 'asc' }, { id: 'asc' }],
          take: mostParked,
        })
  const rest =
    state === 'parked'
      ? []
      : await tx.delivery.findMany({
          where: {
            ...place,
            ...(state === null
              ? { state: { not: 'parked' } }
              : state === 'waiting'
                ? { state: { in: ['waiting', 'sending'] } }
                : { state }),
            ...(before
              ? { OR: [{ promisedAt: { lt: before.at } }, { promisedAt: before.at, id: { lt: before.id } }] }
              : {}),
          },
          orderBy: [{ promisedAt: 'desc' }, { id: 'desc' }],
          take: aPage + 1,
        })
  const shown = [...parked, ...rest.slice(0, aPage)].map(deliveryFrom)
  const attempts = await tx.attempt.findMany({
    where: { networkId: here.networkId, deliveryId: { in: shown.map((one) => one.id) } },
    orderBy: { number: 'asc' },
  })
  const approvals = await tx.approval.findMany({
    where: { ...place, tradeId: { in: shown.flatMap((one) => one.tradeId ?? []) } },
  })
  const causes = await tx.delivery.groupBy({ by: ['parkedCause'], where: { ...place, state: 'parked' }, _count: true })
  const names = await tx.organisation.findMany({
    where: { id: { in: [...new Set(shown.map((one) => one.document.counterpartId))] } },
    select: { id: true, name: true },
  })
  const last = rest.length > aPage ? shown.at(-1) : undefined
  return {
    shown,
    attempts: attempts as Attempt[],
    approved: new Set(approvals.map((one) => one.tradeId)),
    causes: causes.flatMap((one) => (one.parkedCause ? [{ cause: one.parkedCause, count: one._count }] : [])),
    names: new Map(names.map((one) => [one.id, one.name])),
    book: await bookAround(tx, here.networkId, here.member.organisationId),
    next: last ? cursorOf({ at: instantText(last.promisedAt), id: last.id }) : null,
  }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_book')
  const state = filters.find((one) => one.value !== '' && one.value === visit.query.state)?.value || null
  const cause = state === 'parked' && visit.query.cause ? visit.query.cause : undefined
  const facts = await see(visit, (tx) => read(tx, here, { state, cause, after: visit.query.after }))
  const { pauses, nameOf } = await worker(visit, (tx) => pausesOver(tx, here))
  const base = `${pathOf(here)}/deliveries`
  const mayMove = here.mayDo('move_delivery')
  const repeated = facts.causes.filter((one) => one.count > 1)
  return bookPage(visit, here, {
    title: 'What goes to the book',
    children: (
      <>
        <Ways
          label="States"
          ways={filters.map(({ value, text }) => ({
            href: value === '' ? base : `${base}?state=${value}`,
            text,
            isHere: value === (state ?? ''),
          }))}
        />
        <PausedNote here={here} pauses={pauses} nameOf={nameOf} />
        {mayMove &&
          repeated.map(({ cause, count }) => (
            <form method="post" action={`${base}/retry`} class="card" key={cause}>
              <p>
                {count} wait for the same cause: {wordsFor(cause).says}
              </p>
              <input type="hidden" name="cause" value={cause} />
              <button type="submit" class="second">
                Try all {count} again
              </button>
            </form>
          ))}
        {cause && (
          <p>
            Those with one cause: {wordsFor(cause).says} <a href={`${base}?state=parked`}>All that need you</a>
          </p>
        )}
        {facts.shown.length === 0 && <p>{state === 'parked' ? 'Nothing needs you.' : 'There is nothing here.'}</p>}
        {facts.shown.map((delivery) => (
          <DeliveryCard
            key={delivery.id}
            visit={visit}
            here={here}
            delivery={delivery}
            counterpart={facts.names.get(delivery.document.counterpartId) ?? ''}
            told={wordsOfDelivery(
              delivery,
              facts.book,
              delivery.tradeId !== null && facts.approved.has(delivery.tradeId),
            )}
            attempts={facts.attempts.filter((one) => one.deliveryId === delivery.id)}
            mayMove={mayMove}
          />
        ))}
        {facts.next && (
          <p>
            <a href={`${base}?${state ? `state=${state}&` : ''}after=${facts.next}`}>Older ones</a>
          </p>
        )}
      </>
    ),
  })
}
