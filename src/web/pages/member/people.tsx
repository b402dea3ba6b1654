/** Who acts for a business, in which role. Owners name and remove them; there is always one owner. */
import { z } from 'zod'
import { idText } from '../../../kit/ids.ts'
import { nameRole, removeRole, rolesOfOrganisation } from '../../../networks/person.ts'
import { type MemberRole, memberRoles } from '../../../networks/roles.ts'
import { email, idIn } from '../../api/shapes.ts'
import type { pages, Visit } from '../../page.ts'
import { Choose, Field, When } from '../../parts.tsx'
import { Form, formAt, maybeWords } from '../typed-form.tsx'
import { memberHere, worker } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'

const roleWords: Record<MemberRole, string> = {
  owner: 'Owner: everything, and names the others',
  staff: 'Staff: proposes and answers trades',
  bookkeeper: 'Bookkeeper: connects the book and sees to its documents',
}

export function peoplePages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/people', show)
  serve.post('/members/:mem/people', name, show)
  serve.post('/members/:mem/people/removed', remove, show)
}

async function name(visit: Visit) {
  const here = await memberHere(visit, 'name_member_role')
  const given = visit.form(z.object({ email, name: maybeWords(100), role: z.enum(memberRoles) }))
  await worker(visit, (tx) =>
    nameRole(tx, visit.deps.clock, {
      organisationId: here.member.organisationId,
      role: given.role,
      email: given.email,
      name: given.name ?? null,
      actor: here.actor.id,
    }),
  )
  return { goTo: `${pathOf(here)}/people`, said: `${given.email} is named ${given.role}, and can sign in.` }
}

async function remove(visit: Visit) {
  const here = await memberHere(visit, 'name_member_role')
  const given = visit.form(z.object({ person: idIn('person'), role: z.enum(memberRoles) }))
  await worker(visit, (tx) =>
    removeRole(tx, visit.deps.clock, {
      organisationId: here.member.organisationId,
      role: given.role,
      personId: given.person,
      actor: here.actor.id,
    }),
  )
  return { goTo: `${pathOf(here)}/people`, said: 'Removed.' }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_member')
  const people = await worker(visit, (tx) => rolesOfOrganisation(tx, here.member.organisationId))
  const path = `${pathOf(here)}/people`
  const form = formAt(visit, path)
  const mayName = here.mayDo('name_member_role')
  return memberPage(visit, here, {
    title: 'People',
    children: (
      <>
        {people.length === 0 && <p>Nobody acts for this business yet.</p>}
        {people.map((one) => (
          <div class="card" key={one.person.id}>
            <p>
              <strong>{one.person.name ?? one.person.email}</strong> {one.person.name && one.person.email}
            </p>
            <p>
              {roleWords[one.role]}, since <When at={one.sinceAt} zone={here.network.timeZone} />
            </p>
            {mayName && (
              <form method="post" action={`${path}/removed`}>
                <input type="hidden" name="person" value={idText('person', one.person.id)} />
                <input type="hidden" name="role" value={one.role} />
                <button type="submit" class="danger" aria-label={`Remove ${one.person.name ?? one.person.email}`}>
                  Remove
                </button>
              </form>
            )}
          </div>
        ))}
        {mayName && (
          <section aria-labelledby="name">
            <h2 id="name">Name somebody</h2>
            <Form form={form} button="Name them">
              <Field {...form.of('email')} type="email" label="E-mail address" required />
              <Field {...form.of('name')} label="Name" />
              <Choose
                {...form.of('role')}
                label="Role"
                hint="A person has one role here; another one replaces it."
                required
                choices={memberRoles.map((role) => ({ value: role, text: roleWords[role] }))}
              />
            </Form>
          </section>
        )}
      </>
    ),
  })
}
