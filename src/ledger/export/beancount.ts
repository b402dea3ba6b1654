/**
 * The ledger as a beancount file: one of its entries a transfer that moves, holds as comments, balances asserted to the penny.
 *
 * Keeps: beancount itself finds any balance that is not ours. Every free text is a string with its quotes escaped.
 */
import { addDays } from '../../kit/clock.ts'
import { idText } from '../../kit/ids.ts'
import { formatAmount } from '../../kit/money.ts'
import { holdWords } from './hledger.ts'
import { causeReference, type ExportedAccount, type Format, isMove, onOneLine, type Part } from './part.ts'

const openingAccount = 'Equity:Opening'
const longestName = 40

export const beancount: Format = {
  fileEnding: 'beancount',
  contentType: 'text/plain',
  *begin({ network, own, from, to, before, head, dayBefore }) {
    const title = `The ledger of ${onOneLine(network.name)}${own ? `, the account of ${onOneLine(own.name)}` : ''}`
    yield `; from ${from ?? 'the beginning'} to ${to ?? 'the end'}; after transfer ${before.number} ${before.hash}\n`
    yield `; head ${head.number} ${head.hash}\n`
    yield `option "title" ${text(title)}\noption "operating_currency" "${network.currency}"\n`
    yield `${dayBefore} commodity ${network.currency}\n`
    if (own && from) yield `${dayBefore} open ${openingAccount} ${network.currency}\n`
  },
  *account(account, part) {
    yield `${part.dayBefore} open ${accountName(account)} ${part.network.currency}\n  name: ${text(account.name)}\n`
    yield `  account: "${idText('account', account.id)}"\n  kind: "${account.kind}"\n`
    if (account.memberId) yield `  member: "${idText('member', account.memberId)}"\n`
  },
  *opening(balances, part) {
    const some = balances.filter((one) => one.minor !== 0n)
    if (some.length === 0) return
    yield `\n${part.dayBefore} * "opening balances"\n`
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
    yield `\n${transfer.bookedOn} * "${transfer.kind} ${causeReference(transfer)}"\n  number: "${transfer.number}"\n`
    yield `  transfer: "${idText('transfer', transfer.id)}"\n  posting: "${idText('posting', transfer.postingId)}"\n`
    yield `  recorded: "${transfer.recordedAt.toISOString()}"\n  hash: "${transfer.hash}"\n`
    if (transfer.reversesId) yield `  reverses: "${idText('transfer', transfer.reversesId)}"\n`
    if (transfer.holdId) yield `  hold: "${idText('transfer', transfer.holdId)}"\n`
    yield side(accountName(debit), -amountMinor, part)
    yield side(accountName(credit), amountMinor, part)
  },
  *balances(day, balances, part) {
    // It asks at the beginning of a day, and would forgive a penny unless told not to.
    if (balances.length > 0) yield '\n'
    for (const { account, minor } of balances)
      yield `${addDays(day, 1)} balance ${accountName(account)}  ${formatAmount(minor, part.network.scale)} ~ 0 ${part.network.currency}\n`
  },
  *end({ transfers, last }, { head }) {
    yield `\n; whole: ${transfers} transfers, last ${last.number} ${last.hash}, head ${head.number} ${head.hash}\n`
  },
}

/** Letters and digits that every version takes, and the id, which makes it unique whatever is left of the name. */
export function accountName(account: ExportedAccount): string {
  const plain = account.name
    .normalize('NFKD')
    .replace(/\p{M}+|['’]/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, longestName)
    .replace(/-+$/, '')
  const group = account.kind === 'member' ? 'Members' : 'Network'
  const id = idText('account', account.id).slice('acc_'.length)
  return `Assets:${group}:${plain === '' ? 'Account' : plain.charAt(0).toUpperCase() + plain.slice(1)}-${id}`
}

function side(name: string, minor: bigint, part: Part): string {
  return `  ${name}  ${formatAmount(minor, part.network.scale)} ${part.network.currency}\n`
}

function text(words: string): string {
  return `"${onOneLine(words).replace(/[\\"]/g, (sign) => `\\${sign}`)}"`
}
