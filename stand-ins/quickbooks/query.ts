/**
 * The query language: one kind, conditions joined by and, no choice of fields.
 *
 * Keeps: what QuickBooks does not understand is refused here too (or, joins, lists of fields, position 0, fields not open to
 * queries), and inactive names stay out unless they are asked for.
 */
import { stamp } from './clocking.ts'
import type { Company } from './company.ts'
import type { Body, Kind } from './document.ts'
import { refuse } from './fault.ts'
import { everyOf, kindAt, shown } from './kinds.ts'

type Operator = '=' | '<' | '>' | '<=' | '>=' | 'in' | 'like'

interface Condition {
  field: string
  operator: Operator
  values: string[]
}

interface Query {
  kind: Kind
  count: boolean
  conditions: Condition[]
  order: { field: string; down: boolean } | undefined
  start: number
  most: number
}

const usualRows = 100
const mostRows = 1000

export interface QueryView {
  /** Objects made less than this long ago are not seen yet. */
  lagMs: number
  /** Rows that moved up since the page before was read. */
  shifted: number
}

export function answerQuery(company: Company, text: string, view: QueryView): Record<string, unknown> {
  const query = parse(text)
  const visibleBefore = stamp(new Date(company.clock.now().getTime() - view.lagMs))
  const seen = everyOf(company, query.kind).filter(
    (body) => view.lagMs === 0 || Date.parse(body.MetaData?.CreateTime ?? '') <= Date.parse(visibleBefore),
  )
  const asksActive = query.conditions.some((condition) => condition.field === 'active')
  const fields = [...query.conditions.map((condition) => condition.field), query.order?.field ?? '']
  const asksDerived = fields.some((field) => derived.includes(field))
  const found = seen
    .filter((body) => asksActive || body.Active !== false)
    .map((body) => (asksDerived ? shown(company, query.kind, body) : body))
    .filter((body) => query.conditions.every((condition) => holds(body, condition)))
  if (query.count) return { totalCount: found.length }
  const sorted = found.sort((a, b) => (query.order ? compareBy(a, b, query.order) : Number(a.Id) - Number(b.Id)))
  const from = query.start - 1 + (query.start > 1 ? view.shifted : 0)
  const page = sorted.slice(from, from + query.most).map((body) => shown(company, query.kind, body))
  return page.length === 0 ? {} : { [query.kind]: page, startPosition: query.start, maxResults: page.length }
}

/** Fields that are worked out at reading; everything else is looked at as stored, which is quicker. */
const derived = ['balance', 'currentbalance', 'fullyqualifiedname']

const open = ['id', 'synctoken', 'metadata.createtime', 'metadata.lastupdatedtime']
const names = [
  ...open,
  'displayname',
  'givenname',
  'familyname',
  'middlename',
  'companyname',
  'active',
  'printoncheckname',
  'primaryemailaddr',
  'balance',
]
const sale = [...open, 'docnumber', 'txndate', 'customerref', 'totalamt', 'balance', 'duedate']
const purchase = [...open, 'docnumber', 'txndate', 'vendorref', 'totalamt', 'balance', 'duedate']
const plain = [...open, 'docnumber', 'txndate', 'totalamt']

const queryable: Partial<Record<Kind, string[]>> = {
  Customer: names,
  Vendor: names,
  Employee: names,
  Item: [...open, 'name', 'active', 'type', 'sku', 'fullyqualifiedname', 'unitprice'],
  Account: [
    ...open,
    'name',
    'active',
    'accounttype',
    'accountsubtype',
    'classification',
    'fullyqualifiedname',
    'currentbalance',
    'acctnum',
  ],
  TaxCode: [...open, 'name', 'active', 'description'],
  TaxRate: [...open, 'name', 'active', 'description'],
  TaxAgency: [...open, 'displayname'],
  Invoice: sale,
  CreditMemo: sale,
  SalesReceipt: sale,
  RefundReceipt: sale,
  Payment: [...open, 'txndate', 'customerref', 'totalamt', 'paymentrefnum'],
  Bill: purchase,
  VendorCredit: purchase,
  BillPayment: [...plain, 'vendorref'],
  Purchase: [...plain, 'paymenttype', 'accountref', 'entityref'],
  Deposit: plain,
  Transfer: [...open, 'txndate', 'fromaccountref', 'toaccountref', 'amount'],
  JournalEntry: plain,
  CompanyInfo: [...open, 'companyname', 'country'],
  Preferences: open,
}

type Token = { word: string; quoted: boolean }

function tokens(text: string): Token[] {
  const found: Token[] = []
  const pattern = /\s*(?:'((?:\\.|[^'\\])*)'|([()*,])|(<=|>=|=|<|>)|([A-Za-z0-9_.:+-]+))/gy
  let at = 0
  while (at < text.trimEnd().length) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (!match)
      throw refuse(
        '4000',
        `QueryParserError: Encountered " ${text.slice(at).trim().slice(0, 20)} "" at line 1, column ${at + 1}.`,
      )
    at = pattern.lastIndex
    if (match[1] !== undefined) found.push({ word: match[1].replace(/\\(.)/g, '$1'), quoted: true })
    else found.push({ word: match[2] ?? match[3] ?? match[4] ?? '', quoted: false })
  }
  return found
}

