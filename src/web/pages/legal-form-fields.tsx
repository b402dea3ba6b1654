/** The legal form with what shows it: a number in a public register, or a statement with its day. */
import { z } from 'zod'
import { type LegalForm, legalForms, type ShownForm } from '../../networks/evidence.ts'
import { dayIn } from '../api/shapes.ts'
import { Choose, Field } from '../parts.tsx'
import { formWords } from './join.tsx'
import { type FormAt, maybe, maybeWords } from './typed-form.tsx'

export const legalFormShape = {
  legalForm: maybe(z.enum(legalForms, 'Choose one of the legal forms.')),
  partners: maybe(z.coerce.number('The number of partners is a whole number.').int().min(2).max(1000)),
  registrationNumber: maybeWords(30),
  statement: maybeWords(500),
  statementOn: maybe(dayIn),
}

export function shownForm(given: {
  legalForm?: LegalForm | undefined
  partners?: number | undefined
  registrationNumber?: string | undefined
  statement?: string | undefined
  statementOn?: string | undefined
}): ShownForm | undefined {
  if (!given.legalForm) return undefined
  return {
    legalForm: given.legalForm,
    partners: given.partners ?? null,
    evidence: given.registrationNumber
      ? { kind: 'registration_number', number: given.registrationNumber }
      : { kind: 'statement', text: given.statement ?? '', on: given.statementOn ?? '' },
  }
}

export function LegalFormFields({ form, required = false }: { form: FormAt; required?: boolean }) {
  return (
    <fieldset>
      <legend>Legal form and its evidence</legend>
      <Choose
        {...form.of('legalForm')}
        label="Legal form"
        required={required}
        choices={legalForms.map((one) => ({ value: one, text: formWords[one] }))}
      />
      <Field {...form.of('partners')} label="Number of partners" hint="Partnerships only." inputMode="numeric" />
      <Field
        {...form.of('registrationNumber')}
        label="Number in the public register"
        hint="Companies, LLPs, charities, societies."
      />
      <Field
        {...form.of('statement')}
        label="Or a statement"
        hint="Sole traders, partnerships, associations and public bodies: a sentence that says what it is."
      />
      <Field {...form.of('statementOn')} type="date" label="Day of the statement" />
    </fieldset>
  )
}
