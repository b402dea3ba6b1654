/**
 * `npm run simulate -- <subject> …`: the long proofs, one file each under simulate/; without a subject, seeds over the whole service.
 * Each says with what it can be asked when it is asked wrongly. Exit code 1: something is broken. Progress is on standard error.
 */
type Subject = { run(args: string[]): Promise<number> }

const subjects: Record<string, () => Promise<Subject>> = {
  '': () => import('./simulate/seeds.ts'),
  bugs: () => import('./simulate/bugs.ts'),
  kill: () => import('./simulate/kill.ts'),
  ledger: () => import('./simulate/ledger-alone.ts'),
}

const [word = ''] = process.argv.slice(2)
const name = word.startsWith('-') ? '' : word
const subject = subjects[name]
if (!subject) {
  process.stderr.write(
    `Say what to simulate: npm run simulate -- [${Object.keys(subjects).filter(Boolean).join('|')}] [--seed n] [--json]\n`,
  )
  process.exit(1)
}
subject()
  .then(({ run }) => run(process.argv.slice(name ? 3 : 2)))
  .then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
