import { expect, test } from 'vitest'
import { csvLine } from '../../src/kit/csv.ts'
import { readCsv } from '../../src/kit/read-csv.ts'

test('a line ends as RFC 4180 says, and is quoted only where it must be', () => {
  expect(csvLine(['plain', 'with, comma', 'with "quotes"', 'two\nlines', ''])).toBe(
    'plain,"with, comma","with ""quotes""","two\nlines",\r\n',
  )
})

test('a text that a spreadsheet would run as a formula is defused, an amount is left alone', () => {
  for (const text of ['  =cmd|x', '\n=1', '＝1+1', '\t@sum', '-1+1'])
    expect(csvLine([text]).replace(/^"/, '').startsWith("'")).toBe(true)
  expect(csvLine(['=1+1', '@sum', '+44 20', '-12.50', '12', '-x'])).toBe("'=1+1,'@sum,'+44 20,-12.50,12,'-x\r\n")
})

test('what is written is read back as it was', () => {
  const cells = ['Mill, Lane', 'says "hello"', 'one\ntwo', '12.50']
  const { rows } = readCsv(csvLine(['a', 'b', 'c', 'd']) + csvLine(cells), {
    needed: ['a', 'b', 'c', 'd'],
    optional: [],
  })
  expect(rows.map((row) => Object.values(row.fields))).toEqual([cells])
})
