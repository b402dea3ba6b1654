/**
 * An organisation's books as a person would see them: documents, accounts with their balances, one account's entries.
 */
import { Router } from 'express'
import { formatMinor } from '../kit/decimals.ts'
import { renderPage } from '../kit/page.tsx'
import type { Account, Paper, XeroBook } from './book.ts'
import { dueOf } from './owing.ts'
import type { World } from './world.ts'

const standIn = 'Xero stand-in'
const mostRows = 200

const typeNames: Record<Paper['type'], string> = {
  ACCREC: 'Invoice',
  ACCPAY: 'Bill',
  ACCRECCREDIT: 'Credit note (sale)',
  ACCPAYCREDIT: 'Credit note (purchase)',
}

export function pagesRouter(world: World): Router {
  const router = Router()
  router.get('/', (_request, response) => void response.type('html').send(organisationsPage(world)))
  router.get('/books/:id', (request, response) => {
    const book = world.books.get(request.params.id)
    if (book === undefined) response.status(404).type('html').send(missingPage())
    else response.type('html').send(bookPage(book))
  })
  router.get('/books/:id/accounts/:account', (request, response) => {
    const book = world.books.get(request.params.id)
    const account = book?.tables.accounts.get(request.params.account)
    if (book === undefined || account === undefined) response.status(404).type('html').send(missingPage())
    else response.type('html').send(accountPage(book, account))
  })
  return router
}

function missingPage(): string {
  return renderPage({ title: 'Nothing here', standIn, children: <p>This page does not exist.</p> })
}

function organisationsPage(world: World): string {
  const connected = new Set([...world.connections.values()].map((row) => row.organisationId))
  return renderPage({
    title: 'Organisations',
    standIn,
    children: (
      <ul>
        {[...world.books.values()].map(({ settings }) => (
          <li key={settings.id}>
            <a href={`/books/${settings.id}`}>{settings.name}</a> {settings.currency}
            {settings.paysTax ? ', registered for VAT' : ', not registered for VAT'}
            {connected.has(settings.id) ? ', connected' : ''}
          </li>
        ))}
      </ul>
    ),
  })
}

function bookPage(book: XeroBook): string {
  const { settings, tables } = book
  const papers = [...tables.invoices.values(), ...tables.creditNotes.values()]
    .sort((a, b) => b.createdAt - a.createdAt)
    .slice(0, mostRows)
  const payments = [...tables.payments.values()].sort((a, b) => b.createdAt - a.createdAt).slice(0, mostRows)
  const entries = [...tables.bankEntries.values()].sort((a, b) => b.createdAt - a.createdAt).slice(0, mostRows)
  const accounts = [...tables.accounts.values()]
  const accountName = (id: string) => tables.accounts.get(id)?.name ?? ''
  return renderPage({
    title: settings.name,
    standIn,
    children: (
      <>
        <p class="quiet">
          {settings.currency}. {settings.paysTax ? 'Registered for VAT.' : 'Not registered for VAT.'}
          {settings.periodLockDate ? ` Locked up to ${settings.periodLockDate}.` : ''}
        </p>
        <h2>Documents</h2>
        <Table
          label="Documents"
          head={['Type', 'Number', 'Contact', 'Date', 'Status', '#Total', '#Open']}
          rows={papers.map((paper) => [
            typeNames[paper.type],
            paper.number || '(none)',
            tables.contacts.get(paper.contactId)?.name ?? '',
            paper.date,
            paper.status,
            formatMinor(paper.totalMinor),
            formatMinor(dueOf(book, paper)),
          ])}
          none="No documents yet."
        />
        <h2>Payments</h2>
        <Table
          label="Payments"
          head={['Type', 'Account', 'Date', 'Reference', 'Status', '#Amount']}
          rows={payments.map((one) => [
            one.type,
            accountName(one.accountId),
            one.date,
            one.reference,
            one.status,
            formatMinor(one.amountMinor),
          ])}
          none="No payments yet."
        />
        <h2>Money spent and received</h2>
        <Table
          label="Money spent and received"
          head={['Type', 'Account', 'Date', 'Reference', 'Status', '#Amount']}
          rows={entries.map((one) => [
            one.type,
            accountName(one.bankAccountId),
            one.date,
            one.reference,
            one.status,
            formatMinor(one.totalMinor),
          ])}
          none="Nothing spent or received yet."
        />
        <h2>Accounts</h2>
        <Table
          label="Accounts"
          head={['Code', 'Name', 'Type', '#Balance']}
          rows={accounts.map((account) => [
            account.code ?? '',
            <a href={`/books/${settings.id}/accounts/${account.id}`}>{account.name}</a>,
            account.status === 'ARCHIVED' ? `${account.type}, archived` : account.type,
            formatMinor(book.ledger.balanceOf(account.id)),
          ])}
          none="No accounts."
        />
        <p class="quiet">A balance above zero is a debit, below zero a credit.</p>
      </>
    ),
  })
}

function accountPage(book: XeroBook, account: Account): string {
  let balance = 0n
  const rows = book.ledger.entriesOf(account.id).map(({ journal, line }) => {
    balance += line.amountMinor
    const what = journal.undoes === undefined ? journal.source.kind : `${journal.source.kind}, undone`
    return [journal.on, what, line.text ?? '', formatMinor(line.amountMinor), formatMinor(balance)]
  })
  return renderPage({
    title: account.name,
    standIn,
    children: (
      <>
        <p>
          <a href={`/books/${book.settings.id}`}>{book.settings.name}</a>
        </p>
        <Table
          label="Entries"
          head={['Date', 'From', 'Text', '#Amount', '#Balance']}
          rows={rows.slice(-mostRows)}
          none="No entries yet."
        />
      </>
    ),
  })
}

type Shown = string | preact.JSX.Element

/** A heading that starts with # is a column of amounts. */
function Table({ label, head, rows, none }: { label: string; head: string[]; rows: Shown[][]; none: string }) {
  if (rows.length === 0) return <p class="quiet">{none}</p>
  const isAmount = (position: number) => head[position]?.startsWith('#') === true
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, so a keyboard must reach it
    <section class="table" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((title, position) => (
              <th key={title} scope="col" class={isAmount(position) ? 'amount' : ''}>
                {title.replace('#', '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, line) => (
            <tr key={String(line)}>
              {row.map((shown, position) => (
                <td key={head[position] ?? ''} class={isAmount(position) ? 'amount' : ''}>
                  {shown}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
