/**
 * What a person does in QuickBooks behind the app's back.
 *
 * Keeps: a person may do what the API refuses (delete what is paid, change what is closed), and each deed has its real effect.
 */

import { type Ask, ControlRefusal } from '../kit/control.ts'
import { toMinor } from '../kit/decimals.ts'
import type { Company } from './company.ts'
import { type Body, type DocumentKind, documentKinds, isDocumentKind, type Kind } from './document.ts'
import {
  accountId,
  amount,
  coded,
  contactOf,
  costLine,
  dated,
  day,
  documentOf,
  entered,
  listed,
  partyId,
  partyRef,
  productId,
  text,
} from './edit-asks.ts'
import { rulesOf } from './kinds.ts'
import { nothingMade } from './rules.ts'
import { unlink, voided } from './write.ts'

type Deed = (company: Company, ask: Ask) => unknown

const deeds: Record<string, Deed> = {
  voidInvoice(company, ask) {
    const { kind, body } = documentOf(company, ask, ['Invoice', 'Payment', 'SalesReceipt', 'BillPayment'])
    unlink(company, kind, body.Id ?? '')
    return company.put(kind, voided(body), nothingMade(), 'Void')
  },
  deletePayment: (company, ask) => removed(company, documentOf(company, ask, ['Payment', 'BillPayment'])),
  deleteDocument: (company, ask) => removed(company, documentOf(company, ask, documentKinds)),
  editInvoice: (company, ask) => editDocument(company, ask),
  archiveAccount: (company, ask) => changed(company, 'Account', listed(company, 'Account', ask), { Active: false }),
  archiveItem: (company, ask) => changed(company, 'Item', listed(company, 'Item', ask), { Active: false }),
  archiveContact(company, ask) {
    const { kind, body } = contactOf(company, ask)
    return changed(company, kind, body, { Active: false })
  },
  renameContact(company, ask) {
    const { kind, body } = contactOf(company, ask)
    return changed(company, kind, body, { DisplayName: text(ask, 'name'), PrintOnCheckName: text(ask, 'name') })
  },
  mergeContact: (company, ask) => merge(company, ask),
  renameAccount: (company, ask) =>
    changed(company, 'Account', listed(company, 'Account', ask), {
      Name: text(ask, 'name'),
      FullyQualifiedName: text(ask, 'name'),
    }),
  deactivateTaxCode: (company, ask) => changed(company, 'TaxCode', listed(company, 'TaxCode', ask), { Active: false }),
  lockPeriod(company, ask) {
    company.terms.closedThrough = day(company, ask.through ?? ask.date ?? ask.day)
    company.terms.closedWithPassword = ask.password === true
    return { closedThrough: company.terms.closedThrough }
  },
  unlockPeriod(company) {
    delete company.terms.closedThrough
    return { closedThrough: null }
  },
  subscriptionLapsed(company, ask) {
    company.terms.lapsed = ask.on !== false
    return { lapsed: company.terms.lapsed }
  },
  permissionMissing(company, ask) {
    company.terms.permissionMissing = ask.on !== false
    return { permissionMissing: company.terms.permissionMissing }
  },
  addContact(company, ask) {
    const kind = ask.kind === 'Vendor' || ask.kind === 'supplier' ? 'Vendor' : 'Customer'
    return entered(company, kind, {
      DisplayName: text(ask, 'name'),
      ...(ask.email ? { PrimaryEmailAddr: { Address: text(ask, 'email') } } : {}),
    })
  },
  enterInvoice: (company, ask) =>
    entered(company, 'Invoice', {
      CustomerRef: { value: partyId(company, 'Customer', ask) },
      ...dated(company, ask),
      Line: [
        {
          Amount: amount(ask),
          DetailType: 'SalesItemLineDetail',
          SalesItemLineDetail: { ItemRef: { value: productId(company, ask) }, ...coded(company, ask) },
        },
      ],
      ...(ask.description ? { PrivateNote: text(ask, 'description') } : {}),
    }),
  enterBill: (company, ask) =>
    entered(company, 'Bill', {
      VendorRef: { value: partyId(company, 'Vendor', ask) },
      ...dated(company, ask),
      Line: [costLine(company, ask)],
    }),
  spendMoney: (company, ask) =>
    entered(company, 'Purchase', {
      PaymentType: 'Cash',
      AccountRef: { value: accountId(company, ask.account) },
      ...dated(company, ask),
      Line: [costLine(company, ask)],
    }),
  receiveMoney: (company, ask) =>
    entered(company, 'Deposit', {
      DepositToAccountRef: { value: accountId(company, ask.account) },
      ...dated(company, ask),
      Line: [
        {
          Amount: amount(ask),
          DetailType: 'DepositLineDetail',
          DepositLineDetail: { AccountRef: { value: accountId(company, ask.against ?? 'Other income') } },
        },
      ],
    }),
  payInvoice(company, ask) {
    const { kind, body } = documentOf(company, ask, ['Invoice', 'Bill'])
    const account = { value: accountId(company, ask.account ?? 'Business Current Account') }
    const open = rulesOf[kind]?.shown?.(company, body).Balance
    const paid = ask.amount === undefined ? Number(open) : amount(ask)
    const Line = [{ Amount: paid, LinkedTxn: [{ TxnId: body.Id ?? '', TxnType: kind }] }]
    if (kind === 'Invoice')
      return entered(company, 'Payment', {
        ...partyRef(body),
        TotalAmt: paid,
        DepositToAccountRef: account,
        ...dated(company, ask),
        Line,
      })
    return entered(company, 'BillPayment', {
      ...partyRef(body),
      TotalAmt: paid,
      PayType: 'Check',
      CheckPayment: { BankAccountRef: account },
      ...dated(company, ask),
      Line,
    })
  },
}

