/** How a failed seed is told: its number, what it broke, and the commands that break it. */
import type { Played } from './simulate-seed.ts'

export function failureText({ seed, broken, commands }: Pick<Played, 'seed' | 'broken' | 'commands'>): string {
  return [
    `SEED=${seed}`,
    ...broken.map(({ oracle, says }) => `  ${oracle} ${says}`),
    `  by these ${commands.length} commands:`,
    ...commands.map((one) => `    ${JSON.stringify(one)}`),
  ].join('\n')
}
