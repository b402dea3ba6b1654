/** Prints the paths through the house, stop by stop, from the lines that mark them in the code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const wanted = process.argv[2]
const stops = ['src', 'connectors'].flatMap((tree) => stopsIn(tree))
const names = [...new Set(stops.map((stop) => stop.path))].sort()

for (const name of names.filter((name) => !wanted || name === wanted)) {
  console.log(`\n${name}`)
  const own = stops.filter((stop) => stop.path === name)
  own.sort((a, b) => a.at - b.at || a.file.localeCompare(b.file))
  for (const stop of own) console.log(`  ${stop.at}/${stop.of}  ${stop.file}:${stop.line}  ${stop.says}`)
}

function stopsIn(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'prisma-client' ? [] : stopsIn(file)
    if (!/\.(ts|tsx|sql)$/.test(entry.name)) return []
    return readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((text, index) => {
        const mark = /@path (\w+) (\d+)\/(\d+)\s*(.*)$/.exec(text)
        if (!mark) return []
        const [, path, at, of, says] = mark
        return [{ path, at: Number(at), of: Number(of), says, file, line: index + 1 }]
      })
  })
}
