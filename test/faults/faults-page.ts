/** The page of all faults and groups with the tests that bear their numbers, read from the tests themselves. */
import { readdirSync, readFileSync } from 'node:fs'
import { faults } from './fault-list.ts'
import { quickbooksGroups, xeroGroups } from './vendor-groups.ts'

type Proof = { file: string; name: string }
const series = ['fault', 'xero group', 'quickbooks group'] as const
type Series = (typeof series)[number]

const folder = new URL('../', import.meta.url)
/** A text that begins with a number, or with several, one after the other. */
const numbered = /(['"`])((?:(?:fault|xero group|quickbooks group) \d+: )+)((?:\\.|(?!\1)[^\\])+)\1/gs
const oneNumber = /(fault|xero group|quickbooks group) (\d+): /g

export const howMany: Record<Series, number> = {
  fault: faults.length,
  'xero group': xeroGroups.length,
  'quickbooks group': quickbooksGroups.length,
}

/** What proves each number, `fault 12` and so on, by file and then in the order of the file. */
export function proofs(): Map<string, Proof[]> {
  const found = new Map<string, Proof[]>()
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  for (const file of files.sort()) {
    const text = readFileSync(new URL(file, folder), 'utf8')
    for (const [, , numbers = '', words = ''] of text.matchAll(numbered))
      for (const [, of, number] of numbers.matchAll(oneNumber)) {
        const key = `${of} ${number}`
        found.set(key, [...(found.get(key) ?? []), { file: `test/${file}`, name: words.replaceAll('\\', '') }])
      }
  }
  return found
}

/** Numbers that no test bears. */
export function missing(): string[] {
  const found = proofs()
  return series.flatMap((of) => numbersOf(of).filter((key) => !found.has(key)))
}

/** Numbers in the names of tests that no list has. */
export function unknown(): string[] {
  const known = new Set(series.flatMap(numbersOf))
  return [...proofs().keys()].filter((key) => !known.has(key))
}

export function faultsPage(): string {
  const found = proofs()
  const provenBy = (key: string) => {
    const tests = found.get(key) ?? []
    return tests.length ? tests.map(({ file, name }) => `\`${file}\` ${cell(name)}`).join('<br>') : '**no test yet**'
  }
  const groups = (of: Series, texts: readonly string[]) => [
    '| # | what happens | proven by |',
    '|---|---|---|',
    ...texts.map((text, at) => `| ${at + 1} | ${cell(text)} | ${provenBy(`${of} ${at + 1}`)} |`),
  ]
  return `${[
    '# Faults, and what is promised of each',
    '',
    'Everything on these lists is done on purpose by the tests beside it: through the real connectors against servers that answer as the vendors do, at the wire where such a server cannot, and where no book is concerned through the real service and database. The numbers stand at the beginning of the tests’ names (`npx vitest run -t "fault 12:"`). This page is made from `test/faults/fault-list.ts`, `test/faults/vendor-groups.ts` and the tests; `test/faults/page.test.ts` says when it is stale.',
    '',
    '## Faults',
    '',
    '| # | fault | promise | proven by |',
    '|---|---|---|---|',
    ...faults.map(
      ({ fault, promise }, at) => `| ${at + 1} | ${cell(fault)} | ${cell(promise)} | ${provenBy(`fault ${at + 1}`)} |`,
    ),
    '',
    '## What people meet with Xero',
    '',
    ...groups('xero group', xeroGroups),
    '',
    '## What people meet with QuickBooks',
    '',
    ...groups('quickbooks group', quickbooksGroups),
  ].join('\n')}\n`
}

const numbersOf = (of: Series) => Array.from({ length: howMany[of] }, (_, at) => `${of} ${at + 1}`)
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
