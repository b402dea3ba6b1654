/**
 * The ledger as JSON lines: one object a line, `record` says what it is. Amounts are strings of whole minor units.
 *
 * Keeps: all that the hash of a transfer is made of, so that the chain can be worked out again from the file alone.
 */
import { formatAmount } from '../../kit/money.ts'
import { type Balance, causeReference, type Format, type Part } from './part.ts'

export const jsonLines: Format = {
  fileEnding: 'jsonl',
  contentType: 'application/jsonl',
  *begin({ network, own, from, to, before, head }) {
    const { id, slug, name, currency, scale, timeZone } = network
    const told = { network: { id, slug, name }, currency, scale, timeZone, accountId: own?.id ?? null, from, to }
    yield line({ record: 'ledger', ...told, before, head })
  },
  *account({ id, kind, memberId, name }) {
    yield line({ record: 'account', id, kind, memberId, name })
  },
  *opening(balances, part) {
    yield* balances.map((balance) => line({ record: 'opening', ...balanceOf(balance, part) }))
  },
  *transfer(transfer, part) {
    const { debit, credit, causeKind, causeId, amountMinor, bookedOn, recordedAt, hash, ...rest } = transfer
    yield line({
      record: 'transfer',
      ...rest,
      debitAccountId: debit.id,
      debitName: debit.name,
      creditAccountId: credit.id,
      creditName: credit.name,
      amountMinor,
      amount: formatAmount(amountMinor, part.network.scale),
      causeKind,
      causeId,
      causeReference: causeReference(transfer),
      bookedOn,
      recordedAt,
      hash,
    })
  },
  *balances(day, balances, part, isEnd) {
    if (!isEnd) return
    for (const balance of balances) yield line({ record: 'balance', bookedOn: day, ...balanceOf(balance, part) })
  },
  *end({ transfers, last }, { head }) {
    yield line({ record: 'end', transfers, last, head })
  },
}

function balanceOf({ account, minor }: Balance, { network }: Part) {
  return { accountId: account.id, balanceMinor: minor, balance: formatAmount(minor, network.scale) }
}

function line(value: object): string {
  return `${JSON.stringify(value, (_name, one: unknown) => (typeof one === 'bigint' ? one.toString() : one))}\n`
}
