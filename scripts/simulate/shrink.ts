/** The shortest list of commands that still breaks the same oracle: what can be left out is left out, in ever smaller pieces. */
import type { Command } from './commands.ts'
import type { Played } from './simulate-seed.ts'

export type Shrunk = Pick<Played, 'broken' | 'commands'>

/** Each try plays the whole list again. */
const mostTries = 120

export async function shrink(
  play: (commands: Command[]) => Promise<Played>,
  failed: Played,
  most = mostTries,
): Promise<Shrunk> {
  const oracle = failed.broken[0]?.oracle
  let best: Shrunk = failed
  let tries = 0
  const breaks = async (commands: Command[]): Promise<boolean> => {
    if (tries >= most) return false
    tries += 1
    const done = await play(commands)
    if (!done.broken.some((one) => one.oracle === oracle)) return false
    best = { broken: done.broken, commands }
    return true
  }
  let size = Math.ceil(best.commands.length / 2)
  while (size >= 1 && tries < most) {
    let isShorter = false
    for (let at = 0; at < best.commands.length; ) {
      const without = [...best.commands.slice(0, at), ...best.commands.slice(at + size)]
      if (without.length < best.commands.length && (await breaks(without))) isShorter = true
      else at += size
    }
    if (!isShorter || size > 1) size = size === 1 ? 0 : Math.floor(size / 2)
  }
  return best
}
