/**
 * The ledger as an hledger journal: one journal entry a transfer that moves, holds as comments, balances asserted.
 *
 * Keeps: hledger itself finds any balance that is not ours. Free text stands nowhere but in account names and one comment.
 */
import { idText } from '../../kit/ids.ts'
import { formatAmount } from '../../kit/money.ts'
import {
  causeReference,
  type ExportedAccount,
  type ExportedTransfer,
  type Format,
  isMove,
  onOneLine,
  type Part,
} from './part.ts'

const openingAccount = 'equity:opening'

export const hledger: Format = {
  fileEnding: 'journal',
  contentType: 'text/plain',
  *begin({ network, own, from, to, before, head }) {
    const { currency, scale } = network
    yield `; The ledger of ${onOneLine(network.name)}${own ? `, the account of ${onOneLine(own.name)}` : ''}\n`
    yield `; from ${from ?? 'the beginning'} to ${to ?? 'the end'}; after transfer ${before.number} ${before.hash}\n`
    yield `; head ${head.number} ${head.hash}\n`
    // A decimal mark must stand there even when nothing follows it.
    yield `decimal-mark .\ncommodity ${scale === 0 ? '1000.' : formatAmount(10n ** BigInt(scale) * 1000n, scale)} ${currency}\n`
    if (own && from) yield `account ${openingAccount}\n`
  },
  *account(account) {
    const member = account.memberId ? `, member: ${idText('member', account.memberId)}` : ''
    yield `account ${accountName(account)}  ; kind: ${account.kind}${member}\n`
  },
  *opening(balances, part) {
    const some = balances.filter((one) => one.minor !== 0n)
    if (some.length === 0) return
    yield `\n${part.dayBefore} * opening balances\n`
    for (const { account, minor } of some) yield side(accountName(account), minor, part)
    // All of a network sum to zero; one account alone does not.
    if (part.own) yield side(openingAccount, -some.reduce((total, one) => total + one.minor, 0n), part)
  },
  *transfer(transfer, part) {
    if (!isMove(transfer.kind)) {
      yield `\n; ${holdWords(transfer, part)}\n`
      return
    }
    const { debit, credit, amountMinor } = transfer
    yield `\n${transfer.bookedOn} * (${transfer.number}) ${transfer.kind} ${causeReference(transfer)}\n`
    yield `    ; transfer: ${idText('transfer', transfer.id)}, posting: ${idText('posting', transfer.postingId)}\n`
    yield `    ; recorded: ${transfer.recordedAt.toISOString()}, hash: ${transfer.hash}\n`
    if (transfer.reversesId) yield `    ; reverses: ${idText('transfer', transfer.reversesId)}\n`
    if (transfer.holdId) yield `    ; hold: ${idText('transfer', transfer.holdId)}\n`
    yield side(accountName(debit), -amountMinor, part)
    yield side(accountName(credit), amountMinor, part)
  },
  *balances(day, balances, part) {
    if (balances.length === 0) return
    yield `\n${day} * balances\n`
    for (const { account, minor } of balances)
      yield `    ${accountName(account)}  ${amount(0n, part)} = ${amount(minor, part)}\n`
  },
  *end({ transfers, last }, { head }) {
    yield `\n; whole: ${transfers} transfers, last ${last.number} ${last.hash}, head ${head.number} ${head.hash}\n`
  },
}

/** What hledger reads as structure (colons, two blanks, semicolons, brackets, tabs) is a dash; the id makes it unique. */
export function accountName(account: ExportedAccount): string {
  const plain = onOneLine(account.name.replace(/[^\p{L}\p{M}\p{N} '’&.,+_/-]+/gu, '-'))
  return `${account.kind === 'member' ? 'members' : 'network'}:${plain} ${idText('account', account.id)}`
}

function side(name: string, minor: bigint, part: Part): string {
  return `    ${name}  ${amount(minor, part)}\n`
}

function amount(minor: bigint, { network }: Part): string {
  return `${formatAmount(minor, network.scale)} ${network.currency}`
}

/** A hold moves nothing, so that it is told and not counted. */
export function holdWords(transfer: ExportedTransfer, part: Part): string {
  const { number, kind, bookedOn, debit, credit, holdId, holdExpiresAt, holdPromised, hash } = transfer
  const what = kind === 'hold' ? ` ${amount(transfer.amountMinor, part)}` : ''
  const ends = holdId ? ` of ${idText('transfer', holdId)}` : ''
  const until = holdExpiresAt ? ` until ${holdExpiresAt.toISOString()}` : ''
  const sides = `from ${idText('account', debit.id)} to ${idText('account', credit.id)}`
  return `${bookedOn} (${number}) ${kind}${what}${ends} ${sides}${until}${holdPromised ? ', promised' : ''}, transfer ${idText('transfer', transfer.id)}, for ${transfer.causeKind} ${causeReference(transfer)}, hash ${hash}`
}
