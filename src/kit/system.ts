/**
 * What the embedded database asks of the machine: programs run as another account, who lives, which port is free.
 */
import { spawn } from 'node:child_process'
import { readlink } from 'node:fs/promises'
import { createServer } from 'node:net'

/** The account that Postgres runs as where we are root; null: our own. */
export type Account = { uid: number; gid: number } | null

export interface Outcome {
  code: number | null
  said: string
}

/**
 * Runs a program to its end. `quiet` gives it no pipe: a server started by it would inherit the pipe, and hold it open for good.
 * The working folder is one that every account may enter.
 */
export function run(
  program: string,
  args: string[],
  options: { account?: Account; quiet?: boolean; cwd?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(options.account ?? {}),
      cwd: options.cwd ?? (process.platform === 'win32' ? undefined : '/'),
      stdio: options.quiet ? 'ignore' : ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    let said = ''
    const keep = (chunk: Buffer) => {
      said += chunk.toString('utf8')
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) =>
      codeOf(error) === 'EACCES' ? resolve({ code: 126, said: error.message }) : reject(error),
    )
    child.on('close', (code) => resolve({ code, said: said.trim() }))
  })
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** The folder in which a living process works; null where the machine does not tell. */
export function workingFolderOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return Promise.resolve(null)
  return readlink(`/proc/${pid}/cwd`).catch(() => null)
}

/** The command line of a living process; null where it cannot be told. */
export async function commandOf(pid: number): Promise<string | null> {
  const asks =
    process.platform === 'win32' ? windowsQuestion(pid) : { program: 'ps', args: ['-p', `${pid}`, '-o', 'command='] }
  const answer = await run(asks.program, asks.args).catch(() => null)
  return answer?.code === 0 && answer.said !== '' ? answer.said : null
}

function windowsQuestion(pid: number) {
  const script = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`
  return { program: 'powershell', args: ['-NoProfile', '-Command', script] }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
