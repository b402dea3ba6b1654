/**
 * Which accounts and VAT codes of the book the trades use: every choice from the book's own lists, prefilled, so that a
 * person mostly looks and says yes.
 *
 * Keeps: what does not fit is told at its field; two people who change it at once do not overwrite each other.
 */

import { z } from 'zod'
import type { MappingFault } from '../../../books/check-mapping.ts'
import type { Connection } from '../../../books/connection.ts'
import {
  addNetwork,
  checkMapping,
  checkMappingsOf,
  type Mapping,
  type MappingDraft,
  type MappingKept,
  makeCreditAccount,
  mappingShape,
  mappingsOf,
  saveMapping,
} from '../../../books/mapping.ts'
import { treatments } from '../../../books/propose-mapping.ts'
import { vendorName } from '../../../books/vendor-name.ts'
import { Refusal } from '../../../kit/refusal.ts'
import { askBook } from '../../api/ask-book.ts'
import type { AtMember } from '../../api/place.ts'
import { Malformed } from '../../errors.ts'
import type { pages, Visit } from '../../page.ts'
import { type Choice, Choose, When } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { treatmentWords } from '../state-words.ts'
import { Form, type FormAt, formAt } from '../typed-form.tsx'
import { type Here, memberHere, worker } from '../whereabouts.ts'
import { bookPage, connectionHere } from './book-frame.tsx'

export function mappingPages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/mapping', async (visit) => ({
    goTo: `${pathOf(await memberHere(visit, 'see_book'))}/connection/mapping`,
  }))
  serve.get('/members/:mem/connection/mapping', show)
  serve.post('/members/:mem/connection/mapping', save, show)
  serve.post('/members/:mem/connection/mapping/account', makeAccount, show)
  serve.post('/members/:mem/connection/mapping/begin', begin, show)
  serve.post('/members/:mem/connection/mapping/check', check, show)
}

type BookProfile = Connection['profile']
type BookAccountKind = BookProfile['accounts'][number]['kind']
type TaxUse = BookProfile['taxCodes'][number]['uses'][number]

/** Asked only when something needs them. */
const laterFields = {
  feeAccountId: { label: 'Network fees go to', kind: 'expense' },
  lossAccountId: { label: 'Losses on mutual credit go to', kind: 'expense' },
  otherIncomeAccountId: { label: 'Other income goes to', kind: 'income' },
  settlementBankAccountId: { label: 'Bank account for settlement days', kind: 'bank' },
  netWagesAccountId: { label: 'Net wages payable', kind: 'current_liability' },
  staffBenefitAccountId: { label: 'Staff benefit', kind: 'expense' },
} as const satisfies Record<string, { label: string; kind: BookAccountKind }>
const laterNames = Object.keys(laterFields) as (keyof typeof laterFields)[]
const uses: readonly TaxUse[] = ['sales', 'purchases']

async function save(visit: Visit) {
  const here = await memberHere(visit, 'change_mapping')
  const { connection, kept } = await held(visit, here)
  if (!kept) throw new Refusal('not_found', { thing: 'mapping' })
  const { version } = visit.form(z.object({ version: z.coerce.number().int().positive() }))
  // Somebody else was quicker: that is said first, before anything of this form is judged.
  if (version !== kept.version) throw new Refusal('mapping_changed', {})
  const mapping = mappingTyped(visit.typed, connection.profile, kept)
  await saveMapping(visit.deps, {
    connectionId: connection.id,
    networkId: here.networkId,
    mapping,
    ifVersion: version,
    actor: here.actor.id,
  })
  return {
    goTo: `${pathOf(here)}/connection`,
    said:
      connection.state === 'mapping' ? 'Your book is live.' : 'The mapping is changed; what waited for it goes now.',
  }
}

