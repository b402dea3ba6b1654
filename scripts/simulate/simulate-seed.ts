/**
 * One seed, from its first trade to the last oracle.
 *
 * Keeps: nothing but the seed decides what happens; the log of two runs of it is the same, line for line.
 */
import { calm } from './calm.ts'
import { type Command, commandsOf } from './commands.ts'
import { doCommand, Unforeseen } from './do-command.ts'
import { type Broken, brokenOracles } from './oracles.ts'
import type { Town } from './town.ts'
import { apps } from './worker-in-hand.ts'
import { openWorld, type World } from './world.ts'

export type Played = { seed: number; commands: Command[]; broken: Broken[]; log: string[] }

/** A token turned over without our hearing of it can be asked for once more, at this vendor, for so long. */
const graceMs = 29 * 60_000
const mostAttempts = 60

export async function simulate(town: Town, seed: number, commands: Command[] = commandsOf(seed)): Promise<Played> {
  const world = await openWorld(town, seed)
  const broken: Broken[] = []
  let isWhole = false
  try {
    for (const command of commands) {
      const outcome = await doCommand(world, command)
      world.tell(`${JSON.stringify(command)} → ${outcome}`)
      broken.push(...(await lostPermissions(world)))
    }
    await calm(world)
    const secrets = [...Object.values(apps).map((app) => app.clientSecret), ...world.secrets]
    const { deps } = world.worker(0)
    const { networkId, firms } = town
    const { isTouched, said } = world
    broken.push(...(await brokenOracles({ deps, networkId, books: firms, isTouched, secrets, said, mostAttempts })))
    isWhole = true
  } catch (error) {
    if (!(error instanceof Unforeseen)) throw error
    broken.push({ oracle: 'O6', says: `unforeseen: ${error.message}` })
  } finally {
    await world.end(!isWhole)
  }
  return { seed, commands, broken, log: world.log }
}

/** A connection that waits for a sign-in though nobody took its permission away, and no token was lost for longer than its grace. */
async function lostPermissions(world: World): Promise<Broken[]> {
  const rows = await world.query<{ id: string; name: string }>(
    `select id, book_name as name from connection where state = 'needs_sign_in'`,
  )
  return rows.flatMap(({ id, name }): Broken[] => {
    const firm = world.town.firms.find((one) => one.connectionId === id)
    if (!firm || world.withoutPermission.has(id)) return []
    world.withoutPermission.add(id)
    const lostAt = world.tokenLostAt.get(firm.vendor)
    if (lostAt !== undefined && world.time.now().getTime() - lostAt > graceMs) return []
    return [{ oracle: 'O6', says: `${name} needs a sign-in though nobody took its permission away` }]
  })
}
