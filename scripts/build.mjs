/**
 * Builds dist: the compiled service, and beside it every file that it reads at run time.
 *
 * Keeps: dist has the shape of the checkout, so a path relative to a file holds in both. Whatever is neither code nor
 * prose goes along as it is.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

rmSync(join(root, 'dist'), { recursive: true, force: true })
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const built = spawnSync(process.execPath, [tsc, '-p', 'scripts/tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)

for (const tree of ['src', 'connectors', 'stand-ins', 'prisma']) copyAssets(tree)
chmodSync(join(root, 'dist', 'src', 'quits.js'), 0o755)

function copyAssets(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'prisma-client') copyAssets(path)
    } else if (!/\.(tsx?|md)$/.test(entry.name)) {
      cpSync(join(root, path), join(root, 'dist', dirname(path), entry.name))
    }
  }
}