/** From the form's fields to a mapping, or every field that is wrong at once. */
function mappingTyped(typed: Record<string, string>, profile: BookProfile, kept: MappingKept): Mapping {
  const chosen = (name: string) => typed[name] || null
  const sold = profile.items.find((one) => one.id === chosen('salesItemId'))
  const credit = profile.accounts.find((one) => one.id === chosen('creditAccountId'))
  const code = (use: TaxUse, treatment: string) => chosen(`vatCodes.${use}.${treatment}`)
  const codes = (use: TaxUse) => Object.fromEntries(treatments.map((one) => [one, code(use, one)]))
  const before: MappingDraft = kept.mapping ?? kept.draft
  const draft = {
    creditAccountId: chosen('creditAccountId') ?? undefined,
    creditAccountKind: credit?.kind === 'current_liability' ? 'current_liability' : 'bank',
    bankScreen: chosen('bankScreen') ?? undefined,
    // Where a sale needs an item, the item says which account earns.
    salesAccountId: (profile.needsItem ? sold?.incomeAccountId : chosen('salesAccountId')) ?? undefined,
    salesItemId: profile.needsItem ? chosen('salesItemId') : null,
    costAccountId: chosen('costAccountId') ?? undefined,
    vatCodes: profile.vat.registered
      ? { sales: codes('sales'), purchases: codes('purchases') }
      : (before.vatCodes ?? { sales: codes('sales'), purchases: codes('purchases') }),
    ...Object.fromEntries(laterNames.map((name) => [name, chosen(name)])),
    feeTaxCodeId: chosen('feeTaxCodeId'),
  }
  const parsed = mappingShape.safeParse(draft)
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => String(issue.path.join('.')))
    throw wrong(fields.map((field) => ({ field: shownAt(field, profile), why: 'Choose one.' })))
  }
  const faults = checkMapping(profile, parsed.data)
  if (faults.length > 0) throw wrong(faults.map((one) => ({ ...one, field: shownAt(one.field, profile) })))
  return parsed.data
}

function shownAt(field: string, profile: BookProfile): string {
  return field === 'salesAccountId' && profile.needsItem ? 'salesItemId' : field
}

function wrong(faults: { field: string; why: string }[]): Malformed {
  const errors = faults.map((one) => ({
    pointer: `/${one.field}`,
    detail: one.why.charAt(0).toUpperCase() + one.why.slice(1) + (one.why.endsWith('.') ? '' : '.'),
  }))
  return new Malformed(
    'mapping_not_sound',
    'The mapping does not fit this book.',
    'Mend the fields below.',
    errors,
    422,
  )
}

async function makeAccount(visit: Visit) {
  const here = await memberHere(visit, 'change_mapping')
  const { kind } = visit.form(z.object({ kind: z.enum(['bank', 'current_liability']) }))
  const { id } = await worker(visit, (tx) => connectionHere(tx, here))
  const { account, made } = await askBook(() =>
    makeCreditAccount(visit.deps, { connectionId: id, networkId: here.networkId, kind, actor: here.actor.id }),
  )
  return {
    goTo: `${pathOf(here)}/connection/mapping`,
    said: made ? `“${account.name}” stands in your book now.` : `“${account.name}” was in your book already.`,
  }
}

/** Another network of the same business is served by the same book. */
async function begin(visit: Visit) {
  const here = await memberHere(visit, 'change_mapping')
  await worker(visit, async (tx) => {
    const { id } = await connectionHere(tx, here)
    await addNetwork(tx, { connectionId: id, networkId: here.networkId })
  })
  return { goTo: `${pathOf(here)}/connection/mapping` }
}

async function check(visit: Visit) {
  const here = await memberHere(visit, 'change_mapping')
  const { id } = await worker(visit, (tx) => connectionHere(tx, here))
  const faults = await askBook(() => checkMappingsOf(visit.deps, id))
  return {
    goTo: `${pathOf(here)}/connection/mapping`,
    said:
      faults.length === 0 ? 'The book’s lists were read anew; everything fits.' : 'The book’s lists were read anew.',
  }
}