export function edit(company: Company, ask: Ask): unknown {
  const deed = deeds[String(ask.deed)]
  if (!deed) throw new ControlRefusal(`no deed is named ${ask.deed}; there are ${Object.keys(deeds).join(', ')}`)
  const before = { closed: company.terms.closedThrough }
  const done = deed(company, ask)
  return { done, closedThrough: company.terms.closedThrough ?? before.closed ?? null }
}

function changed(company: Company, kind: Kind, body: Body, fields: Body): Body {
  return company.put(
    kind,
    { ...body, ...fields },
    isDocumentKind(kind) ? company.madeBy(kind, body.Id ?? '') : nothingMade(),
    'Update',
  )
}

function removed(company: Company, { kind, body }: { kind: DocumentKind; body: Body }): unknown {
  unlink(company, kind, body.Id ?? '')
  company.remove(kind, body.Id ?? '')
  return { kind, id: body.Id }
}

/** Another amount, day, number, note or party; what is paid on it stays linked, at most to the new total. */
function editDocument(company: Company, ask: Ask): Body {
  const { kind, body } = documentOf(company, ask, [
    'Invoice',
    'Bill',
    'CreditMemo',
    'VendorCredit',
    'Payment',
    'BillPayment',
    'Purchase',
    'Deposit',
    'SalesReceipt',
  ])
  const wanted: Body = { ...body }
  if (ask.date !== undefined) wanted.TxnDate = day(company, ask.date)
  if (typeof ask.newNumber === 'string') wanted.DocNumber = ask.newNumber
  if (typeof ask.memo === 'string') wanted.PrivateNote = ask.memo
  if (ask.contact !== undefined) {
    unlink(company, kind, body.Id ?? '')
    if (body.CustomerRef) wanted.CustomerRef = { value: partyId(company, 'Customer', ask) }
    else wanted.VendorRef = { value: partyId(company, 'Vendor', ask) }
  }
  if (ask.amount !== undefined) {
    delete wanted.TxnTaxDetail
    if (kind === 'Payment' || kind === 'BillPayment') {
      wanted.TotalAmt = amount(ask)
      wanted.Line = []
    } else {
      unlinkIfAbove(company, kind, body, ask)
      const [first, ...others] = body.Line ?? []
      wanted.Line = [withAmount(first ?? {}, amount(ask)), ...others]
    }
  }
  const prepared = rulesOf[kind]?.prepare(company, wanted, body)
  if (!prepared) throw new ControlRefusal(`a ${kind} cannot be edited`)
  return company.put(kind, prepared.body, prepared.made, 'Update')
}

function withAmount(line: NonNullable<Body['Line']>[number], wanted: number): NonNullable<Body['Line']>[number] {
  const detail = line.SalesItemLineDetail
  if (!detail) return { ...line, Amount: wanted }
  const { Qty, UnitPrice, TaxInclusiveAmt, ...rest } = detail
  return { ...line, Amount: wanted, SalesItemLineDetail: rest }
}

function unlinkIfAbove(company: Company, kind: DocumentKind, body: Body, ask: Ask): void {
  const settledMinor = company
    .settlersOf(kind, body.Id ?? '')
    .reduce((sum, { settlement }) => sum + settlement.amountMinor, 0n)
  if (settledMinor > toMinor(amount(ask))) unlink(company, kind, body.Id ?? '')
}

/** All documents of one name go to another, and the first is no longer there to be used. */
function merge(company: Company, ask: Ask): unknown {
  const { kind, body: gone } = contactOf(company, { ...ask, id: ask.from ?? ask.id })
  const { body: stays } = contactOf(company, { ...ask, kind, id: ask.into ?? ask.to })
  const field = kind === 'Customer' ? 'CustomerRef' : 'VendorRef'
  for (const documentKind of documentKinds) {
    for (const body of company.all(documentKind)) {
      if (body[field]?.value !== gone.Id) continue
      const made = company.madeBy(documentKind, body.Id ?? '')
      const postings = made.postings.map((posting) =>
        posting.party?.kind === kind && posting.party.id === gone.Id
          ? { ...posting, party: { kind, id: stays.Id ?? '' } }
          : posting,
      )
      company.put(
        documentKind,
        { ...body, [field]: { value: stays.Id ?? '', name: stays.DisplayName ?? '' } },
        { ...made, postings },
        'Update',
      )
    }
  }
  company.put(kind, { ...gone, Active: false, DisplayName: `${gone.DisplayName} (deleted)` }, nothingMade(), 'Merge')
  return { from: gone.Id, into: stays.Id }
}
