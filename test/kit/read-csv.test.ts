import { expect, test } from 'vitest'
import { amountIn, readCsv } from '../../src/kit/read-csv.ts'

const columns = { needed: ['name', 'amount'], optional: ['note'] }
const read = (text: string) => readCsv(text, columns)
const why = (text: string) => read(text).refusal

test('rows know their line, with quotes, doubled quotes, a byte order mark and either line ending', () => {
  const text = '\uFEFFname,amount,note\r\n"Mill, Lane",1.00,"says ""hello"""\r\n\r\nBakery , 2.00 ,\r\n'
  expect(read(text)).toEqual({
    refusal: null,
    rows: [
      { line: 2, fields: { name: 'Mill, Lane', amount: '1.00', note: 'says "hello"' } },
      { line: 4, fields: { name: 'Bakery', amount: '2.00', note: '' } },
    ],
  })
})

test('a row that breaks within quotes is named by the line on which it begins', () => {
  const text = 'name,amount,note\nMill,1.00,"one\ntwo"\nBakery,2.00,\n'
  expect(read(text).rows.map((row) => row.line)).toEqual([2, 4])
})

test('the columns are taken in any order and any case, and a missing, doubled or unknown one is named', () => {
  expect(read('Amount,NAME\n1.00,Mill\n').rows).toEqual([{ line: 2, fields: { amount: '1.00', name: 'Mill' } }])
  expect(why('name\nMill\n')).toEqual({ line: 1, why: 'The column "amount" is missing.' })
  expect(why('note\nx\n')).toEqual({ line: 1, why: 'The columns "name", "amount" are missing.' })
  expect(why('name,amount,name\n')).toEqual({ line: 1, why: 'The column "name" stands twice.' })
  expect(why('name,amount,colour\n')?.why).toBe('The column "colour" is not known; known are name, amount, note.')
  expect(why('')?.why).toContain('empty')
  expect(why('name;amount\nMill;1,00\n')?.why).toContain('semicolon')
})

test('what is no well-formed CSV is refused with its line', () => {
  expect(why('name,amount\nMill,1.00\nBakery,2.00,3.00\n')).toEqual({
    line: 3,
    why: 'This line has 3 fields; the first line names 2.',
  })
  expect(why('name,amount\nMill,1.00\nBakery\n')?.line).toBe(3)
  expect(why('name,amount\nMill,1.00\n"Bakery,2.00\n')).toMatchObject({
    line: 3,
    why: expect.stringContaining('never closed'),
  })
  expect(why('name,amount\nMi"ll,1.00\n')).toMatchObject({ line: 2, why: expect.stringContaining('quotation mark') })
  expect(why('name,amount\n"Mill"x,1.00\n')).toMatchObject({ line: 2, why: expect.stringContaining('quotation mark') })
})

test('a file that is not UTF-8, or holds a zero byte, is refused with its line', () => {
  const latin = Buffer.from('name,amount\nMill,1.00\nCaf\xe9,2.00\n', 'latin1').toString('utf8')
  expect(why(latin)).toMatchObject({ line: 3, why: expect.stringContaining('UTF-8') })
  expect(why('name,amount\nMi\u0000ll,1.00\n')).toMatchObject({ line: 2, why: expect.stringContaining('zero byte') })
})

test('an amount is whole minor units or it is told why not', () => {
  expect(amountIn('1234.50', 2)).toEqual({ minor: 123_450n })
  expect(amountIn('-0.01', 2)).toEqual({ minor: -1n })
  expect(amountIn('7', 2)).toEqual({ minor: 700n })
  for (const text of ['1,50', '1.234,50', '1,234.50'])
    expect(amountIn(text, 2)).toMatchObject({ why: expect.stringContaining('comma') })
  for (const text of ['1.005', '£5', '1e3', '', ' ', '.5', '5.', '0x10', 'NaN', '１'])
    expect(amountIn(text, 2)).toMatchObject({ why: expect.stringContaining('not an amount') })
})
