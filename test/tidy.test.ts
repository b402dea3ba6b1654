/** The rules of the house that a reader would forget: who may import whom, what words are used, where the paths lead. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const rooms =
  'kit ledger networks books outbox inbox fees trades staff federation clearing reconcile insight backup web'.split(' ')
const paths: Record<string, number> = { trade: 7, connect: 6, reconcile: 6 }
const bannedWords =
  'transaction user admin sync process handle manager service helper util utils common data info item'.split(' ')
const allowedNames = new Set(['inTransaction'])
/** What the vendors call their own things: a connector may say it after them. */
const vendorWords = /bankTransactions?|userInfo|companyInfo|items?(?=[A-Z]|$)/gi
/** Which files may import a library. Whoever is not named here is free. */
const libraries: Record<string, RegExp> = {
  express: /^(src\/web\/|src\/main\.ts|stand-ins\/)/,
  'xero-node': /^connectors\/xero\//,
  'intuit-oauth': /^connectors\/quickbooks\//,
  'node-cron': /^src\/schedule\.ts$/,
  '@prisma/client': /^src\/kit\/db\.ts$/,
  '@prisma/adapter-pg': /^src\/kit\/db\.ts$/,
}

const files = filesUnder('.')
const code = files.filter((file) => /^(src|connectors|stand-ins)\/.*\.tsx?$/.test(file))
const ours = code.filter((file) => !file.startsWith('stand-ins/'))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const roomOf = (file: string) => rooms.indexOf(/^src\/([\w-]+)\//.exec(file)?.[1] ?? '')
const isDoor = (file: string) => /^src\/((demo|command-line)\/)?[\w-]+\.tsx?$/.test(file)

test('a room imports rooms to its left, never to its right', () => {
  expect(
    code.flatMap((file) =>
      importsOf(file)
        .filter((name) => !mayImport(file, name))
        .map((name) => `${file} imports ${name}`),
    ),
  ).toEqual([])
})

function mayImport(file: string, name: string): boolean {
  const library = /^(@[^/]+\/[^/]+|[^./][^/]*)/.exec(name)?.[1]
  const kind = /^connectors\/(\w+)\//.exec(file)?.[1]
  if (file === 'connectors/port.ts') return false
  if (library) {
    if (library.startsWith('node:')) return true
    if (kind && library !== 'zod' && !libraries[library]) return false
    return libraries[library]?.test(file) ?? true
  }
  const target = posix.join(posix.dirname(file), name)
  if (target.startsWith('src/kit/prisma-client/')) return file === 'src/kit/db.ts'
  if (file.startsWith('stand-ins/')) return target.startsWith('stand-ins/')
  if (file.startsWith('connectors/')) {
    return (
      ['connectors/port.ts', 'connectors/http.ts'].includes(target) ||
      (kind !== undefined && target.startsWith(`connectors/${kind}/`))
    )
  }
  if (target === 'connectors/port.ts') {
    const room = roomOf(file)
    return (
      isDoor(file) ||
      (room >= rooms.indexOf('books') && room <= rooms.indexOf('reconcile')) ||
      file === 'src/web/api/webhooks.ts'
    )
  }
  if (target.startsWith('connectors/')) return file === 'src/main.ts'
  if (isDoor(file)) return true
  return target.startsWith('src/') && roomOf(target) !== -1 && roomOf(target) <= roomOf(file)
}

test('every folder of the service is a room of the line', () => {
  expect(code.filter((file) => file.startsWith('src/') && !isDoor(file) && roomOf(file) === -1)).toEqual([])
})

test('names are made of the glossary’s words', () => {
  const declared = ours.flatMap((file) =>
    [...read(file).matchAll(/\b(?:const|let|function\*?|class|interface|type)\s+(\w+)/g)].map(([, name = '']) => ({
      file,
      name,
    })),
  )
  const wrong = declared.filter(({ file, name }) => {
    const own = file.startsWith('connectors/') ? name.replaceAll(vendorWords, '') : name
    const words = own.split(/(?=[A-Z])|_/).map((word) => word.toLowerCase())
    const isForeign = (word: string, home: string) =>
      words.some((part) => part.startsWith(word)) && !file.startsWith(`connectors/${home}`)
    if (isForeign('tenant', 'xero') || isForeign('realm', 'quickbooks')) return true
    return !allowedNames.has(name) && words.some((word) => bannedWords.includes(word))
  })
  expect(wrong.map(({ file, name }) => `${file}: ${name}`)).toEqual([])
})

test('a file is named after its one idea', () => {
  const vague = /^(index|types?|utils?|helpers?|constants|common|misc)\.(tsx?|mjs|js)$/
  expect(files.filter((file) => vague.test(basename(file)))).toEqual([])
  expect(code.map((file) => basename(file)).filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*\.tsx?$/.test(name))).toEqual([])
})

