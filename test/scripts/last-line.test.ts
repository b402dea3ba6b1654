/** Real runs of vitest over files made for it: whatever did not pass has failed. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string

beforeEach(async () => {
  // Inside the checkout, so that vitest is found from there.
  await mkdir(join(root, '.vitest'), { recursive: true })
  folder = await mkdtemp(join(root, '.vitest', 'last-line-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const good = `test('adds', () => expect(1 + 1).toBe(2))`
const runs: [string, string[], { line: string; code: number }][] = [
  ['all pass', [good, good], { line: '2 passed, 0 failed', code: 0 }],
  [
    'a skipped test counts as failed',
    [`${good}\ntest.${'skip'}('later', () => {})`],
    { line: '1 passed, 1 failed', code: 1 },
  ],
  [
    'a failing one and a file that breaks as it loads',
    [good, `test('no', () => expect(1).toBe(2))`, `throw new Error('no')`],
    { line: '1 passed, 2 failed', code: 1 },
  ],
  [
    'an error that nobody caught',
    [
      `test('leaves', () => { setTimeout(() => { throw new Error('late') }); return new Promise((r) => setTimeout(r, 50)) })`,
    ],
    { line: '1 passed, 1 failed', code: 1 },
  ],
  ['a broken hook', [`beforeAll(() => { throw new Error('no') })\n${good}`], { line: '0 passed, 2 failed', code: 1 }],
  ['nothing ran', [], { line: '0 passed, 1 failed', code: 1 }],
]

for (const [name, files, expected] of runs) {
  test(`the last line of a run: ${name}`, async () => {
    for (const [index, text] of files.entries()) {
      await writeFile(
        join(folder, `file-${index}.test.js`),
        `import { beforeAll, expect, test } from 'vitest'\nvoid beforeAll\n${text}\n`,
      )
    }
    const { code, said } = await vitest()
    expect({ line: said.trimEnd().split('\n').at(-1), code }, said).toEqual(expected)
  })
}

function vitest(): Promise<{ code: number | null; said: string }> {
  const reporter = join(root, 'test', 'support', 'last-line-reporter.ts')
  const args = ['run', '--root', folder, '--config', 'none.js', '--reporter', 'default', '--reporter', reporter]
  return new Promise((resolve, reject) => {
    writeFile(join(folder, 'none.js'), 'export default {}').then(() => {
      const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: Object.fromEntries(
          Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$)/.test(name)),
        ),
      })
      let said = ''
      let complained = ''
      child.stdout.on('data', (chunk) => {
        said += chunk
      })
      child.stderr.on('data', (chunk) => {
        complained += chunk
      })
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, said: said || complained }))
    }, reject)
  })
}