async function held(visit: Visit, here: Here<AtMember>): Promise<{ connection: Connection; kept: MappingKept | null }> {
  return worker(visit, async (tx) => {
    const connection = await connectionHere(tx, here)
    const all = await mappingsOf(tx, connection.id)
    return { connection, kept: all.find((one) => one.networkId === here.networkId) ?? null }
  })
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_book')
  const { connection, kept } = await held(visit, here)
  const base = `${pathOf(here)}/connection/mapping`
  const mayChange = here.mayDo('change_mapping')
  const { profile } = connection
  return bookPage(visit, here, {
    title: 'How trades are booked',
    children: kept ? (
      <>
        <p>
          {connection.bookName} in {vendorName(connection.kind)}. Its accounts and codes were last read on{' '}
          <When at={connection.profileReadAt} zone={here.network.timeZone} />.
        </p>
        <Faults faults={(kept.problem ?? []).filter((one) => !one.isNotice)} says="This no longer fits the book:" />
        <Faults
          faults={(kept.problem ?? []).filter((one) => one.isNotice)}
          says="This was renamed in the book; look whether it is still what you meant, then confirm it below:"
        />
        {mayChange && <MakeAccount visit={visit} base={base} kept={kept} connection={connection} />}
        <MappingForm visit={visit} base={base} kept={kept} profile={profile} mayChange={mayChange} />
        {mayChange && (
          <Form form={formAt(visit, `${base}/check`)} button="Read the book’s lists again" tone="second">
            <p class="small">For an account or a code that you have just made or mended there.</p>
          </Form>
        )}
      </>
    ) : (
      <>
        <p>
          {connection.bookName} is connected already, for another network. It can serve {here.network.name} too, with a
          mutual-credit account of its own.
        </p>
        {mayChange && (
          <Form form={formAt(visit, `${base}/begin`)} button={`Use this book for ${here.network.name} too`} />
        )}
      </>
    ),
  })
}

function Faults({ faults, says }: { faults: MappingFault[]; says: string }) {
  if (faults.length === 0) return null
  return (
    <div class="alert" role="alert">
      <p>{says}</p>
      <ul>
        {faults.map((one) => (
          <li key={one.field}>{one.why}</li>
        ))}
      </ul>
    </div>
  )
}

function MakeAccount({
  visit,
  base,
  kept,
  connection,
}: {
  visit: Visit
  base: string
  kept: MappingKept
  connection: Connection
}) {
  const chosen = kept.mapping?.creditAccountId ?? kept.draft.creditAccountId
  const form = formAt(visit, `${base}/account`)
  const fields = (
    <form method="post" action={form.action} class="stack">
      <p>
        It stands for what the network owes you or you owe it, is named “Mutual credit”, and always equals your balance
        here.
      </p>
      <div class="buttons">
        <button type="submit" name="kind" value="bank" class={chosen ? 'second' : undefined}>
          Create the mutual-credit account for me
        </button>
        {connection.kind === 'xero' && (
          <button type="submit" name="kind" value="current_liability" class="second">
            Create it as a current liability
          </button>
        )}
      </div>
    </form>
  )
  return chosen ? (
    <details open={form.refused}>
      <summary>Make another mutual-credit account</summary>
      {fields}
    </details>
  ) : (
    <section class="next" aria-labelledby="make">
      <h2 id="make">First, the mutual-credit account</h2>
      {fields}
    </section>
  )
}

