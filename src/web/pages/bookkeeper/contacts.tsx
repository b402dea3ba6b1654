/** Which contact of the book stands for which business, and the cost account kept for each supplier. */
import { z } from 'zod'
import { openConnectionOf } from '../../../books/connection.ts'
import { keepSupplierAccount } from '../../../books/contact.ts'
import { idText } from '../../../kit/ids.ts'
import { idIn, words } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { Choose } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { Form, formAt, maybe } from '../typed-form.tsx'
import { memberHere, namesOf, worker } from '../whereabouts.ts'
import { bookPage, connectionHere } from './book-frame.tsx'

export function contactPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/contacts', show)
  serve.post('/members/:mem/contacts/account', keep, show)
}

const shape = z.object({ supplier: idIn('organisation'), account: maybe(words(200)) })

async function keep(visit: Visit) {
  const here = await memberHere(visit, 'change_mapping')
  const given = visit.form(shape)
  await worker(visit, async (tx) => {
    const { id } = await connectionHere(tx, here)
    await keepSupplierAccount(tx, visit.deps.clock, {
      connectionId: id,
      counterpartId: given.supplier,
      accountId: given.account ?? null,
      actor: here.actor.id,
    })
  })
  return { goTo: `${pathOf(here)}/contacts`, said: 'Kept: the next bill of this supplier goes there.' }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_book')
  const { connection, kept, names, nameOf } = await worker(visit, async (tx) => {
    const connection = await openConnectionOf(tx, here.member.organisationId)
    const kept = connection
      ? await tx.bookContact.findMany({ where: { connectionId: connection.id }, orderBy: { bookName: 'asc' } })
      : []
    const id = { in: kept.map((one) => one.counterpartId) }
    const organisations = await tx.organisation.findMany({ where: { id }, select: { id: true, name: true } })
    return {
      connection,
      kept,
      names: new Map(organisations.map((one) => [one.id, one.name])),
      nameOf: await namesOf(
        tx,
        kept.map((one) => one.chosenBy),
      ),
    }
  })
  const accounts = (connection?.profile.accounts ?? []).filter(
    (one) => one.active && !one.reserved && one.kind === 'expense',
  )
  const form = formAt(visit, `${pathOf(here)}/contacts/account`)
  return bookPage(visit, here, {
    title: 'Contacts in the book',
    children: (
      <>
        <p>
          A business is found in your book by its company number, else by VAT number and name, else by e-mail and name.
          What is not sure is asked about; a namesake is never written over.
        </p>
        {kept.length === 0 && <p>None is known yet: the first trade with a business brings it here.</p>}
        {kept.map((one) => {
          const name = names.get(one.counterpartId) ?? ''
          const supplier = idText('organisation', one.counterpartId)
          return (
            <article class="card" key={`${supplier} ${one.role}`} aria-labelledby={`${supplier}-${one.role}`}>
              <h2 id={`${supplier}-${one.role}`}>{name}</h2>
              <p>
                As a {one.role}: “{one.bookName}” in the book
                {one.chosenBy ? `, chosen by ${nameOf(one.chosenBy)}` : ''}.
              </p>
              {one.role === 'supplier' && here.mayDo('change_mapping') && (
                <Form form={form} button="Keep" tone="second">
                  <input type="hidden" name="supplier" value={supplier} />
                  <Choose
                    name="account"
                    label={`Bills of ${name} go to`}
                    hint="Left out: where purchases usually go."
                    value={one.accountId}
                    error={visit.typed.supplier === supplier ? form.of('account').error : undefined}
                    choices={accounts.map((account) => ({
                      value: account.id,
                      text: [account.code, account.name].filter(Boolean).join(' '),
                    }))}
                  />
                </Form>
              )}
            </article>
          )
        })}
      </>
    ),
  })
}
