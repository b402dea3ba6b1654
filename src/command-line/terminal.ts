/** What every command shares: it answers in words and in JSON, and its exit code says what happened. */
import type { Command } from 'commander'

export type Terminal = {
  out(text: string): void
  err(text: string): void
  /** Waits until what was said has been taken; left out: it always has. */
  drained?(): Promise<void>
  /** Left out: the environment of this program. */
  environment?: Record<string, string | undefined>
}

/** 0 done · 1 our fault or bad use · 2 a rule said no, or something disagrees · 3 the database cannot be reached. */
export type ExitCode = 0 | 1 | 2 | 3
export type Answer = { json: unknown; text: string; exit?: ExitCode }

/** One asking of the command line: its terminal, and how it ended. */
export type Asking = Terminal & { json: boolean; exit: ExitCode }

/** Asked in a way that cannot be answered. */
export class BadUse extends Error {}
export class Unreachable extends Error {}

export type Options = Record<string, string | boolean | undefined>
type Told = {
  /** With its arguments: `import <file>`. */
  name: string
  says: string
  options?: readonly (readonly [flags: string, says: string, otherwise?: string])[]
  work: (asking: Asking, args: string[], options: Options) => Promise<Answer>
}

/** A command that does something. Each takes --json. */
export function leaf(parent: Command, asking: Asking, told: Told): void {
  const command = parent.command(told.name).description(told.says).option('--json', 'answer for machines')
  for (const [flags, says, otherwise] of told.options ?? []) command.option(flags, says, otherwise)
  command.action(async () => {
    const options = command.opts<Options>()
    asking.json = options.json === true
    const answer = await told.work(asking, command.args, options)
    asking.out(asking.json ? jsonText(answer.json) : answer.text)
    asking.exit = answer.exit ?? 0
  })
}

/** Amounts are strings of whole minor units there too. */
export function jsonText(json: unknown): string {
  return JSON.stringify(json, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)
}

export function textOf(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

export function mustHave(options: Options, name: string): string {
  const value = textOf(options, name)
  if (value === undefined || value.trim() === '')
    throw new BadUse(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is missing.`)
  return value
}

/** Rows of cells under each other; the last column may be as long as it likes. */
export function columns(rows: string[][], none: string): string {
  if (rows.length <= 1) return none
  const widths = (rows[0] ?? []).map((_cell, place) => Math.max(...rows.map((row) => row[place]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, place) => cell.padEnd(widths[place] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
