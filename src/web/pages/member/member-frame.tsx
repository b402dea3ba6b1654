/** What all pages of one member share: the way back, and the way to the others. */
import type { ComponentChildren } from 'preact'
import { idText } from '../../../kit/ids.ts'
import type { AtMember } from '../../api/place.ts'
import { page } from '../../layout.tsx'
import { saidOf, type Visit } from '../../page.ts'
import { Ways } from '../../parts.tsx'
import { Refused } from '../typed-form.tsx'
import type { Here } from '../whereabouts.ts'

export function pathOf(here: Pick<AtMember, 'member'>): string {
  return `/members/${idText('member', here.member.id)}`
}

export function memberPage(
  visit: Visit,
  here: Here<AtMember>,
  told: { title: string; isHome?: boolean; children: ComponentChildren },
): string {
  const base = pathOf(here)
  const { mayDo } = here
  const seesBook = mayDo('see_book')
  const ways = [
    { href: `${base}/trades`, text: 'Trades' },
    { href: `${base}/statement`, text: 'Statement' },
    ...(seesBook
      ? [
          { href: `${base}/connection`, text: 'Book' },
          { href: `${base}/deliveries`, text: 'Deliveries' },
          { href: `${base}/reconciliation`, text: 'Reconciliation' },
        ]
      : []),
    { href: `${base}/people`, text: 'People' },
    { href: `${base}/consents`, text: 'Standing consents' },
    { href: `${base}/limit-ask`, text: 'Limits' },
    { href: `${base}/details`, text: 'Legal form and VAT' },
  ]
  return page({
    deps: visit.deps,
    title: told.title,
    actor: here.actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      ...(told.isHome ? [] : [{ href: base, text: here.member.organisation.name }]),
    ],
    said: saidOf(visit),
    children: (
      <>
        <Ways label="This business" ways={ways} />
        <Refused visit={visit} />
        {told.children}
      </>
    ),
  })
}
