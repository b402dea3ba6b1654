/**
 * Legal forms and how each is shown. Pure.
 *
 * Registered forms show their number in the public register; the others, a statement with its day.
 * Restricted forms may never go below zero: credit to them is consumer credit by British law.
 */
import type { Day } from '../kit/clock.ts'
import { isDay } from '../kit/clock.ts'
import { Refusal } from '../kit/refusal.ts'

export const legalForms = [
  'company',
  'llp',
  'cic',
  'cio',
  'registered_society',
  'public_body',
  'partnership',
  'sole_trader',
  'unincorporated_association',
] as const
export type LegalForm = (typeof legalForms)[number]

export type Evidence = { kind: 'registration_number'; number: string } | { kind: 'statement'; text: string; on: Day }

export type ShownForm = { legalForm: LegalForm; partners: number | null; evidence: Evidence }

/** Fewer partners than this, and the partnership is restricted. */
const fewestFreePartners = 4

export function isRestricted(legalForm: LegalForm, partners: number | null): boolean {
  if (legalForm === 'partnership') return (partners ?? 0) < fewestFreePartners
  return legalForm === 'sole_trader' || legalForm === 'unincorporated_association'
}

const companyNumber = /^(\d{8}|(SC|NI|R0|FC|SF|NF|GE|GN|GS|SE|NL)\d{6})$/
const registers: Partial<Record<LegalForm, { pattern: RegExp; wanted: string }>> = {
  company: { pattern: companyNumber, wanted: 'the company number (8 characters, such as 01234567 or SC123456)' },
  cic: { pattern: companyNumber, wanted: 'the company number (8 characters, such as 01234567 or SC123456)' },
  llp: { pattern: /^(OC|SO|NC)\d{6}$/, wanted: 'the LLP’s number (such as OC301234)' },
  cio: {
    pattern: /^(\d{6,7}|(CE|CS|SC)\d{6})$/,
    wanted: 'the charity number (6 or 7 digits, or SC and 6 digits in Scotland)',
  },
  registered_society: {
    pattern: /^(\d{4,5}R?|(IP|SP|NP)\d{5}R|(RS|IP|SP|NP)\d{6}|RS\d{5}[A-Z])$/,
    wanted: 'the society’s number in the Mutuals Register (such as 31234R or RS007654)',
  },
}
const anyRegister = /^[A-Z0-9][A-Z0-9./-]{2,29}$/

/** What is stored of a form and its evidence. Refuses what is missing or cannot be. */
export function shown(form: ShownForm, country: string, today: Day): StoredEvidence {
  const isPartnership = form.legalForm === 'partnership'
  if (isPartnership && (form.partners === null || form.partners < 2)) throw new Refusal('partners_missing', {})
  const register = registers[form.legalForm]
  const partners = isPartnership ? form.partners : null
  if (register) {
    const number =
      form.evidence.kind === 'registration_number' ? registerNumber(form.legalForm, form.evidence.number) : ''
    if (!(country === 'GB' ? register.pattern : anyRegister).test(number))
      throw new Refusal('evidence_missing', { wanted: register.wanted })
    return { partners, kind: 'registration_number', text: number, number, on: today }
  }
  if (form.evidence.kind === 'statement') {
    const text = form.evidence.text.trim()
    if (text.length >= 10 && isDay(form.evidence.on) && form.evidence.on <= today)
      return { partners, kind: 'statement', text, number: null, on: form.evidence.on }
  }
  throw new Refusal('evidence_missing', { wanted: 'a statement of at least ten characters, with a day up to today' })
}

export type StoredEvidence = {
  partners: number | null
  kind: 'registration_number' | 'statement'
  text: string
  number: string | null
  on: Day
}

/** As the register writes it: no spaces, capitals, and the leading zero that people leave out. */
function registerNumber(legalForm: LegalForm, given: string): string {
  const number = given.replace(/[\s]/g, '').toUpperCase()
  return (legalForm === 'company' || legalForm === 'cic') && /^\d{6,7}$/.test(number) ? number.padStart(8, '0') : number
}

/** A VAT number as it is stored: country first. Null when it cannot be one. */
export function vatNumberOf(given: string, country: string): string | null {
  const number = given.replace(/[\s.-]/g, '').toUpperCase()
  if (country === 'GB') {
    const match = /^(GB|XI)?(\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2})$/.exec(number)
    return match ? `${match[1] ?? 'GB'}${match[2]}` : null
  }
  return /^[A-Z0-9+*]{4,16}$/.test(number) ? number : null
}
