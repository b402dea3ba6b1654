/**
 * One legal person, known once in an installation: its form, its VAT status, its lane.
 *
 * Keeps: every organisation has the lane its book is served on. Until a form is shown, the strictest one stands.
 * Creating runs as the worker (lanes are its own); reading runs as anybody.
 */
import { type Clock, type Day, dateOf, dayOf } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { newId, type Uuid } from '../kit/ids.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import { isRestricted, type LegalForm, type ShownForm, shown, vatNumberOf } from './evidence.ts'
import { recordDeed } from './record-deed.ts'

export { isRestricted, type LegalForm } from './evidence.ts'

export type VatScheme = 'accrual' | 'cash' | 'flat_rate' | 'unknown'
export type Vat = {
  registered: boolean
  number: string | null
  fromOn: Day | null
  scheme: VatScheme | null
  confirmedAt: Date | null
}
export type Organisation = {
  id: Uuid
  name: string
  legalForm: LegalForm
  partners: number | null
  registrationNumber: string | null
  evidence: { kind: 'registration_number' | 'statement'; text: string; on: Day } | null
  /** A changed form waits for the convener's look since then. */
  reviewDueAt: Date | null
  restricted: boolean
  email: string | null
  address: string | null
  country: string
  vat: Vat
}

export type NewOrganisation = {
  name: string
  /** Left out: not known yet; the strictest form stands until it is shown. */
  form?: ShownForm | undefined
  vat?: { registered: boolean; number?: string | null; fromOn?: Day | null; scheme?: VatScheme | null } | undefined
  email?: string | null | undefined
  address?: string | null | undefined
  country?: string | undefined
}

export async function createOrganisation(tx: Tx, clock: Clock, ask: NewOrganisation): Promise<Organisation> {
  const at = clock.now()
  const id = newId(at)
  const country = ask.country ?? 'GB'
  await tx.organisation.create({
    data: {
      id,
      name: ask.name.trim(),
      ...formColumns(ask.form, country, dayOf(at)),
      ...vatColumns(ask.vat, country),
      email: ask.email ?? null,
      address: ask.address ?? null,
      country,
      createdAt: at,
    },
  })
  await tx.$executeRaw`insert into lane (id, kind, due_at) values (${id}::uuid, 'book', quits_now())`
  return organisationOf(tx, id)
}

/** What a new organisation itself says of its name, form, VAT and address, once, when it applies. */
export async function recordDetails(tx: Tx, clock: Clock, id: Uuid, ask: NewOrganisation): Promise<Organisation> {
  const held = await organisationOf(tx, id)
  const country = ask.country ?? held.country
  await tx.organisation.update({
    where: { id },
    data: {
      name: ask.name.trim(),
      ...(ask.form ? formColumns(ask.form, country, dayOf(clock.now())) : {}),
      ...(ask.vat ? vatColumns(ask.vat, country) : {}),
      email: ask.email ?? held.email,
      address: ask.address ?? held.address,
      country,
    },
  })
  return organisationOf(tx, id)
}

export async function organisationOf(tx: Tx, id: Uuid): Promise<Organisation> {
  const row = await tx.organisation.findUnique({ where: { id } })
  if (!row) throw new Refusal('not_found', { thing: 'organisation' })
  return organisationFrom(row)
}

/** `confirmedBy` is the person who said yes to it; null while only the book says so. */
export async function recordVat(
  tx: Tx,
  clock: Clock,
  ask: {
    organisationId: Uuid
    registered: boolean
    number?: string | null
    fromOn?: Day | null
    scheme?: VatScheme | null
    confirmedBy: Uuid | null
    actor: string
  },
): Promise<Organisation> {
  const held = await organisationOf(tx, ask.organisationId)
  await tx.organisation.update({
    where: { id: held.id },
    data: {
      ...vatColumns(ask, held.country),
      vatConfirmedAt: ask.confirmedBy ? clock.now() : null,
      vatConfirmedBy: ask.confirmedBy,
    },
  })
  const organisation = await organisationOf(tx, held.id)
  const facts = { registered: ask.registered, number: organisation.vat.number, fromOn: organisation.vat.fromOn }
  await recordDeed(tx, clock, { organisationId: held.id, actor: ask.actor, what: 'vat_recorded', facts })
  return organisation
}

function formColumns(form: ShownForm | undefined, country: string, today: Day) {
  if (!form) return { legalForm: 'sole_trader' }
  const evidence = shown(form, country, today)
  return {
    legalForm: form.legalForm,
    partners: evidence.partners,
    registrationNumber: evidence.number,
    evidenceKind: evidence.kind,
    evidenceText: evidence.text,
    evidenceOn: dateOf(evidence.on),
  }
}

function vatColumns(vat: NewOrganisation['vat'], country: string) {
  if (!vat?.registered) return { vatRegistered: false, vatNumber: null, vatFromOn: null, vatScheme: null }
  const number = vatNumberOf(vat.number ?? '', country)
  if (number === null) throw new Refusal('vat_number_not_sound', { number: vat.number ?? '', country })
  return {
    vatRegistered: true,
    vatNumber: number,
    vatFromOn: vat.fromOn ? dateOf(vat.fromOn) : null,
    vatScheme: vat.scheme ?? 'unknown',
  }
}

type Row = NonNullable<Awaited<ReturnType<Tx['organisation']['findUnique']>>>

export function organisationFrom(row: Row): Organisation {
  const legalForm = row.legalForm as LegalForm
  const { evidenceKind: kind, evidenceText: text, evidenceOn: on } = row
  invariant(kind === null || (text !== null && on !== null), `organisation ${row.id} has half an evidence`)
  return {
    id: row.id,
    name: row.name,
    legalForm,
    partners: row.partners,
    registrationNumber: row.registrationNumber,
    evidence: kind && text && on ? { kind: kind as 'registration_number' | 'statement', text, on: dayOf(on) } : null,
    reviewDueAt: row.reviewDueAt,
    restricted: isRestricted(legalForm, row.partners),
    email: row.email,
    address: row.address,
    country: row.country,
    vat: {
      registered: row.vatRegistered,
      number: row.vatNumber,
      fromOn: row.vatFromOn ? dayOf(row.vatFromOn) : null,
      scheme: row.vatScheme as VatScheme | null,
      confirmedAt: row.vatConfirmedAt,
    },
  }
}
