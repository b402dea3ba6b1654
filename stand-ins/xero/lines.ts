/**
 * The lines of a document: what each is worth, its tax, and what they come to.
 *
 * Keeps: tax is reckoned line by line, half up to the penny, then summed; the unit price is rounded to two places before
 * it is multiplied unless the call says unitdp=4; quantities keep four.
 */
import { randomUUID } from 'node:crypto'
import { divideHalfUp, toJsonNumber, toMinor } from '../kit/decimals.ts'
import { Invalid, money } from './answers.ts'
import type { Account, Line, LineAmountTypes, TaxRate, XeroBook } from './book.ts'
import type { Element } from './elements.ts'

const fourPlaces = 10_000n
const wholePercent = 1_000_000n // 100 % with four places
const largestLineMinor = 999_999_999_999n

export interface LineRules {
  types: LineAmountTypes
  /** A draft may leave out what an approved document must have. */
  approved: boolean
  fourPlaceUnits: boolean
  discounts: boolean
}

export function linesFrom(book: XeroBook, asks: unknown, rules: LineRules): Line[] {
  if (!Array.isArray(asks) || asks.length === 0) throw new Invalid('One or more line items must be specified')
  const messages: string[] = []
  const lines = (asks as Element[]).flatMap((ask) => {
    try {
      return [lineFrom(book, ask, rules)]
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      messages.push(...error.messages)
      return []
    }
  })
  if (messages.length > 0) throw new Invalid(...new Set(messages))
  return lines
}

function lineFrom(book: XeroBook, ask: Element, rules: LineRules): Line {
  const quantity = ask.Quantity === undefined ? fourPlaces : toMinor(ask.Quantity as number, 4)
  const given = ask.LineAmount === undefined ? undefined : toMinor(ask.LineAmount as number)
  if (ask.UnitAmount === undefined && given === undefined && rules.approved)
    throw new Invalid('Unit amount or line amount must be specified')
  const unit =
    ask.UnitAmount === undefined
      ? quantity === 0n
        ? 0n
        : divideHalfUp((given ?? 0n) * 100n * fourPlaces, quantity)
      : rules.fourPlaceUnits
        ? toMinor(ask.UnitAmount as number, 4)
        : toMinor(ask.UnitAmount as number, 2) * 100n

  if (ask.DiscountRate !== undefined && !rules.discounts)
    throw new Invalid('Discounts are not valid for this document.')
  const off = ask.DiscountRate === undefined ? 0n : toMinor(ask.DiscountRate as number, 4)
  const reckoned = divideHalfUp(quantity * unit * (wholePercent - off), fourPlaces * 100n * wholePercent)
  const lineMinor = ask.UnitAmount === undefined && given !== undefined ? given : reckoned
  if (given !== undefined && given !== lineMinor)
    throw new Invalid(
      `The line total ${money(given).toFixed(2)} does not match the expected line total ${money(lineMinor).toFixed(2)}`,
    )
  if (lineMinor > largestLineMinor || lineMinor < -largestLineMinor) throw new Invalid('The line total is too large')

  const account = lineAccount(book, ask, rules.approved)
  const rate = taxRateFor(book, ask, account, rules.types)
  if (rules.approved && !ask.Description) throw new Invalid('Description is required')
  const own = taxOn(lineMinor, rate, rules.types)
  const taxMinor = ask.TaxAmount === undefined || rules.types === 'NoTax' ? own : toMinor(ask.TaxAmount as number)
  return {
    id: typeof ask.LineItemID === 'string' ? ask.LineItemID.toLowerCase() : randomUUID(),
    description: String(ask.Description ?? ''),
    quantity,
    unit,
    accountId: account?.id ?? null,
    taxType: rate?.taxType ?? 'NONE',
    lineMinor,
    taxMinor,
    ...(ask.DiscountRate === undefined ? {} : { discountRate: ask.DiscountRate as number }),
    ...(typeof ask.ItemCode === 'string' ? { itemCode: ask.ItemCode } : {}),
    tracking: Array.isArray(ask.Tracking) ? ask.Tracking : [],
  }
}

