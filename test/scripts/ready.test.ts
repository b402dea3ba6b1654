import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runScript } from './run-script.ts'

let folder: string
const text = JSON.stringify

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quits-ready-'))
  await mkdir(join(folder, 'node_modules', 'bread'), { recursive: true })
  await mkdir(join(folder, 'prisma'))
  await writeFile(join(folder, 'prisma', 'schema.prisma'), 'model Loaf {}')
  await writeFile(join(folder, 'node_modules', 'bread', 'package.json'), '{}')
  await lockNames('1.0.0')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('an old Node is told which one is needed', async () => {
  const said = await runScript(
    'ready.mjs',
    `print(['18.20.1', '20.18.9', '20.19.0', '22.1.0'].map(script.nodeComplaint))`,
  )
  expect(said).toEqual([
    expect.stringContaining('needs Node 20.19 or newer; this is Node 18.20.1'),
    expect.stringContaining('this is Node 20.18.9'),
    null,
    null,
  ])
})

test('packages that a plain npm install put there are kept, and stamped', async () => {
  expect(await isInstalled()).toBe(false)
  await installedNames('1.0.0')
  expect(await isInstalled()).toBe(true)
  expect(await readFile(join(folder, 'node_modules', '.quits-ready'), 'utf8')).toMatch(/^[0-9a-f]{64}$/)
})

test('another version in the lock, or a folder that is gone, asks for an install', async () => {
  await installedNames('1.0.0')
  expect(await isInstalled()).toBe(true)
  await lockNames('1.1.0')
  expect(await isInstalled()).toBe(false)
  await lockNames('1.0.0')
  await rm(join(folder, 'node_modules', '.quits-ready'))
  await rm(join(folder, 'node_modules', 'bread'), { recursive: true })
  expect(await isInstalled()).toBe(false)
})

test('a package for another platform is not missed', async () => {
  await lockNames('1.0.0', { 'node_modules/elsewhere': { version: '1.0.0', os: ['plan9'], optional: true } })
  await installedNames('1.0.0')
  expect(await isInstalled()).toBe(true)
})

test('the client’s stamp follows the schema and the lock', async () => {
  const stamp = () => runScript('ready.mjs', `print(script.clientStamp(${text(folder)}))`)
  const first = await stamp()
  expect(await stamp()).toBe(first)
  await lockNames('1.1.0')
  const second = await stamp()
  await writeFile(join(folder, 'prisma', 'schema.prisma'), 'model Loaf { id Int @id }')
  expect(new Set([first, second, await stamp()]).size).toBe(3)
})

test('npm is found without being told, and never mistaken for another package manager', async () => {
  const found = await runScript(
    'ready.mjs',
    `const env = { PATH: process.env.PATH }
     print([script.findNpm(env), script.findNpm({ ...env, npm_execpath: '/usr/lib/yarn.js' })])`,
  )
  expect(found).toEqual([expect.stringMatching(/npm-cli\.js$/), expect.stringMatching(/npm-cli\.js$/)])
})

test('the lock lets one work at a time, and passes over a holder that died', async () => {
  const path = join(folder, '.install-lock')
  await writeFile(path, `999999999 ${hostname()} 0`)
  const order = await runScript(
    'lock.mjs',
    `const order = []
     const work = (name) => script.withLock(${text(path)}, () => {}, async () => {
       order.push(name + ' begins')
       await new Promise((resolve) => setImmediate(resolve))
       order.push(name + ' ends')
     })
     await Promise.all([work('one'), work('two')])
     print(order)`,
  )
  expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a browser that is named and not there is said, not passed over', async () => {
  const ask = `try { print(script.findChromium({ QUITS_CHROMIUM: '/no/browser' })) } catch (error) { print(error.message) }`
  expect(await runScript('chromium.mjs', ask)).toContain('QUITS_CHROMIUM names /no/browser, and there is no such file')
})

test('a program that reads our exports and is not there is said in one sentence, not passed over', async () => {
  const said = await runScript(
    'journal-programs.mjs',
    `const missing = script.missingPrograms({ PATH: ${text(folder)} })
     print([missing, script.programsComplaint(missing), script.programsComplaint([])])`,
  )
  expect(said).toEqual([
    ['hledger', 'bean-check', 'bean-query'],
    expect.stringContaining('apt-get install hledger beancount'),
    null,
  ])
})

function isInstalled(): Promise<unknown> {
  return runScript('ready.mjs', `print(script.isInstalled(${text(folder)}))`)
}

async function lockNames(version: string, more: Record<string, unknown> = {}): Promise<void> {
  const packages = { '': { name: 'bakery' }, 'node_modules/bread': { version }, ...more }
  await writeFile(join(folder, 'package-lock.json'), text({ packages }))
}

async function installedNames(version: string): Promise<void> {
  const packages = { 'node_modules/bread': { version } }
  await writeFile(join(folder, 'node_modules', '.package-lock.json'), text({ packages }))
}
