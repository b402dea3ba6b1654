/** The ledger asked from the command line: is it whole, and what does one account say. */
import type { Command } from 'commander'
import { isDay } from '../kit/clock.ts'
import { idText } from '../kit/ids.ts'
import { formatAmount, showAmount } from '../kit/money.ts'
import { auditNetwork } from '../ledger/audit.ts'
import { formatNames } from '../ledger/export/export-ledger.ts'
import { type StatementEntry, statement } from '../ledger/statement.ts'
import { exportNow } from './export.ts'
import { memberNamed, memberOption, networkNamed, networkOption, networksNamed } from './find.ts'
import { holdCommands } from './holds.ts'
import { inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

const entriesAtOnce = 1_000

export function ledgerCommands(program: Command, asking: Asking): void {
  leaf(program, asking, {
    name: 'audit',
    says: 'prove the ledger: every named truth, kept as a run; 2 when one is broken',
    options: [['--network <name>', 'short name or id; else every network']],
    work: auditNow,
  })
  leaf(program, asking, {
    name: 'statement',
    says: 'a member’s entries with opening and closing balance',
    options: [networkOption, memberOption, ['--from <day>', 'YYYY-MM-DD'], ['--to <day>', 'YYYY-MM-DD']],
    work: statementOf,
  })
  leaf(program, asking, {
    name: 'export',
    says: 'the whole ledger as a file that other programs read (docs/exports.md)',
    options: [
      networkOption,
      ['--format <format>', formatNames.join(', ')],
      ['--member <name>', 'one member’s account alone'],
      ['--from <day>', 'YYYY-MM-DD'],
      ['--to <day>', 'YYYY-MM-DD'],
      ['--out <file>', 'else standard output'],
    ],
    work: (_asking, _args, options) =>
      exportNow(asking, options, { from: dayFrom(options, 'from'), to: dayFrom(options, 'to') }),
  })
  holdCommands(program, asking)
}

async function auditNow(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const networks = await inWork(deps, (tx) => networksNamed(tx, options))
    const found = []
    for (const network of networks) {
      const { holds, truths, head } = await auditNetwork(deps, network.id)
      const { number, bookedOn } = head
      const shown = { number, hash: Buffer.from(head.hash).toString('hex'), bookedOn }
      found.push({ network: network.slug, id: idText('network', network.id), holds, truths, head: shown })
    }
    const text = found.flatMap(({ network, holds, truths, head }) => [
      `${network}: ${holds ? 'all holds' : 'DOES NOT HOLD'}; head ${head.number} ${head.hash}`,
      ...truths.map(
        (truth) =>
          `  ${truth.holds ? 'holds ' : 'BROKEN'}  ${truth.name}${truth.holds ? '' : `: ${truth.offenders.join(', ')}`}`,
      ),
    ])
    const exit = found.every((one) => one.holds) ? 0 : 2
    return { json: found, text: text.join('\n') || 'No networks.', exit }
  })
}

async function statementOf(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const from = dayFrom(options, 'from')
  const to = dayFrom(options, 'to')
  const name = mustHave(options, 'member')
  return withHouse(asking, async (deps) => {
    const { network, member, ...told } = await inWork(deps, async (tx) => {
      const network = await networkNamed(tx, options)
      const member = await memberNamed(tx, network, name)
      const entries: StatementEntry[] = []
      const ask = { networkId: network.id, accountId: member.accountId, from, to, limit: entriesAtOnce }
      let part = await statement(tx, { ...ask, after: null })
      entries.push(...part.entries)
      while (part.next !== null) {
        part = await statement(tx, { ...ask, after: part.next })
        entries.push(...part.entries)
      }
      return { network, member, entries, openingMinor: part.openingMinor, closingMinor: part.closingMinor }
    })
    const amount = (minor: bigint) => formatAmount(minor, network.scale)
    const rows = told.entries.map((entry) => [
      entry.bookedOn,
      entry.kind,
      amount(entry.amountMinor),
      amount(entry.afterMinor),
      idText('transfer', entry.transferId),
    ])
    const whole = (minor: bigint) => showAmount(minor, network.currency, network.scale)
    const json = {
      member: idText('member', member.id),
      name: member.organisation.name,
      currency: network.currency,
      from,
      to,
      openingMinor: told.openingMinor,
      closingMinor: told.closingMinor,
      entries: told.entries.map(({ bookedOn, recordedAt, kind, amountMinor, afterMinor, transferId, number }) => ({
        bookedOn,
        recordedAt,
        kind,
        amountMinor,
        afterMinor,
        transferId: idText('transfer', transferId),
        number,
      })),
    }
    const text = [
      `${member.organisation.name}, ${network.name}`,
      `Opening balance ${whole(told.openingMinor)}`,
      columns([['day', 'what', 'amount', 'balance', 'transfer'], ...rows], 'No entries.'),
      `Closing balance ${whole(told.closingMinor)}`,
    ]
    return { json, text: text.join('\n') }
  })
}

function dayFrom(options: Options, name: string): string | null {
  const day = textOf(options, name)
  if (day !== undefined && !isDay(day)) throw new BadUse(`--${name} "${day}" is no day; write it as YYYY-MM-DD.`)
  return day ?? null
}
