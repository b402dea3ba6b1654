/**
 * The ledger as CSV: one table for everything, the column `record` says what a line is.
 *
 * Keeps: all that the hash of a transfer is made of, so that the chain can be worked out again from the file alone.
 */
import { csvLine } from '../../kit/csv.ts'
import { formatAmount } from '../../kit/money.ts'
import { type Balance, causeReference, type ExportedAccount, type Format, onOneLine, type Part } from './part.ts'

const columns = [
  ...[
    'record',
    'number',
    'id',
    'posting_id',
    'kind',
    'debit_account_id',
    'debit_name',
    'credit_account_id',
    'credit_name',
  ],
  ...[
    'amount',
    'amount_minor',
    'currency',
    'scale',
    'cause_kind',
    'cause_id',
    'cause_reference',
    'reverses_id',
    'hold_id',
  ],
  ...['hold_expires_at', 'hold_promised', 'booked_on', 'recorded_at', 'hash', 'network_id', 'account_id', 'member_id'],
  ...['name', 'from', 'to', 'transfers'],
] as const
type Cells = Partial<Record<(typeof columns)[number], string>>

export const csv: Format = {
  fileEnding: 'csv',
  contentType: 'text/csv',
  *begin(part) {
    const { network, before, own, from, to } = part
    yield csvLine([...columns])
    // The chain before the first transfer stands here, so that the first line's hash can be worked out too.
    yield line({
      ...{ record: 'ledger', network_id: network.id, name: onOneLine(network.name), from: from ?? '', to: to ?? '' },
      ...{ currency: network.currency, scale: String(network.scale), account_id: own?.id ?? '' },
      ...{ number: String(before.number), hash: before.hash },
    })
  },
  *account(account) {
    yield line({ record: 'account', ...named(account), kind: account.kind, member_id: account.memberId ?? '' })
  },
  *opening(balances, part) {
    yield* balances.map((balance) => balanceLine('opening', balance, part))
  },
  *transfer(transfer, part) {
    yield line({
      ...{ record: 'transfer', number: String(transfer.number), id: transfer.id, posting_id: transfer.postingId },
      ...{ kind: transfer.kind, debit_account_id: transfer.debit.id, debit_name: onOneLine(transfer.debit.name) },
      ...{ credit_account_id: transfer.credit.id, credit_name: onOneLine(transfer.credit.name) },
      ...amount(transfer.amountMinor, part),
      ...{ cause_kind: transfer.causeKind, cause_id: transfer.causeId, cause_reference: causeReference(transfer) },
      ...{ reverses_id: transfer.reversesId ?? '', hold_id: transfer.holdId ?? '' },
      hold_expires_at: transfer.holdExpiresAt?.toISOString() ?? '',
      hold_promised: transfer.holdPromised ? 'promised' : '',
      ...{ booked_on: transfer.bookedOn, recorded_at: transfer.recordedAt.toISOString(), hash: transfer.hash },
      network_id: part.network.id,
    })
  },
  *balances(day, balances, part, isEnd) {
    if (isEnd) for (const balance of balances) yield balanceLine('balance', balance, part, day)
  },
  *end({ transfers, last }) {
    yield line({ record: 'end', transfers: String(transfers), number: String(last.number), hash: last.hash })
  },
}

function line(cells: Cells): string {
  return csvLine(columns.map((column) => cells[column] ?? ''))
}

function named(account: ExportedAccount): Cells {
  return { account_id: account.id, name: onOneLine(account.name) }
}

function amount(minor: bigint, { network }: Part): Cells {
  const { currency, scale } = network
  return { amount: formatAmount(minor, scale), amount_minor: String(minor), currency, scale: String(scale) }
}

function balanceLine(record: string, { account, minor }: Balance, part: Part, day = ''): string {
  return line({ record, ...named(account), ...amount(minor, part), booked_on: day })
}
