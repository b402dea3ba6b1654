/**
 * The planted bugs: each a patch to the source, put into a copy of it, where seeds are played until an oracle breaks.
 *
 * Keeps: a patch says in words what it breaks and which seed found it; that seed is played first, then others. One that no longer
 * fits the source is a failure, and is planted anew by hand.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Find } from './find-bug.ts'
import type { Place } from './town.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(root, 'test/properties/planted-bugs')
/** What a simulation needs of the source. */
const copied = ['src', 'connectors', 'stand-ins', 'scripts', 'prisma', 'package.json', 'tsconfig.json']
const longestMs = 15 * 60_000

export type PlantedBug = { name: string; path: string; says: string; seed: number }
export type Hunted = PlantedBug & { found: boolean; by: Find | null; why: string }

export async function plantedBugs(): Promise<PlantedBug[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.patch')).sort()
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const [says = '', seed = ''] = (await readFile(path, 'utf8')).split('\n')
      return { name: name.slice(0, -'.patch'.length), path, says, seed: Number(/^seed (\d+)$/.exec(seed)?.[1] ?? 1) }
    }),
  )
}

/** Seeds 1 to `seeds`, after those that are played first: the one that found it before. */
export async function hunt(bug: PlantedBug, place: Place, seeds: number, first = [bug.seed]): Promise<Hunted> {
  const copy = await mkdtemp(join(tmpdir(), 'quits-bug-'))
  try {
    for (const one of copied) await cp(join(root, one), join(copy, one), { recursive: true })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    await mkdir(join(copy, 'home'))
    try {
      // Told that it stands alone: git must not look for a repository around it.
      await run('git', ['apply', bug.path], { cwd: copy, env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() } })
    } catch {
      return { ...bug, found: false, by: null, why: 'the patch no longer fits the source' }
    }
    const here = { ...place, home: join(copy, 'home') }
    const { stdout } = await run(
      process.execPath,
      [
        '--import',
        'tsx',
        'scripts/simulate/find-bug.ts',
        JSON.stringify(here),
        '1',
        String(seeds),
        ...first.map(String),
      ],
      { cwd: copy, timeout: longestMs, maxBuffer: 64 * 2 ** 20 },
    )
    const by = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Find
    const found = by.seed !== null && by.oracle !== 'none'
    return { ...bug, found, by, why: found ? '' : by.says || `${by.played} seeds held` }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
