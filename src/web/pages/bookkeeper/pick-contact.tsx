/** Where the contact that was used is gone: another one of the book is chosen, from its own list read now. */
import { z } from 'zod'
import { idText } from '../../../kit/ids.ts'
import { Refusal } from '../../../kit/refusal.ts'
import { chooseContact } from '../../../outbox/move-delivery.ts'
import { askBook } from '../../api/ask-book.ts'
import { contactsOfBook } from '../../api/book-contacts.ts'
import { words } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { Choose, Field } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { Form, formAt } from '../typed-form.tsx'
import { idNamed, memberHere, worker } from '../whereabouts.ts'
import { bookPage } from './book-frame.tsx'
import { deliveryAt } from './deliveries.tsx'

/** Enough to find one; whoever has more types a part of the name. */
const mostShown = 200

export function pickContactPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/deliveries/:dlv/pick-contact', show)
  serve.post('/members/:mem/deliveries/:dlv/pick-contact', pick, show)
}

async function pick(visit: Visit) {
  const here = await memberHere(visit, 'move_delivery')
  const id = idNamed(visit, 'dlv', 'delivery')
  const given = visit.form(z.object({ contact: words(200) }))
  const delivery = await worker(visit, (tx) => deliveryAt(tx, here, id))
  const contacts = await askBook(() => contactsOfBook(visit.deps, here.member.organisationId))
  const chosen = contacts.find((one) => one.id === given.contact)
  if (!chosen) throw new Refusal('not_found', { thing: 'contact in the book' })
  await worker(visit, (tx) => chooseContact(tx, delivery, chosen, { clock: visit.deps.clock, actor: here.actor.id }))
  return { goTo: `${pathOf(here)}/deliveries`, said: `“${chosen.name}” is kept; what waited for it goes now.` }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'move_delivery')
  const id = idNamed(visit, 'dlv', 'delivery')
  const { name } = await worker(visit, async (tx) => {
    const { document } = await deliveryAt(tx, here, id)
    return tx.organisation.findUniqueOrThrow({ where: { id: document.counterpartId }, select: { name: true } })
  })
  const wanted = (visit.query.name ?? '').toLowerCase()
  const contacts = await askBook(() => contactsOfBook(visit.deps, here.member.organisationId))
  const found = contacts.filter((one) => one.name.toLowerCase().includes(wanted))
  found.sort((one, other) => one.name.localeCompare(other.name, 'en'))
  const action = `${pathOf(here)}/deliveries/${idText('delivery', id)}/pick-contact`
  const form = formAt(visit, action)
  return bookPage(visit, here, {
    title: `Which contact is ${name}?`,
    children: (
      <>
        <form method="get" action={action} class="row">
          <Field name="name" label="A part of its name in the book" value={visit.query.name} />
          <button type="submit" class="second">
            Find
          </button>
        </form>
        {found.length > mostShown && (
          <p class="small">
            {found.length} contacts; the first {mostShown} are listed.
          </p>
        )}
        {found.length === 0 ? (
          <p>The book has no active contact of such a name.</p>
        ) : (
          <Form form={form} button="It is this one">
            <Choose
              {...form.of('contact')}
              label="Contact in the book"
              required
              choices={found.slice(0, mostShown).map((one) => ({
                value: one.id,
                text: one.email ? `${one.name} (${one.email})` : one.name,
              }))}
            />
          </Form>
        )}
      </>
    ),
  })
}
