/** Holds on the command line: what is reserved in a network, and freeing one. */
import type { Command } from 'commander'
import { reasonsOfHolds, releaseHeld } from '../fees/hold-credits.ts'
import { idFromText, idText } from '../kit/ids.ts'
import { showAmount } from '../kit/money.ts'
import { holdOf, openHolds } from '../ledger/hold.ts'
import { yesOf } from '../outbox/post-and-promise.ts'
import { networkNamed, networkOption } from './find.ts'
import { actor, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options } from './terminal.ts'

const mostShown = 500

export function holdCommands(program: Command, asking: Asking): void {
  const holds = program.command('holds').description('credits reserved and not yet moved')
  leaf(holds, asking, {
    name: 'list',
    says: `open holds of a network, oldest first, at most ${mostShown}`,
    options: [networkOption],
    work: list,
  })
  leaf(holds, asking, {
    name: 'release <hold>',
    says: 'free all that is held; nothing moves',
    options: [networkOption, ['--reason <words>', 'why']],
    work: release,
  })
}

async function list(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const { network, holds, reasons } = await inWork(deps, async (tx) => {
      const network = await networkNamed(tx, options)
      const holds = await openHolds(tx, network.id, mostShown)
      const ids = holds.map(({ id }) => id)
      return { network, holds, reasons: await reasonsOfHolds(tx, network.id, ids) }
    })
    const shown = holds.map((hold) => ({
      id: idText('transfer', hold.id),
      debitAccountId: idText('account', hold.debit),
      creditAccountId: idText('account', hold.credit),
      amountMinor: hold.amountMinor,
      currency: network.currency,
      expiresAt: hold.expiresAt,
      promised: hold.promised,
      tradeId: hold.causeKind === 'trade' ? idText('trade', hold.causeId) : null,
      reason: reasons.get(hold.id) ?? null,
      recordedAt: hold.recordedAt,
    }))
    const rows = shown.map((one) => [
      one.id,
      showAmount(one.amountMinor, network.currency, network.scale),
      one.recordedAt.toISOString(),
      one.promised ? 'promised' : (one.expiresAt?.toISOString() ?? ''),
      one.tradeId ?? one.reason ?? '',
    ])
    return { json: shown, text: columns([['id', 'amount', 'since', 'until', 'what for'], ...rows], 'Nothing is held.') }
  })
}

async function release(asking: Asking, [text = '']: string[], options: Options): Promise<Answer> {
  const id = idFromText('transfer', text)
  if (!id) throw new BadUse(`"${text}" is no id of a hold.`)
  const reason = mustHave(options, 'reason')
  return withHouse(asking, async (deps) => {
    const { network, hold } = await inWork(deps, async (tx) => {
      const network = await networkNamed(tx, options)
      return { network, hold: await holdOf(tx, network.id, id) }
    })
    yesOf(await releaseHeld(deps, { networkId: network.id, hold, reason, actor }))
    const amount = showAmount(hold.amountMinor, network.currency, network.scale)
    return { json: { id: text, state: 'released' }, text: `${amount} released.` }
  })
}
