/** The contacts of a member's book, read now: to choose from when ours could be several. */
import { z } from 'zod'
import { openConnectionOf } from '../../books/connection.ts'
import { withGrant } from '../../books/grants.ts'
import { asWorker, inTransaction } from '../../kit/db.ts'
import type { Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import type { Deps } from '../deps.ts'
import { askBook } from './ask-book.ts'
import { memberParams } from './member-shapes.ts'
import { atMember } from './place.ts'
import { type Route, route } from './route.ts'
import { listOf, words } from './shapes.ts'

/** Enough to find one; whoever has more names a part of it. */
const mostShown = 200

export type ContactOfBook = { id: string; name: string; email: string | null }

export async function contactsOfBook(deps: Deps, organisationId: Uuid): Promise<ContactOfBook[]> {
  const connection = await inTransaction(deps.db, asWorker, (tx) => openConnectionOf(tx, organisationId))
  if (!connection) throw new Refusal('not_found', { thing: 'connection' })
  return askBook(() =>
    withGrant(deps, connection.id, async (grant, connector) => {
      const found: ContactOfBook[] = []
      for await (const page of connector.contacts(grant))
        found.push(
          ...page
            .filter((one) => one.active && one.mergedInto === null)
            .map(({ id, name, email }) => ({ id, name, email })),
        )
      return found
    }),
  )
}

export const bookContactRoutes: Route[] = [
  route({
    params: memberParams,
    find: atMember,
    tag: 'Connection',
    method: 'get',
    path: '/networks/{networkId}/members/{memberId}/connection/contacts',
    summary: 'The active contacts of the book, read now',
    deed: 'see_book',
    query: z.strictObject({ name: words(200).optional().meta({ description: 'A part of the name' }) }),
    answer: listOf(z.object({ contactId: z.string(), name: z.string(), email: z.string().nullable() })),
    answers: async ({ deps, at, query }) => {
      const wanted = query.name?.toLowerCase() ?? ''
      const found = (await contactsOfBook(deps, at.member.organisationId)).filter((one) =>
        one.name.toLowerCase().includes(wanted),
      )
      found.sort((one, other) => one.name.localeCompare(other.name, 'en'))
      return {
        list: found.slice(0, mostShown).map(({ id, name, email }) => ({ contactId: id, name, email })),
        next: null,
      }
    },
  }),
]