/** Bank accounts and the control accounts of debtors and creditors take no lines. */
export function lineAccount(book: XeroBook, ask: Element, needed: boolean): Account | undefined {
  const code = ask.AccountCode ?? ask.AccountID
  if (code === undefined || code === '') {
    if (needed) throw new Invalid('Account code or ID must be specified')
    return undefined
  }
  const account = book.accountBy(ask as { AccountID?: string; AccountCode?: string })
  if (account?.status === 'ARCHIVED')
    throw new Invalid(
      `Account code '${code}' has been archived, or has been deleted. Each line item must reference a valid account.`,
    )
  if (
    account === undefined ||
    account.type === 'BANK' ||
    ['DEBTORS', 'CREDITORS'].includes(account.systemAccount ?? '')
  )
    throw new Invalid(`Account code '${code}' is not a valid code for this document.`)
  return account
}

export function taxRateFor(
  book: XeroBook,
  ask: Element,
  account: Account | undefined,
  types: LineAmountTypes,
): TaxRate | undefined {
  if (types === 'NoTax') return book.tables.taxRates.get('NONE')
  const taxType = String(ask.TaxType ?? account?.taxType ?? 'NONE')
  const rate = book.tables.taxRates.get(taxType)
  if (account === undefined) return rate
  if (rate === undefined || rate.status !== 'ACTIVE' || !rate.appliesTo.includes(account.class))
    throw new Invalid(`The TaxType code '${taxType}' cannot be used with account code '${account.code ?? account.id}'.`)
  return rate
}

export function taxOn(lineMinor: bigint, rate: TaxRate | undefined, types: LineAmountTypes): bigint {
  if (types === 'NoTax' || rate === undefined) return 0n
  if (types === 'Exclusive') return divideHalfUp(lineMinor * rate.effectiveRate, wholePercent)
  return divideHalfUp(lineMinor * rate.effectiveRate, wholePercent + rate.effectiveRate)
}

export function totalsOf(lines: Line[], types: LineAmountTypes) {
  const sum = lines.reduce((total, line) => total + line.lineMinor, 0n)
  const taxMinor = lines.reduce((total, line) => total + line.taxMinor, 0n)
  const subTotalMinor = types === 'Inclusive' ? sum - taxMinor : sum
  return { subTotalMinor, taxMinor, totalMinor: subTotalMinor + taxMinor }
}

/** What a line puts on its own account, without the tax. */
export function netOf(line: Line, types: LineAmountTypes): bigint {
  return types === 'Inclusive' ? line.lineMinor - line.taxMinor : line.lineMinor
}

export function renderLine(book: XeroBook, line: Line, fourPlaceUnits: boolean): Record<string, unknown> {
  const account = line.accountId === null ? undefined : book.tables.accounts.get(line.accountId)
  return {
    ...(line.itemCode === undefined ? {} : { ItemCode: line.itemCode }),
    Description: line.description,
    UnitAmount: fourPlaceUnits ? toJsonNumber(line.unit, 4) : toJsonNumber(divideHalfUp(line.unit, 100n), 2),
    TaxType: line.taxType,
    TaxAmount: money(line.taxMinor),
    LineAmount: money(line.lineMinor),
    ...(account === undefined ? {} : { AccountCode: account.code ?? undefined, AccountID: account.id }),
    Tracking: line.tracking,
    Quantity: toJsonNumber(line.quantity, 4),
    ...(line.discountRate === undefined ? {} : { DiscountRate: line.discountRate }),
    LineItemID: line.id,
    ValidationErrors: [],
  }
}

export function lineTypes(value: unknown, usual: LineAmountTypes = 'Exclusive'): LineAmountTypes {
  if (value === undefined || value === null) return usual
  const found = (['Exclusive', 'Inclusive', 'NoTax'] as const).find(
    (type) => type.toLowerCase() === String(value).toLowerCase(),
  )
  if (found === undefined) throw new Invalid('LineAmountTypes is not valid')
  return found
}
