/** What an option names: a network by its short name or id, a member by its id, invoice prefix or exact name. */
import type { Tx } from '../kit/db.ts'
import { idFromText, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Member, membersOf } from '../networks/member.ts'
import { type Network, networksSeen } from '../networks/network.ts'
import { BadUse, type Options, textOf } from './terminal.ts'

const mostMembers = 100_000
export const networkOption = ['--network <name>', 'short name or id; may be left out when there is only one'] as const
export const memberOption = ['--member <name>', 'id, invoice prefix or exact name'] as const

export const organisationOption = ['--organisation <name>', 'whose book: its id or exact name'] as const

export async function networkNamed(tx: Tx, options: Options): Promise<Network> {
  const name = textOf(options, 'network')
  const networks = await networksSeen(tx)
  const [only] = networks
  if (name === undefined) {
    if (only && networks.length === 1) return only
    throw new BadUse(`There are ${networks.length} networks; name one with --network.`)
  }
  const id = idFromText('network', name)
  const found = networks.find((one) => one.slug === name || one.id === id)
  if (!found) throw new Refusal('not_found', { thing: `network "${name}"` })
  return found
}

/** Those that the options leave: one network, or all of them. */
export async function networksNamed(tx: Tx, options: Options): Promise<Network[]> {
  return textOf(options, 'network') === undefined ? networksSeen(tx) : [await networkNamed(tx, options)]
}

export async function memberNamed(tx: Tx, network: Network, name: string): Promise<Member> {
  const id = idFromText('member', name)
  const members = await membersOf(tx, network.id, { limit: mostMembers })
  const found = members.filter((one) => one.id === id || one.invoicePrefix === name || one.organisation.name === name)
  const [member] = found
  if (!member) throw new Refusal('not_found', { thing: `member "${name}" in ${network.name}` })
  if (found.length > 1) throw new BadUse(`${found.length} members answer to "${name}"; name one by its id.`)
  return member
}

export async function organisationNamed(tx: Tx, name: string): Promise<Uuid> {
  const id = idFromText('organisation', name)
  const found = await tx.organisation.findMany({ where: id ? { id } : { name }, select: { id: true }, take: 2 })
  const [organisation] = found
  if (!organisation) throw new Refusal('not_found', { thing: `organisation "${name}"` })
  if (found.length > 1) throw new BadUse(`Several organisations are called "${name}"; name one by its id.`)
  return organisation.id
}
