/** The page of all errors of the books, made from the catalogue and the recordings. */
import { readFileSync } from 'node:fs'
import { vendorErrors } from '../../src/outbox/catalogue/vendor-errors.ts'
import { buttons, catalogue, knownCause, type Words, wordsFor } from '../../src/outbox/words.ts'

type Recording = { status?: number; reply?: { status: number; body: unknown }; body?: unknown }

const vendors = { xero: 'Xero', quickbooks: 'QuickBooks' } as const
const longestSaid = 110

export function errorsPage(): string {
  const entries = Object.keys(catalogue).map((cause) => ({ cause, words: wordsFor(cause) }))
  return `${[
    '# Errors of the books',
    '',
    'What Xero and QuickBooks answer when something cannot go, what Quits says about it, whose it is, and the one thing to press. The same words stand on the pages, in mail, in the API (`cause`, `words`, `who`, `next`) and on the command line. The vendor’s own words are always one click away, with the status and the number of the call for its support. This page is made from `src/outbox/catalogue/` and from recorded answers; `test/outbox/words.test.ts` says when it is stale.',
    '',
    '## What is said',
    '',
    '| cause | what happened, and what it means for the book | whose | way out | button |',
    '|---|---|---|---|---|',
    ...entries.map(({ cause, words }) => rowOf(`\`${cause}\``, words)),
    rowOf('anything else', wordsFor('')),
    '',
    ...(['xero', 'quickbooks'] as const).flatMap((vendor) => [
      `## What ${vendors[vendor]} sends`,
      '',
      '| recorded answer | status | its words | told as |',
      '|---|---|---|---|',
      ...Object.entries(vendorErrors[vendor]).map(([name, cause]) => {
        const { status, said } = saidIn(vendor, name)
        return `| ${name.replaceAll('-', ' ')} | ${status} | ${said} | ${knownCause(cause) ? `\`${knownCause(cause)}\`` : 'anything else'} |`
      }),
      '',
    ]),
  ].join('\n')}`
}

function rowOf(cause: string, { says, means, who, fix, button }: Words): string {
  return `| ${cause} | ${cell(`${says} ${means}`)} | ${who} | ${cell(fix)} | ${cell(buttons[button].text)} |`
}

function saidIn(vendor: string, name: string): { status: number; said: string } {
  const url = new URL(`../connectors/recordings/${vendor}/${name}.json`, import.meta.url)
  const recording = JSON.parse(readFileSync(url, 'utf8')) as Recording
  const status = recording.reply?.status ?? recording.status ?? 0
  const body = recording.reply ? recording.reply.body : recording.body
  const found = textsIn(body).sort((one, other) => other.length - one.length)[0] ?? ''
  return { status, said: cell(found.length > longestSaid ? `${found.slice(0, longestSaid)}…` : found) }
}

/** What a person would read of a body: its messages, else its text without marks. */
function textsIn(body: unknown, name = ''): string[] {
  if (typeof body === 'string') {
    if (name === '')
      return [
        body
          .replace(/<[^>]*>|[{}"]/g, ' ')
          .replace(/\s+/g, ' ')
          .trim(),
      ]
    return /^(message|detail|description|title|error|error_description)$/i.test(name) ? [body] : []
  }
  if (Array.isArray(body)) return body.flatMap((one) => textsIn(one, '-'))
  if (body && typeof body === 'object') return Object.entries(body).flatMap(([key, value]) => textsIn(value, key))
  return []
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