function parse(text: string): Query {
  const left = tokens(text)
  const cannot = (what: string) =>
    refuse('4000', `QueryParserError: Encountered " ${what} "" where something else was expected.`)
  const next = () => left.shift()
  const peek = (word: string) => left[0] !== undefined && !left[0].quoted && left[0].word.toLowerCase() === word
  const must = (word: string) => {
    const token = next()
    if (!token || token.quoted || token.word.toLowerCase() !== word) throw cannot(token?.word ?? '<EOF>')
  }

  must('select')
  let count = false
  if (peek('count')) {
    for (const word of ['count', '(', '*', ')']) must(word)
    count = true
  } else must('*')
  must('from')
  const kindName = next()?.word ?? ''
  const kind = kindAt(kindName)
  if (!kind) throw refuse('4001', `QueryValidationError: Entity ${kindName} is not known`)
  const query: Query = { kind, count, conditions: [], order: undefined, start: 1, most: usualRows }

  if (peek('where')) {
    do {
      next()
      query.conditions.push(condition(kind, next, cannot))
    } while (peek('and'))
  }
  if (peek('orderby') || peek('order')) {
    if (next()?.word.toLowerCase() === 'order') must('by')
    const field = fieldOf(kind, next()?.word ?? '')
    const down = peek('desc')
    if (down || peek('asc')) next()
    query.order = { field, down }
  }
  while (peek('startposition') || peek('maxresults')) {
    const word = next()?.word.toLowerCase()
    const number = Number(next()?.word)
    if (!Number.isInteger(number)) throw cannot(String(word))
    if (word === 'startposition') query.start = number
    else query.most = number
  }
  if (left[0]) throw cannot(left[0].word)
  if (query.start < 1) throw refuse('4001', 'QueryValidationError: value of startposition must be greater than 0')
  if (query.most < 1 || query.most > mostRows)
    throw refuse('4001', `QueryValidationError: value of maxresults must be between 1 and ${mostRows}`)
  return query
}

function condition(kind: Kind, next: () => Token | undefined, cannot: (what: string) => Error): Condition {
  const field = fieldOf(kind, next()?.word ?? '')
  const operator = (next()?.word ?? '').toLowerCase() as Operator
  if (!['=', '<', '>', '<=', '>=', 'in', 'like'].includes(operator)) throw cannot(operator)
  if (field === 'id' && operator !== '=' && operator !== 'in')
    throw refuse('4001', `QueryValidationError: operator ${operator} is not supported for property Id`)
  if (operator !== 'in') {
    const value = next()
    if (!value) throw cannot('<EOF>')
    return { field, operator, values: [value.word] }
  }
  const values: string[] = []
  if (next()?.word !== '(') throw cannot('in')
  for (;;) {
    const value = next()
    if (!value || (!value.quoted && [')', ','].includes(value.word))) throw cannot(value?.word ?? '<EOF>')
    values.push(value.word)
    const after = next()?.word
    if (after === ')') return { field, operator, values }
    if (after !== ',') throw cannot(after ?? '<EOF>')
  }
}

function fieldOf(kind: Kind, name: string): string {
  const field = name.toLowerCase()
  if (!queryable[kind]?.includes(field))
    throw refuse('4001', `QueryValidationError: Property ${name} not found for Entity ${kind}, or it is not queryable`)
  return field
}

/** The value of a field by its name in any case: a reference by its id, a mail address by its text. */
function fieldValue(body: Body, field: string): unknown {
  let value: unknown = body
  for (const part of field.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    const entry = Object.entries(value).find(([name]) => name.toLowerCase() === part)
    value = entry?.[1]
  }
  if (typeof value === 'object' && value !== null) {
    if ('value' in value) return value.value
    if ('Address' in value) return value.Address
  }
  return value
}

function compare(value: unknown, wanted: string, field: string): number {
  if (typeof value === 'number') return value - Number(wanted)
  if (field.startsWith('metadata.')) return Date.parse(String(value)) - Date.parse(wanted)
  const [ours, theirs] = [String(value).toLowerCase(), wanted.toLowerCase()]
  return ours < theirs ? -1 : ours > theirs ? 1 : 0
}

function holds(body: Body, { field, operator, values }: Condition): boolean {
  const value = fieldValue(body, field)
  const [wanted = ''] = values
  if (value === undefined) return false
  if (operator === 'in') return values.some((one) => compare(value, one, field) === 0)
  if (operator === 'like') {
    const pattern = wanted.split('%').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${pattern.join('.*')}$`, 'is').test(String(value))
  }
  const order = compare(value, wanted, field)
  return { '=': order === 0, '<': order < 0, '>': order > 0, '<=': order <= 0, '>=': order >= 0 }[operator]
}

function compareBy(a: Body, b: Body, order: { field: string; down: boolean }): number {
  const [one, two] = [fieldValue(a, order.field), fieldValue(b, order.field)]
  const difference =
    typeof one === 'number' && typeof two === 'number' ? one - two : String(one ?? '').localeCompare(String(two ?? ''))
  const tie = Number(a.Id) - Number(b.Id)
  return (order.down ? -difference : difference) || tie
}
