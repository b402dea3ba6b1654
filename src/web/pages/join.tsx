/** Behind the invitation link: who invites, to what, what is asked; the business shows its legal form and joins. */
import { z } from 'zod'
import { asWorker, inTransaction } from '../../kit/db.ts'
import { idText } from '../../kit/ids.ts'
import { type LegalForm, legalForms } from '../../networks/evidence.ts'
import { acceptInvitation, openInvitation } from '../../networks/invite.ts'
import { openSession } from '../../networks/sign-in.ts'
import { currentTerms } from '../../networks/terms.ts'
import { dayIn as dayShape, words } from '../api/shapes.ts'
import { page } from '../layout.tsx'
import type { pages, Visit } from '../page.ts'
import { Amount, Choose, Field, Trouble, When } from '../parts.tsx'
import { giveSession } from '../session.ts'

export function joinPages(serve: ReturnType<typeof pages>): void {
  serve.get('/join/:token', show)
  serve.post('/join/:token', join, show)
}

export const formWords: Record<LegalForm, string> = {
  company: 'Limited company',
  llp: 'Limited liability partnership',
  cic: 'Community interest company',
  cio: 'Charitable incorporated organisation',
  registered_society: 'Registered society (co-operative, community benefit)',
  public_body: 'Public body',
  partnership: 'Partnership',
  sole_trader: 'Sole trader',
  unincorporated_association: 'Unincorporated association',
}

const blank = z.literal('').transform(() => undefined)
const shape = z.object({
  personName: words(100),
  name: words(200),
  legalForm: z.enum(legalForms).optional(),
  partners: z.union([blank, z.coerce.number().int().min(2).max(1000)]).optional(),
  registrationNumber: z.union([blank, words(30)]).optional(),
  statement: z.union([blank, words(500)]).optional(),
  statementOn: z.union([blank, dayShape]).optional(),
  address: z.union([blank, words(500)]).optional(),
  vatRegistered: z.enum(['yes', 'no']),
  vatNumber: z.union([blank, words(20)]).optional(),
  vatFromOn: z.union([blank, dayShape]).optional(),
  vatScheme: z.enum(['accrual', 'cash', 'flat_rate', 'unknown']).default('unknown'),
  termsVersion: z.coerce.number().int().positive(),
  agree: z.literal('yes', 'Please say that you agree to the terms.'),
})

async function join(visit: Visit) {
  const given = visit.form(shape)
  const joined = await inTransaction(visit.deps.db, asWorker, async (tx) => {
    const { member, person } = await acceptInvitation(tx, visit.deps.clock, visit.params.token ?? '', {
      name: given.name,
      personName: given.personName,
      termsVersion: given.termsVersion,
      address: given.address ?? null,
      ...(given.legalForm
        ? {
            form: {
              legalForm: given.legalForm,
              partners: given.partners ?? null,
              evidence: given.registrationNumber
                ? { kind: 'registration_number' as const, number: given.registrationNumber }
                : { kind: 'statement' as const, text: given.statement ?? '', on: given.statementOn ?? '' },
            },
          }
        : {}),
      vat: {
        registered: given.vatRegistered === 'yes',
        number: given.vatNumber ?? null,
        fromOn: given.vatFromOn ?? null,
        scheme: given.vatScheme,
      },
    })
    // The link came by mail, so the mail box is proven and its owner is signed in.
    return { member, session: await openSession(tx, person.id, visit.ask.get('user-agent') ?? null) }
  })
  giveSession(visit.deps, visit.answer, joined.session)
  return {
    goTo: `/members/${idText('member', joined.member.id)}`,
    said: 'Welcome. Next, connect your accounting software.',
  }
}

