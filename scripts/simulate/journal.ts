/**
 * A writer's journal: what it is about to ask, and what it heard. Written into the file before it asks and after it hears, so
 * that a kill at any point leaves the truth about what was acknowledged.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

export type Ask = {
  n: number
  what: 'transfer' | 'pair' | 'hold' | 'hold_post' | 'hold_release' | 'reversal' | 'trade'
  /** Places among the scene's accounts; of a trade, the place of its consent is `from`. */
  from: number
  to: number
  amount: number
  /** The ask that this one ends or reverses. */
  of: number | null
}
export type Heard =
  | { heard: 'yes'; n: number; numbers: (number | null)[]; invoiceNumber: string | null; replayed: boolean }
  | { heard: 'no'; n: number; code: string }
  /** Nobody answered: it may stand or not. */
  | { heard: 'nothing'; n: number; why: string }
  /** What must never be heard. */
  | { heard: 'nonsense'; n: number; why: string }
export type Line = { asks: Ask } | { asksAgain: number } | Heard

export function openJournal(path: string): { write(line: Line): void; close(): void } {
  const isCut = existsSync(path) && !readFileSync(path, 'utf8').endsWith('\n')
  const file = openSync(path, 'a')
  // A line that a kill cut short stays what it is: never said.
  if (isCut) writeSync(file, '\n')
  return {
    write: (line) => void writeSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  }
}

export type Story = {
  asks: Map<number, Ask>
  yes: Map<number, Extract<Heard, { heard: 'yes' }>>
  no: Map<number, string>
  /** Asked, and not answered yet. */
  open: Ask[]
  nonsense: string[]
  counts: { asked: number; acknowledged: number; refused: number; unknown: number; askedAgain: number }
}

export function readJournal(path: string): Story {
  const asks = new Map<number, Ask>()
  const yes: Story['yes'] = new Map()
  const no: Story['no'] = new Map()
  const nonsense: string[] = []
  let [unknown, askedAgain] = [0, 0]
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  // What stands behind the last line end was cut short, or is being written.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const said = readLine(line)
    if (said === null) continue
    if ('asks' in said) asks.set(said.asks.n, said.asks)
    else if ('asksAgain' in said) askedAgain += 1
    else if (said.heard === 'yes') {
      const first = yes.get(said.n)
      if (first && JSON.stringify(first.numbers) !== JSON.stringify(said.numbers))
        nonsense.push(`ask ${said.n} was acknowledged twice, under other numbers`)
      if (no.has(said.n)) nonsense.push(`ask ${said.n} was refused and then acknowledged`)
      yes.set(said.n, said)
    } else if (said.heard === 'no') {
      if (yes.has(said.n)) nonsense.push(`ask ${said.n} was acknowledged and then refused: ${said.code}`)
      no.set(said.n, said.code)
    } else if (said.heard === 'nothing') unknown += 1
    else nonsense.push(`ask ${said.n}: ${said.why}`)
  }
  const open = [...asks.values()].filter((ask) => !yes.has(ask.n) && !no.has(ask.n))
  const counts = { asked: asks.size, acknowledged: yes.size, refused: no.size, unknown, askedAgain }
  return { asks, yes, no, open, nonsense, counts }
}

function readLine(line: string): Line | null {
  try {
    return JSON.parse(line) as Line
  } catch {
    return null
  }
}
