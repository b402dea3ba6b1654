/**
 * Seeds played by several processes at once, each with a database of its own: every one takes each n-th. What they say goes on to
 * standard error as they say it.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Told } from './seeds.ts'

const program = fileURLToPath(new URL('../simulate.ts', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))

export type Spread = {
  first: number
  last: number
  step: number
  processes: number
  hours: number | null
  asFound: boolean
}

export async function playInProcesses(ask: Spread): Promise<Told> {
  const all = await Promise.all(Array.from({ length: ask.processes }, (_, place) => playThese(ask, place)))
  return {
    holds: all.every((one) => one.holds),
    played: all.reduce((sum, one) => sum + one.played, 0),
    failures: all.flatMap((one) => one.failures).sort((a, b) => a.seed - b.seed),
  }
}

function playThese({ first, last, step, processes, hours, asFound }: Spread, place: number): Promise<Told> {
  const mine = [
    ...['--seeds', `${first + place * step}..${last}`, '--step', String(step * processes), '--json'],
    ...(hours === null ? [] : ['--hours', String(hours)]),
    ...(asFound ? ['--as-found'] : []),
  ]
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...mine], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((done, fail) => {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
    })
    child.once('error', fail)
    child.once('close', (code) => {
      const line = said.trim().split('\n').at(-1)
      if (line?.startsWith('{')) done(JSON.parse(line) as Told)
      else fail(new Error(`a process that plays seeds ended with ${code} and told nothing`))
    })
  })
}
