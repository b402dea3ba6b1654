/** What the pages of one book share: the member's own frame, and beneath it the way between connection, mapping and contacts. */
import type { ComponentChildren } from 'preact'
import { type Connection, openConnectionOf } from '../../../books/connection.ts'
import type { Tx } from '../../../kit/db.ts'
import { Refusal } from '../../../kit/refusal.ts'
import type { AtMember } from '../../api/place.ts'
import type { Visit } from '../../page.ts'
import { Ways } from '../../parts.tsx'
import { memberPage, pathOf } from '../member/member-frame.tsx'
import type { Here } from '../whereabouts.ts'

export function bookPage(
  visit: Visit,
  here: Here<AtMember>,
  told: { title: string; children: ComponentChildren },
): string {
  const base = pathOf(here)
  const ways = [
    { href: `${base}/connection`, text: 'Connection' },
    { href: `${base}/connection/mapping`, text: 'Mapping' },
    { href: `${base}/contacts`, text: 'Contacts' },
    { href: `${base}/approvals`, text: 'Waiting for a yes' },
    { href: '/inbox', text: 'Inbox' },
  ]
  return memberPage(visit, here, {
    title: told.title,
    children: (
      <>
        <Ways label="This book" ways={ways} />
        {told.children}
      </>
    ),
  })
}

/** The connection that has not ended; what needs one is not found without. */
export async function connectionHere(tx: Tx, here: AtMember): Promise<Connection> {
  const connection = await openConnectionOf(tx, here.member.organisationId)
  if (!connection) throw new Refusal('not_found', { thing: 'connection' })
  return connection
}
