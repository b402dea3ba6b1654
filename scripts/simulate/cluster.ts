/**
 * A real Postgres of its own with fsync on, in a data folder of its own: killed as hard as an operating system can, and
 * started again on what it left.
 *
 * Never: signals a process that is not the server of this folder or a child of it.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Db, openDb } from '../../src/kit/db.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/kit/embedded-postgres.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { migrate } from '../../src/kit/migrate.ts'
import { codeOf, isAlive, run } from '../../src/kit/system.ts'

export type Cluster = {
  home: string
  db(): Db
  url(): string
  /** The server and all its children at once, or the server alone: its children must find out. */
  kill(what: 'all' | 'postmaster'): Promise<void>
  /** One process that serves a writer. False: none was found. */
  killBackend(applicationName: string, place: number): Promise<boolean>
  restart(): Promise<void>
  /** After one backend was killed the server restarts by itself. */
  untilItAnswers(): Promise<void>
  end(): Promise<void>
}

const answersWithinMs = 60_000
/** The writers of a simulation, as the server sees them. */
export const writersName = 'simulated_writer'

export async function openCluster(say: (line: string) => void): Promise<Cluster> {
  const home = await mkdtemp(join(tmpdir(), 'quits-simulate-'))
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ home, log: say })
  let db: Db | null = null
  const postmaster = async () =>
    Number((await readFile(join(server.dataFolder, 'postmaster.pid'), 'utf8')).split('\n')[0])
  const open = () => {
    db ??= openDb(server.url, { connections: 3, writers: 1 })
    return db
  }
  const close = async () => {
    await db?.close()
    db = null
  }
  const cluster: Cluster = {
    home,
    db: open,
    url: () => `${server.url}&application_name=${writersName}`,
    async kill(what) {
      await close()
      const first = await postmaster()
      const children = what === 'all' ? await childrenOf(first) : []
      for (const pid of [first, ...children]) killHard(pid)
      const end = performance.now() + answersWithinMs
      while ([first, ...children].some(isAlive)) {
        invariant(performance.now() < end, 'a killed database does not die')
        await pause(5)
      }
    },
    async killBackend(applicationName, place) {
      const { rows } = await open().pool.query(
        `select pid from pg_stat_activity where application_name = $1 order by state = 'active' desc, pid`,
        [applicationName],
      )
      const found = rows[place % Math.max(rows.length, 1)]
      if (!found) return false
      invariant((await childrenOf(await postmaster())).includes(found.pid), 'that process is not this server’s')
      await close()
      killHard(found.pid)
      return true
    },
    async restart() {
      // Its session died with the server, so it lets go of nothing and stops nothing.
      await server.stop()
      server = await startEmbeddedPostgres({ home, log: say })
    },
    async untilItAnswers() {
      const end = performance.now() + answersWithinMs
      for (;;) {
        try {
          await open().pool.query('select 1')
          return
        } catch (error) {
          if (performance.now() > end) throw error
          await pause(50)
        }
      }
    },
    async end() {
      await close()
      await server.stop()
      await rm(server.dataFolder, { recursive: true, force: true })
      await rm(home, { recursive: true, force: true })
    },
  }
  try {
    await migrate(server.url)
    const { rows } = await open().pool.query('show fsync')
    invariant(rows[0]?.fsync === 'on', 'the database is not durable, so nothing is proven on it')
    return cluster
  } catch (error) {
    await cluster.end()
    throw error
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const { said } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  return said
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, of]) => (pid !== undefined && of === parent ? [pid] : []))
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}
