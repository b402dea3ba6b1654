/**
 * Writes down which migrations have been released, as a database that ran them remembers them: `npx tsx scripts/mark-released.ts`
 * at each release. From then on test/kit/released.test.ts holds this checkout to them.
 */
import { writeFileSync } from 'node:fs'
import { readMigrations } from '../src/kit/migrate.ts'

const lines = readMigrations().map(({ name, checksum, parts }) => `  ${JSON.stringify({ name, checksum, parts })}`)
writeFileSync(new URL('../prisma/released.json', import.meta.url), `[\n${lines.join(',\n')}\n]\n`)
