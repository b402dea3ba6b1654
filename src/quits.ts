#!/usr/bin/env node
/**
 * The command line's door: `npm run quits -- <command>`. One file a group of commands in command-line/.
 *
 * Keeps: exit code 0 done, 1 our fault or bad use, 2 a rule said no or something disagrees, 3 the database cannot be reached.
 */
import { once } from 'node:events'
import { Command, CommanderError } from 'commander'
import { backupCommands } from './command-line/backup.ts'
import { bookCommands } from './command-line/books.ts'
import { connectionCommands } from './command-line/connections.ts'
import { deliveryCommands } from './command-line/deliveries.ts'
import { unreachable } from './command-line/house.ts'
import { installationCommands } from './command-line/installation.ts'
import { keyCommands } from './command-line/keys.ts'
import { ledgerCommands } from './command-line/ledger.ts'
import { networkCommands } from './command-line/networks.ts'
import { sweepCommands } from './command-line/sweep.ts'
import { type Asking, BadUse, type ExitCode, jsonText, type Terminal, Unreachable } from './command-line/terminal.ts'
import { webhookCommands } from './command-line/webhooks.ts'
import { ConfigMistakes } from './config.ts'
import { plainError } from './kit/log.ts'
import { Refusal } from './kit/refusal.ts'
import { isStarted } from './kit/started.ts'

/** Asks once, and says how it ended. */
export async function quits(args: string[], terminal: Terminal): Promise<ExitCode> {
  const asking: Asking = { ...terminal, json: args.includes('--json'), exit: 0 }
  const program = new Command('quits')
    .description('Quits from the command line (docs/command-line.md)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => asking.out(text.trimEnd()), writeErr: (text) => asking.err(text.trimEnd()) })
  for (const commands of [
    installationCommands,
    backupCommands,
    keyCommands,
    networkCommands,
    ledgerCommands,
    bookCommands,
    connectionCommands,
    deliveryCommands,
    sweepCommands,
    webhookCommands,
  ])
    commands(program, asking)
  try {
    await program.parseAsync(args, { from: 'user' })
    return asking.exit
  } catch (error) {
    return told(asking, error)
  }
}

function told(asking: Asking, error: unknown): ExitCode {
  // It has printed its own words already.
  if (error instanceof CommanderError) return error.exitCode === 0 || error.code === 'commander.help' ? 0 : 1
  const trouble = troubleOf(error)
  if (asking.json) asking.out(jsonText({ error: trouble }))
  asking.err(trouble.fix ? `${trouble.says}\n${trouble.fix}` : trouble.says)
  return trouble.exit
}

type Trouble = { exit: ExitCode; code: string; says: string; fix?: string; facts?: Record<string, unknown> }

function troubleOf(thrown: unknown): Trouble {
  const error = unreachable(thrown)
  if (error instanceof Refusal)
    return { exit: 2, code: error.code, says: error.says, fix: error.fix, facts: error.facts }
  if (error instanceof Unreachable)
    return { exit: 3, code: 'database_unreachable', says: error.message, fix: 'See: npm run quits -- doctor' }
  if (error instanceof BadUse) return { exit: 1, code: 'bad_use', says: error.message }
  if (error instanceof ConfigMistakes) return { exit: 1, code: 'configuration', says: error.message }
  return { exit: 1, code: 'failed', says: `It failed, and nothing more was done: ${plainError(error).message}` }
}

async function open(): Promise<void> {
  const write = (stream: NodeJS.WriteStream) => (text: string) => void stream.write(`${text}\n`)
  const drained = async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  }
  const terminal = { out: write(process.stdout), err: write(process.stderr), drained }
  process.exitCode = await quits(process.argv.slice(2), terminal)
}

if (isStarted(import.meta.url)) await open()
