/** Members' books: do they agree with the ledger. */
import type { Command } from 'commander'
import { openConnectionOf } from '../books/connection.ts'
import type { Tx } from '../kit/db.ts'
import { idText } from '../kit/ids.ts'
import { showAmount } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import { type Member, membersOf } from '../networks/member.ts'
import type { Network } from '../networks/network.ts'
import { type Reconciliation, reconcileBook } from '../reconcile/run.ts'
import { memberNamed, memberOption, networksNamed } from './find.ts'
import { actor, type HouseDeps, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, type Options, textOf } from './terminal.ts'

const mostMembers = 100_000
const anyNetwork = ['--network <name>', 'short name or id; else every network'] as const

export function bookCommands(program: Command, asking: Asking): void {
  leaf(program, asking, {
    name: 'reconcile',
    says: 'read live books back and compare them with the ledger; 2 when something disagrees',
    options: [anyNetwork, memberOption],
    work: reconcile,
  })
}

type Compared = { network: Network; member: Member; run: Reconciliation | null; refused: string | null }

async function reconcile(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const due = await inWork(deps, (tx) => liveBooks(tx, options))
    const found: Compared[] = []
    for (const one of due) found.push({ ...one, ...(await compared(deps, one)) })
    const rows = found.map(({ network, member, run, refused }) => {
      const amount = (minor: bigint | null | undefined) =>
        minor === null || minor === undefined ? '?' : showAmount(minor, network.currency, network.scale)
      const verdict = refused ?? (agrees(run) ? 'agrees' : `${run?.discrepancies ?? 0} disagree`)
      return [
        network.slug,
        amount(run?.ledgerMinor),
        amount(run?.bookMinor),
        amount(run?.driftMinor),
        `${member.organisation.name}: ${verdict}`,
      ]
    })
    return {
      json: found.map(({ network, member, run, refused }) => ({
        network: network.slug,
        member: idText('member', member.id),
        name: member.organisation.name,
        agrees: agrees(run),
        refused,
        run: run && { ...run, id: idText('reconciliation', run.id), networkId: undefined, organisationId: undefined },
      })),
      text: columns([['network', 'ledger', 'book', 'drift', 'member'], ...rows], 'No live book to reconcile.'),
      exit: found.every(({ run }) => agrees(run)) ? 0 : 2,
    }
  })
}

function agrees(run: Reconciliation | null): boolean {
  return run?.state === 'done' && run.driftMinor === 0n && run.discrepancies === 0
}

async function compared(
  deps: HouseDeps,
  { network, member }: { network: Network; member: Member },
): Promise<Pick<Compared, 'run' | 'refused'>> {
  try {
    const ask = { networkId: network.id, organisationId: member.organisationId, actor }
    return { run: await reconcileBook(deps, ask), refused: null }
  } catch (error) {
    if (error instanceof Refusal) return { run: null, refused: `${error.says} ${error.fix}` }
    throw error
  }
}

/** A member that is named is asked for even when it has no live book, so that it is told. */
async function liveBooks(tx: Tx, options: Options): Promise<{ network: Network; member: Member }[]> {
  const name = textOf(options, 'member')
  const networks = await networksNamed(tx, options)
  if (name !== undefined) {
    const [network] = networks
    if (!network || networks.length > 1) throw new BadUse('--member needs --network.')
    return [{ network, member: await memberNamed(tx, network, name) }]
  }
  const due = []
  for (const network of networks)
    for (const member of await membersOf(tx, network.id, { limit: mostMembers })) {
      const connection = await openConnectionOf(tx, member.organisationId)
      if (connection?.state !== 'live') continue
      const key = { connectionId: connection.id, networkId: network.id }
      const mapping = await tx.mapping.findUnique({ where: { connectionId_networkId: key } })
      if (mapping?.confirmedAt) due.push({ network, member })
    }
  return due
}
