import { describe, expect, test } from 'vitest'
import { isRestricted, type LegalForm, legalForms, shown, vatNumberOf } from '../../src/networks/evidence.ts'
import { prefixFrom } from '../../src/networks/prefix.ts'

const today = '2026-11-02'
const numbered = (legalForm: LegalForm, number: string) => ({
  legalForm,
  partners: null,
  evidence: { kind: 'registration_number' as const, number },
})
const stated = (legalForm: LegalForm, partners: number | null = null, on = '2026-10-01') => ({
  legalForm,
  partners,
  evidence: { kind: 'statement' as const, text: 'We are two partners, by deed.', on },
})

test('sole traders, unincorporated associations and partnerships of fewer than four are restricted, nobody else', () => {
  const restricted = legalForms.filter((form) => isRestricted(form, form === 'partnership' ? 3 : null))
  expect(restricted).toEqual(['partnership', 'sole_trader', 'unincorporated_association'])
  expect(isRestricted('partnership', 4)).toBe(false)
})

describe('a registered form shows its number', () => {
  test.each([
    ['company', '01234567', '01234567'],
    ['company', '1234567', '01234567'],
    ['company', 'sc 123456', 'SC123456'],
    ['cic', '09876543', '09876543'],
    ['llp', 'OC301234', 'OC301234'],
    ['cio', '1161234', '1161234'],
    ['cio', 'SC045678', 'SC045678'],
    ['registered_society', '31234R', '31234R'],
    ['registered_society', 'RS007654', 'RS007654'],
  ] as const)('%s %s', (form, given, kept) => {
    expect(shown(numbered(form, given), 'GB', today)).toMatchObject({ number: kept, on: today })
  })

  test.each([
    ['company', '12345'],
    ['company', 'OC301234'],
    ['llp', '01234567'],
    ['cio', '12'],
    ['registered_society', 'XX'],
    ['company', ''],
  ] as const)('not %s %s', (form, given) => {
    expect(() => shown(numbered(form, given), 'GB', today)).toThrow('evidence_missing')
  })

  test('a company does not pass with a statement, nor a sole trader with a number', () => {
    expect(() => shown(stated('company'), 'GB', today)).toThrow('evidence_missing')
    expect(() => shown(numbered('sole_trader', '01234567'), 'GB', today)).toThrow('evidence_missing')
  })

  test('another country’s register is taken as it is', () => {
    expect(shown(numbered('company', 'HRB 12345'), 'DE', today).number).toBe('HRB12345')
  })
})

test('a statement needs its day, and not a day to come', () => {
  expect(shown(stated('sole_trader'), 'GB', today)).toMatchObject({ kind: 'statement', on: '2026-10-01', number: null })
  expect(() => shown(stated('sole_trader', null, '2026-11-03'), 'GB', today)).toThrow('evidence_missing')
  expect(() => shown(stated('sole_trader', null, '2026-02-30'), 'GB', today)).toThrow('evidence_missing')
})

test('a partnership names its partners', () => {
  expect(() => shown(stated('partnership'), 'GB', today)).toThrow('partners_missing')
  expect(shown(stated('partnership', 2), 'GB', today).partners).toBe(2)
})

test.each([
  ['GB123456789', 'GB', 'GB123456789'],
  ['123 4567 89', 'GB', 'GB123456789'],
  ['GB123456789012', 'GB', 'GB123456789012'],
  ['GBGD001', 'GB', 'GBGD001'],
  ['HA500', 'GB', 'GBHA500'],
  ['XI123456789', 'GB', 'XI123456789'],
  ['GB12345678', 'GB', null],
  ['GBGD501', 'GB', null],
  ['', 'GB', null],
  ['DE123456789', 'DE', 'DE123456789'],
] as const)('the VAT number %s of %s is kept as %s', (given, country, kept) => {
  expect(vatNumberOf(given, country)).toBe(kept)
})

test.each([
  ['Hebden Bakery Ltd', 'HB'],
  ['Millworks', 'MILL'],
  ['The Café of Todmorden Limited', 'CT'],
  ['X', 'XINV'],
  ['Ärzte & Söhne', 'AS'],
] as const)('the invoice prefix of %s is %s', (name, prefix) => {
  expect(prefixFrom(name)).toBe(prefix)
})
