import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { isStarted } from '../../src/kit/started.ts'

test('a program starts by its own name and through a link to it, and not when another imports it', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quits-started-')))
  try {
    const [program, link, other] = ['program.js', 'link', 'other.js'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(program, '')
    writeFileSync(other, '')
    symlinkSync(program, link)
    const url = pathToFileURL(program).href

    expect(isStarted(url, program)).toBe(true)
    expect(isStarted(url, link)).toBe(true)
    expect(isStarted(url, other)).toBe(false)
    expect(isStarted(url, join(folder, 'gone.js'))).toBe(false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