async function show(visit: Visit): Promise<string> {
  const { invitation, member, network, terms } = await inTransaction(visit.deps.db, asWorker, async (tx) => {
    const opened = await openInvitation(tx, visit.params.token ?? '')
    return { ...opened, terms: await currentTerms(tx, opened.network.id) }
  })
  const typed = visit.typed
  const known = member.organisation.evidence !== null
  return page({
    deps: visit.deps,
    title: `Join ${network.name}`,
    actor: null,
    children: (
      <>
        <Trouble visit={visit} />
        <p>
          {network.name} invites {member.organisation.name} ({invitation.email}). This link is yours alone, works once,
          and ends on <When at={invitation.expiresAt} zone={network.timeZone} />.
        </p>
        <section class="card" aria-labelledby="terms">
          <h2 id="terms">What you agree to (terms, version {terms.version})</h2>
          <p>{terms.words}</p>
          <dl class="facts">
            <dt>Usual credit limit</dt>
            <dd>
              <Amount minor={terms.defaultCreditLimitMinor} unit={network} />
            </dd>
            <dt>VAT is paid</dt>
            <dd>{terms.vatIn === 'money' ? 'in money' : 'in credits'}</dd>
            <dt>Fees</dt>
            <dd>{terms.fees.length === 0 ? 'none' : terms.fees.map((fee) => fee.words).join('; ')}</dd>
          </dl>
          <p class="small">
            Later, only if you connect your accounting software, Quits will ask it for these rights: to read its
            settings, accounts and tax codes; to create contacts, invoices, bills, payments and money entries of your
            trades; to read them back. It never changes or deletes what you made.
          </p>
        </section>
        <form method="post" action={`/join/${visit.params.token ?? ''}`} class="stack">
          <input type="hidden" name="termsVersion" value={terms.version} />
          <Field name="personName" label="Your name" value={typed.personName} required autocomplete="name" />
          <Field
            name="name"
            label="Name of the business"
            value={typed.name ?? member.organisation.name}
            required
            autocomplete="organization"
          />
          <Field
            name="address"
            label="Address, as on your invoices"
            value={typed.address ?? member.organisation.address ?? ''}
          />
          {known ? (
            <p>
              Legal form: {formWords[member.organisation.legalForm]}, {member.organisation.evidence?.text}
            </p>
          ) : (
            <fieldset>
              <legend>Legal form</legend>
              <Choose
                name="legalForm"
                label="The business is a"
                value={typed.legalForm}
                required
                choices={legalForms.map((form) => ({ value: form, text: formWords[form] }))}
              />
              <Field
                name="partners"
                label="Number of partners"
                hint="Partnerships only."
                value={typed.partners}
                inputMode="numeric"
              />
              <Field
                name="registrationNumber"
                label="Number in the public register"
                hint="Company, LLP, charity or society number."
                value={typed.registrationNumber}
              />
              <Field
                name="statement"
                label="Or a statement"
                hint="Sole traders, partnerships, associations: say in a sentence what you are."
                value={typed.statement}
              />
              <Field name="statementOn" type="date" label="Day of the statement" value={typed.statementOn} />
              <p class="hint">
                Sole traders, partnerships of fewer than four and unincorporated associations stay in credit: they buy
                with what they have earned.
              </p>
            </fieldset>
          )}
          <fieldset>
            <legend>VAT</legend>
            <Choose
              name="vatRegistered"
              label="Registered for VAT"
              value={typed.vatRegistered ?? (member.organisation.vat.registered ? 'yes' : 'no')}
              required
              choices={[
                { value: 'no', text: 'No' },
                { value: 'yes', text: 'Yes' },
              ]}
            />
            <Field
              name="vatNumber"
              label="VAT number"
              value={typed.vatNumber ?? member.organisation.vat.number ?? ''}
            />
            <Field name="vatFromOn" type="date" label="Registered from" value={typed.vatFromOn} />
            <Choose
              name="vatScheme"
              label="Scheme"
              required
              value={typed.vatScheme ?? 'unknown'}
              choices={[
                { value: 'unknown', text: 'I am not sure' },
                { value: 'accrual', text: 'Standard (invoice) accounting' },
                { value: 'cash', text: 'Cash accounting' },
                { value: 'flat_rate', text: 'Flat rate' },
              ]}
            />
          </fieldset>
          <label class="check">
            <input type="checkbox" name="agree" value="yes" required />{' '}
            <span>We agree to the terms of {network.name}.</span>
          </label>
          <div class="buttons">
            <button type="submit">Join</button>
          </div>
        </form>
      </>
    ),
  })
}
