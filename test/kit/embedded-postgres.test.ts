/** With fsync on, as the product runs it: what is tested here is being killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'

let folder: string
let home: string
let opened: EmbeddedPostgres[]
let children: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quits-embedded-'))
  // mkdtemp closes its folder to all others, the database's account too.
  await chmod(folder, 0o755)
  home = join(folder, 'home')
  opened = []
  children = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  // Whatever a test left running is adopted once more, and left last.
  const last = await startEmbeddedPostgres({ home })
  for (const server of opened) await server.stop()
  await last.stop()
  await rm(last.dataFolder, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
})

test('a database is made, keeps what was written, and stops with whoever leaves last', async () => {
  const first = await start()
  expect(first.adopted).toBe(false)
  await ask(first.url, 'create table shelf (id int); insert into shelf values (7)')
  const beside = await start()
  expect(beside.adopted).toBe(true)
  expect(beside.url).toBe(first.url)

  await first.stop()
  expect(await ask(beside.url, 'select id from shelf')).toEqual([{ id: 7 }])
  await beside.stop()
  await expect(ask(beside.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })

  const again = await start()
  expect(again.adopted).toBe(false)
  expect(await ask(again.url, 'select id from shelf')).toEqual([{ id: 7 }])
})

test('two that start at once share one server', async () => {
  const both = await Promise.all([start(), start()])
  expect(both.map((server) => server.adopted).sort()).toEqual([false, true])
  expect(both[0]?.url).toBe(both[1]?.url)
})

test('only the network’s own loopback and a password open it; port and password are for nobody else to read', async () => {
  const server = await start()
  const wrong = new URL(server.url)
  wrong.password = 'guess'
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  const settings = await ask(
    server.url,
    `select current_setting('listen_addresses') as host, current_setting('password_encryption') as password`,
  )
  expect(settings).toEqual([{ host: '127.0.0.1', password: 'scram-sha-256' }])
  if (process.platform !== 'win32') {
    const { mode } = await stat(join(server.dataFolder, 'quits-access.json'))
    expect((mode & 0o777).toString(8)).toBe('600')
  }
})

test('a killed program’s server is adopted, and what was committed is there', async () => {
  const victim = await startElsewhere()
  await ask(victim.url, 'create table shelf (id int); insert into shelf values (7)')
  victim.child.kill('SIGKILL')
  await once(victim.child)

  const server = await start()

  expect(server.adopted).toBe(true)
  expect(await ask(server.url, 'select id from shelf')).toEqual([{ id: 7 }])
  await server.stop()
  await expect(ask(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a server killed with its program starts again from its log', async () => {
  const victim = await startElsewhere()
  await ask(victim.url, 'create table shelf (id int); insert into shelf values (7)')
  victim.child.kill('SIGKILL')
  process.kill(await serverNumber(victim.dataFolder), 'SIGKILL')

  const server = await start()

  expect(server.adopted).toBe(false)
  expect(await ask(server.url, 'select id from shelf')).toEqual([{ id: 7 }])
})

test('a stale number that belongs to someone else by now harms neither that process nor the start', async () => {
  const server = await start()
  await server.stop()
  // Of the server's own account: Postgres itself tells the processes of other accounts from its own.
  const { uid, gid } = await stat(server.dataFolder)
  const stranger = spawn('sleep', ['300'], {
    stdio: 'ignore',
    cwd: '/',
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
  })
  children.push(stranger)
  await writeFile(
    join(server.dataFolder, 'postmaster.pid'),
    `${stranger.pid}\n${server.dataFolder}\n1\n1\n\n127.0.0.1\n\nready\n`,
  )

  const again = await start()

  expect(again.adopted).toBe(false)
  expect(stranger.exitCode).toBeNull()
  expect(stranger.signalCode).toBeNull()
})

test('a port that someone else has taken meanwhile is given up for another', async () => {
  const other = await startEmbeddedPostgres({ home: join(folder, 'other') })
  try {
    const server = await start()
    await server.stop()
    const path = join(server.dataFolder, 'quits-access.json')
    const access = JSON.parse(await readFile(path, 'utf8')) as { port: number }
    const taken = Number(new URL(other.url).port)
    await writeFile(path, JSON.stringify({ ...access, port: taken }))

    const again = await start()

    expect(Number(new URL(again.url).port)).not.toBe(taken)
    expect(again.url).not.toBe(other.url)
  } finally {
    await other.stop()
    await rm(other.dataFolder, { recursive: true, force: true })
  }
})

test('a start that was killed while it made the database leaves nothing that stops the next', async () => {
  await mkdir(join(home, 'postgres.new', 'base'), { recursive: true })
  await writeFile(join(home, 'postgres.starting'), `999999999 ${(await import('node:os')).hostname()} 0`)
  const server = await start()
  expect(await ask(server.url, 'select current_database() as name')).toEqual([{ name: 'quits' }])
})

// Only root needs the detour, so elsewhere there is nothing to prove.
if (process.getuid?.() === 0) {
  test('as root with a closed home the data stand where the database’s account may go, and stay there', async () => {
    await mkdir(home)
    await chmod(home, 0o700)
    const said: string[] = []
    const server = await startEmbeddedPostgres({ home, log: (line) => said.push(line) })
    opened.push(server)
    expect(server.dataFolder.startsWith(home)).toBe(false)
    expect(said.join('\n')).toContain(server.dataFolder)
    await chmod(home, 0o755)
    const beside = await start()
    expect(beside).toMatchObject({ dataFolder: server.dataFolder, adopted: true })
  })
}

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ home })
  opened.push(server)
  return server
}

async function startElsewhere(): Promise<{ child: ChildProcess; url: string; dataFolder: string }> {
  const module = new URL('../../src/kit/embedded-postgres.ts', import.meta.url).href
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(module)}
    const server = await startEmbeddedPostgres({ home: ${JSON.stringify(home)} })
    process.send({ url: server.url, dataFolder: server.dataFolder })
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(child)
  const [message] = await new Promise<[{ url: string; dataFolder: string }]>((resolve, reject) => {
    child.once('message', (told) => resolve([told as { url: string; dataFolder: string }]))
    child.once('exit', (code) => reject(new Error(`the other program ended with ${code}`)))
  })
  return { child, ...message }
}

function once(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

async function serverNumber(dataFolder: string): Promise<number> {
  return Number((await readFile(join(dataFolder, 'postmaster.pid'), 'utf8')).split('\n')[0])
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}
