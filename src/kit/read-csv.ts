/**
 * Reads a CSV file (RFC 4180: quotes, doubled quotes, line breaks within quotes, a byte order mark) into rows that know
 * their line. A file that is not one is refused with the line and the reason.
 */
import { CsvError, parse } from 'csv-parse/sync'
import { parseAmount } from './money.ts'

export type CsvRow = { line: number; fields: Record<string, string> }
export type CsvRefusal = { line: number; why: string }
export type CsvColumns = { needed: readonly string[]; optional: readonly string[] }

const mostRows = 200_000
const zeroByte = '\u0000'
const unreadLetter = '\uFFFD'

/** Either all rows, or why the file as a whole cannot be read. */
export function readCsv(text: string, columns: CsvColumns): { rows: CsvRow[]; refusal: CsvRefusal | null } {
  const unreadable = unreadableIn(text)
  if (unreadable) return { rows: [], refusal: unreadable }
  let lines: { record: string[]; info: { lines: number } }[]
  try {
    lines = parse(text, {
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      relax_column_count: true,
    }) as unknown as typeof lines
  } catch (error) {
    if (error instanceof CsvError)
      return { rows: [], refusal: { line: Number(error.lines ?? 1), why: quoteTrouble(error.code) } }
    throw error
  }
  const head = lines[0]?.record.map((name) => name.toLowerCase())
  if (!head) return { rows: [], refusal: { line: 1, why: 'The file is empty; its first line must name the columns.' } }
  const trouble = headTrouble(head, columns)
  if (trouble) return { rows: [], refusal: { line: 1, why: trouble } }
  if (lines.length - 1 > mostRows)
    return { rows: [], refusal: { line: mostRows + 2, why: `A file may have at most ${mostRows} rows; split it.` } }
  const rows: CsvRow[] = []
  for (const { record, info } of lines.slice(1)) {
    // The parser names the line on which a row ends; people look for the one on which it begins.
    const line = info.lines - (record.join('').match(/\r\n|\r|\n/g)?.length ?? 0)
    if (record.length !== head.length)
      return {
        rows: [],
        refusal: {
          line,
          why: `This line has ${record.length} fields; the first line names ${head.length}.`,
        },
      }
    rows.push({ line, fields: Object.fromEntries(head.map((name, place) => [name, record[place] ?? ''])) })
  }
  return { rows, refusal: null }
}

/** An amount in units with a decimal point ("1234.50"); a decimal comma, a currency sign or a float's tail is told. */
export function amountIn(text: string, scale: number): { minor: bigint } | { why: string } {
  if (text.includes(','))
    return {
      why: `"${text}" has a comma; write amounts with a decimal point and no thousands separators, e.g. 1234.50.`,
    }
  const minor = parseAmount(text, scale)
  if (minor === null) return { why: `"${text}" is not an amount with at most ${scale} decimals, e.g. 1234.50.` }
  return { minor }
}

/** Another encoding shows as the sign for a letter that could not be read; a zero byte no database keeps. */
function unreadableIn(text: string): CsvRefusal | null {
  const at = [zeroByte, unreadLetter].map((sign) => text.indexOf(sign)).filter((place) => place >= 0)
  if (at.length === 0) return null
  const first = Math.min(...at)
  const line = text.slice(0, first).split(/\r\n|\r|\n/).length
  if (text[first] === zeroByte) return { line, why: 'A zero byte stands here; save the file as plain CSV.' }
  return { line, why: 'A letter here cannot be read; save the file as CSV in UTF-8.' }
}

function headTrouble(head: string[], { needed, optional }: CsvColumns): string | null {
  const doubled = head.find((name, place) => head.indexOf(name) !== place)
  if (doubled !== undefined) return `The column "${doubled}" stands twice.`
  if (head.length === 1 && head[0]?.includes(';'))
    return 'The columns are divided by semicolons; save the file as CSV with commas.'
  const missing = needed.filter((name) => !head.includes(name))
  if (missing.length > 0)
    return `The column${missing.length > 1 ? 's' : ''} ${missing.map((name) => `"${name}"`).join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing.`
  const unknown = head.filter((name) => !needed.includes(name) && !optional.includes(name))
  if (unknown.length > 0)
    return `The column "${unknown[0]}" is not known; known are ${[...needed, ...optional].join(', ')}.`
  return null
}

function quoteTrouble(code: string): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'A quotation mark is opened here and never closed.'
  if (code === 'INVALID_OPENING_QUOTE' || code === 'CSV_INVALID_CLOSING_QUOTE')
    return 'A quotation mark stands where none may be; double it inside a quoted field.'
  return 'This line is not well-formed CSV.'
}
