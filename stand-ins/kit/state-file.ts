/**
 * A stand-in's whole state in one JSON file, so that a demo survives a restart.
 *
 * Keeps: the file is replaced by rename, so a reader never sees half of one; writes are gathered, and the last one is
 * made when the stand-in closes. Whole minor units are written as text with a mark, because JSON has no bigint.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const gatherMs = 200
const mark = 'bigint:'

export class StateFile {
  readonly #path: string | undefined
  readonly #read: () => unknown
  #timer: NodeJS.Timeout | undefined

  /** `read` gives the state to be kept; without a path nothing is kept. */
  constructor(path: string | undefined, read: () => unknown) {
    this.#path = path
    this.#read = read
  }

  load(): unknown {
    if (this.#path === undefined || !existsSync(this.#path)) return undefined
    return JSON.parse(readFileSync(this.#path, 'utf8'), (_name, value) =>
      typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
    )
  }

  /** Something changed: it will be written soon. */
  touch(): void {
    if (this.#path === undefined || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.flush(), gatherMs)
    this.#timer.unref()
  }

  flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#path === undefined) return
    const text = JSON.stringify(this.#read(), (_name, value) => (typeof value === 'bigint' ? mark + value : value))
    mkdirSync(dirname(this.#path), { recursive: true })
    writeFileSync(`${this.#path}.new`, text)
    renameSync(`${this.#path}.new`, this.#path)
  }
}