test('every stop of every path is marked once, and told of in ARCHITECTURE.md', () => {
  const stops = files
    .filter((file) => /^(src|connectors)\/.*\.(tsx?|sql)$/.test(file))
    .flatMap((file) =>
      [...read(file).matchAll(/@path (\w+) (\d+)\/(\d+) \S/g)].map(([, path, at, of]) => ({
        file,
        place: `${path} ${at}/${of}`,
      })),
    )
  const wanted = Object.entries(paths).flatMap(([path, of]) =>
    Array.from({ length: of }, (_, index) => `${path} ${index + 1}/${of}`),
  )
  expect([...new Set(stops.map((stop) => stop.place))].sort()).toEqual(wanted.sort())
  for (const place of wanted) {
    const own = stops.filter((stop) => stop.place === place).map((stop) => stop.file)
    // A connector's stop counts once for each book; the fake gives its consent without leaving its file.
    const kinds = own.map((file) => /^connectors\/(\w+)\//.exec(file)?.[1] ?? 'ours').filter((kind) => kind !== 'fake')
    expect(kinds.sort(), place).toEqual(kinds.includes('ours') ? ['ours'] : ['quickbooks', 'xero'])
  }
  const told = existsSync(join(root, 'docs/ARCHITECTURE.md')) ? read('docs/ARCHITECTURE.md') : ''
  const names = stops.map((stop) => stop.file.replace(/^(src\/|connectors\/\w+\/)/, '').replace(/\.(tsx?|sql)$/, ''))
  expect(names.filter((name) => !told.includes(name))).toEqual([])
})

test('only config reads the environment, and only the clock asks the machine for the time', () => {
  expect(ours.filter((file) => file !== 'src/config.ts' && /\bprocess\.env\b/.test(read(file)))).toEqual([])
  expect(ours.filter((file) => file !== 'src/kit/clock.ts' && /\bnew Date\(\)|\bDate\.now\(/.test(read(file)))).toEqual(
    [],
  )
})

test('nothing is left over: no notes to ourselves, no skipped tests, no paths of one machine', () => {
  const notes = new RegExp(
    ['TO' + 'DO', 'FIX' + 'ME', 'HA' + 'CK', 'XX' + 'X'].map((word) => `\\b${word}\\b`).join('|'),
  )
  const skips = new RegExp(
    ['test', 'it', 'describe'].map((word) => `\\b${word}\\.(skip|only|${'to' + 'do'}|skipIf|runIf)\\b`).join('|'),
  )
  const machine = new RegExp(`["'\`\\s(](/(work|root|home|Users)/)|${'registry' + '.npm'}`)
  const text = files.filter(
    (file) => /\.(tsx?|mjs|js|sql|prisma|md|css|yml)$/.test(file) && file !== 'test/tidy.test.ts',
  )
  expect(text.filter((file) => notes.test(read(file)))).toEqual([])
  expect(text.filter((file) => file.startsWith('test/') && skips.test(read(file)))).toEqual([])
  expect(text.filter((file) => machine.test(read(file)))).toEqual([])
})

test('versions are pinned, and the lock file names no host', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
  const versions = Object.entries({ ...dependencies, ...devDependencies })
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  expect(/"resolved"/.test(read('package-lock.json'))).toBe(false)
})

function importsOf(file: string): string[] {
  const found = read(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g,
  )
  return [...found].map(([, from, bare]) => from ?? bare ?? '')
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (
      ['node_modules', 'dist', 'prisma-client', 'recordings', 'specs'].includes(entry.name) ||
      /^\.(git|quits.*|vitest)$/.test(entry.name)
    )
      return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesUnder(path) : [relative('.', path).split(sep).join('/')]
  })
}