function MappingForm({
  visit,
  base,
  kept,
  profile,
  mayChange,
}: {
  visit: Visit
  base: string
  kept: MappingKept
  profile: BookProfile
  mayChange: boolean
}) {
  const now: MappingDraft = kept.mapping ?? kept.draft
  // Another person's change is shown as it now stands, not what was typed over it.
  const isOutdated =
    visit.trouble !== null && visit.typed.version !== undefined && visit.typed.version !== String(kept.version)
  const form = isOutdated ? { ...formAt(visit, base), of: untyped } : formAt(visit, base)
  const hasWrong = (start: string) => visit.trouble?.errors.some((one) => one.pointer.startsWith(start)) ?? false
  const account = (kinds: BookAccountKind[], value: string | null | undefined) => choicesOf(profile, kinds, value)
  return (
    <form method="post" action={base} class="stack">
      <input type="hidden" name="version" value={kept.version} />
      <Choose
        {...form.of('creditAccountId', now.creditAccountId)}
        label="Mutual-credit account"
        hint="A bank account (not cash), or a current liability that takes payments. Used for nothing else."
        required
        choices={account(['bank', 'current_liability'], now.creditAccountId)}
      />
      <Choose
        {...form.of('bankScreen', now.bankScreen ?? 'reconciled')}
        label="On the bank screen its entries are"
        required
        choices={[
          { value: 'reconciled', text: 'made as reconciled: nothing is left to match' },
          { value: 'left_open', text: 'left open, to be matched with the network’s statement' },
        ]}
      />
      {profile.needsItem ? (
        <Choose
          {...form.of('salesItemId', now.salesItemId ?? '')}
          label="Sales use the item"
          hint="The item says which account earns."
          required
          choices={profile.items
            .filter((one) => one.active || one.id === now.salesItemId)
            .map((one) => ({ value: one.id, text: one.name }))}
        />
      ) : (
        <Choose
          {...form.of('salesAccountId', now.salesAccountId)}
          label="Sales go to"
          required
          choices={account(['income'], now.salesAccountId)}
        />
      )}
      <Choose
        {...form.of('costAccountId', now.costAccountId)}
        label="Purchases go to"
        hint="Unless another account is kept for a supplier: that is chosen on the contacts page."
        required
        choices={account(['expense'], now.costAccountId)}
      />
      {profile.vat.registered && (
        <details open={hasWrong('/vatCodes') || !isWhole(now)}>
          <summary>VAT codes</summary>
          {uses.map((use) => (
            <fieldset key={use}>
              <legend>{use === 'sales' ? 'Sales' : 'Purchases'}</legend>
              {treatments.map((treatment) => (
                <Choose
                  key={treatment}
                  {...form.of(`vatCodes.${use}.${treatment}`, now.vatCodes?.[use][treatment] ?? '')}
                  label={treatmentWords[treatment] ?? treatment}
                  required={treatment === 'standard'}
                  choices={codesOf(profile, use, now.vatCodes?.[use][treatment])}
                />
              ))}
            </fieldset>
          ))}
        </details>
      )}
      <details open={laterNames.some((name) => hasWrong(`/${name}`)) || hasWrong('/feeTaxCodeId')}>
        <summary>Accounts that are needed later</summary>
        {laterNames.map((name) => (
          <Choose
            key={name}
            {...form.of(name, now[name] ?? '')}
            label={laterFields[name].label}
            choices={account([laterFields[name].kind], now[name])}
          />
        ))}
        {profile.vat.registered && (
          <Choose
            {...form.of('feeTaxCodeId', now.feeTaxCodeId ?? '')}
            label="VAT code for fees"
            hint="Only where the network is registered for VAT and invoices its fees with it."
            choices={codesOf(profile, 'purchases', now.feeTaxCodeId)}
          />
        )}
      </details>
      {mayChange && (
        <div class="buttons">
          <button type="submit">{kept.mapping ? 'Change the mapping' : 'Yes, use these'}</button>
        </div>
      )}
    </form>
  )
}

const untyped: FormAt['of'] = (name, otherwise = '') => ({ name, value: otherwise, error: undefined })

function isWhole(draft: MappingDraft): boolean {
  return Boolean(draft.vatCodes?.sales.standard && draft.vatCodes.purchases.standard)
}

/** Only what may be chosen; what is chosen now is listed too, so that a person sees what no longer fits. */
function choicesOf(profile: BookProfile, kinds: BookAccountKind[], now: string | null | undefined): Choice[] {
  return profile.accounts
    .filter(
      (one) =>
        one.id === now ||
        (one.active &&
          !one.reserved &&
          kinds.includes(one.kind) &&
          (one.kind !== 'current_liability' || kinds.length === 1 || one.takesPayments)),
    )
    .map((one) => ({
      value: one.id,
      text: [one.code, one.name].filter(Boolean).join(' ') + (one.active ? '' : ' (archived in the book)'),
    }))
}

function codesOf(profile: BookProfile, use: TaxUse, now: string | null | undefined): Choice[] {
  return profile.taxCodes
    .filter((one) => one.id === now || (one.active && one.uses.includes(use)))
    .map((one) => ({
      value: one.id,
      text: `${one.name}, ${one.rateBasisPoints / 100} %${one.active ? '' : ' (inactive in the book)'}`,
    }))
}
