/**
 * Builds dist: the compiled service, and beside it every file that it reads at run time.
 *
 * A folder may be named in its place, for a build that is gone tomorrow; its types are not checked again.
 *
 * Keeps: dist has the shape of the checkout, so a path relative to a file holds in both. Whatever is neither code nor
 * prose goes along as it is.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const into = process.argv[2] ? resolve(process.argv[2]) : join(root, 'dist')

rmSync(into, { recursive: true, force: true })
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const settings = ['-p', 'scripts/tsconfig.build.json', '--outDir', into, ...(process.argv[2] ? ['--noCheck'] : [])]
const built = spawnSync(process.execPath, [tsc, ...settings], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)

for (const tree of ['src', 'connectors', 'stand-ins', 'prisma']) copyAssets(tree)
chmodSync(join(into, 'src', 'quits.js'), 0o755)

function copyAssets(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'prisma-client') copyAssets(path)
    } else if (!/\.(tsx?|md)$/.test(entry.name)) {
      cpSync(join(root, path), join(into, dirname(path), entry.name))
    }
  }
}
