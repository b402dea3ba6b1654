/** A copy of what the service is made of with one bug planted in it: the matrix must find it, or it has no teeth. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { invariant } from '../../../src/kit/invariant.ts'
import { plantedBugs } from '../planted-bugs.ts'

export type Planted = { name: string; says: string; root: string; end(): Promise<void> }

const run = promisify(execFile)
const ownRoot = fileURLToPath(new URL('../../..', import.meta.url))
const copied = ['src', 'connectors', 'prisma', 'package.json', 'tsconfig.json']

/** The one whose name has that word. */
export async function plant(word: string): Promise<Planted> {
  const bug = (await plantedBugs()).find(({ name }) => name.includes(word))
  invariant(bug, `no planted bug is called ${word}`)
  const root = await mkdtemp(join(tmpdir(), 'quits-bug-'))
  for (const one of copied) await cp(join(ownRoot, one), join(root, one), { recursive: true })
  await symlink(join(ownRoot, 'node_modules'), join(root, 'node_modules'))
  // Told that it stands alone: git must not look for a repository around it.
  await run('git', ['apply', bug.path], { cwd: root, env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() } })
  return { name: bug.name, says: bug.says, root, end: () => rm(root, { recursive: true, force: true }) }
}
