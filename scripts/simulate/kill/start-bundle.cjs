/**
 * Starts the service from its one file: `start-bundle.cjs file main`, the address of its door being `main`.
 *
 * Its Date runs ahead of the machine's by as much as whoever simulates says, as its database and the stand-ins do. What V8 has compiled
 * is taken from beside the file, and put there when asked. Ends with whoever started it, at once.
 */
const { readFileSync, existsSync, writeFileSync, renameSync } = require('node:fs')
const { createRequire, wrap } = require('node:module')
const { dirname } = require('node:path')
const { Script } = require('node:vm')

const [path, main] = process.argv.slice(2)
const kept = `${path}.compiled`

let aheadMs = Number(process.env.SIMULATED_AHEAD_MS ?? 0)
const MachineDate = Date

globalThis.Date = class extends MachineDate {
  constructor(...given) {
    super(...(given.length === 0 ? [MachineDate.now() + aheadMs] : given))
  }
  static now() {
    return MachineDate.now() + aheadMs
  }
}

const script = new Script(wrap(readFileSync(path, 'latin1')), {
  filename: path,
  ...(existsSync(kept) ? { cachedData: readFileSync(kept) } : {}),
})

process.on('message', (told) => {
  if (told.aheadMs !== undefined) aheadMs = told.aheadMs
  if (told.keepCompiled) {
    writeFileSync(`${kept}.new`, script.createCachedData())
    renameSync(`${kept}.new`, kept)
    process.send({ hasKept: true })
  }
})
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

process.argv.splice(1, 2, main)
const own = { exports: {} }
script.runInThisContext()(own.exports, createRequire(path), own, path, dirname(path))
