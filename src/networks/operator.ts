/** Who runs the installation. The first one is named from the command line, where no sign-in can be asked yet. */
import type { Clock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idText } from '../kit/ids.ts'
import { ensurePerson, type Person } from './person.ts'
import { recordDeed } from './record-deed.ts'

export async function makeOperator(tx: Tx, clock: Clock, email: string, name?: string): Promise<Person> {
  const { id } = await ensurePerson(tx, clock, { email, name: name ?? null })
  const person = await tx.person.update({ where: { id }, data: { isOperator: true } })
  await recordDeed(tx, clock, { actor: 'quits', what: 'operator_named', facts: { person: idText('person', id) } })
  return person
}
