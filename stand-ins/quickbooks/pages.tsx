/**
 * A company's books as a person would see them: documents, accounts, and the entries of one account.
 */
import { Router } from 'express'
import type { ComponentChildren } from 'preact'
import { formatMinor, toMinor } from '../kit/decimals.ts'
import { renderPage } from '../kit/page.tsx'
import type { Company } from './company.ts'
import { standInName } from './consent.tsx'
import type { Body } from './document.ts'
import { allDocuments, entriesOf, partyNameOf } from './reports.ts'

export function pagesRouter(companies: () => Company[]): Router {
  const router = Router()
  router.get('/', (_request, response) => {
    response.send(
      renderPage({
        title: 'Companies',
        standIn: standInName,
        children: (
          <ul>
            {companies().map(({ terms }) => (
              <li key={terms.id}>
                <a href={`/books/${terms.id}`}>{terms.name}</a>{' '}
                <span class="quiet">
                  {terms.currency}, {terms.vat === 'registered' ? 'registered for VAT' : 'no VAT'}
                </span>
              </li>
            ))}
          </ul>
        ),
      }),
    )
  })
  router.get('/books/:id', (request, response, next) => {
    const company = companies().find(({ terms }) => terms.id === request.params.id)
    if (!company) return next()
    response.send(
      renderPage({ title: company.terms.name, standIn: standInName, children: <CompanyPage company={company} /> }),
    )
  })
  router.get('/books/:id/accounts/:accountId', (request, response, next) => {
    const company = companies().find(({ terms }) => terms.id === request.params.id)
    const account = company?.find('Account', request.params.accountId)
    if (!company || !account) return next()
    response.send(
      renderPage({
        title: `${account.Name}, ${company.terms.name}`,
        standIn: standInName,
        children: <AccountPage company={company} account={account} />,
      }),
    )
  })
  return router
}

/** A table wider than the window is moved by hand or by key, so it must take the focus. */
function Scrolling({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table" aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}

const money = (amount: unknown) => (typeof amount === 'number' ? formatMinor(toMinor(amount)) : '')

function CompanyPage({ company }: { company: Company }) {
  const documents = allDocuments(company).reverse()
  return (
    <>
      {company.terms.closedThrough ? <p>The books are closed up to {company.terms.closedThrough}.</p> : null}
      <h2>Documents</h2>
      {documents.length === 0 ? <p>None yet.</p> : null}
      <Scrolling label="Documents">
        <table>
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col">Number</th>
              <th scope="col">Name</th>
              <th scope="col">Date</th>
              <th scope="col">Note</th>
              <th scope="col" class="amount">
                Total
              </th>
              <th scope="col" class="amount">
                Open
              </th>
            </tr>
          </thead>
          <tbody>
            {documents.map(({ kind, body }) => (
              <tr key={`${kind}${body.Id}`}>
                <td>
                  {kind} <span class="quiet">{body.Id}</span>
                </td>
                <td>{body.DocNumber ?? ''}</td>
                <td>{partyNameOf(body)}</td>
                <td>{body.TxnDate}</td>
                <td>{body.PrivateNote ?? ''}</td>
                <td class="amount">{money(body.TotalAmt ?? body.Amount)}</td>
                <td class="amount">{money(body.Balance ?? body.UnappliedAmt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      <h2>Accounts</h2>
      <Scrolling label="Accounts">
        <table>
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col">Type</th>
              <th scope="col" class="amount">
                Balance
              </th>
            </tr>
          </thead>
          <tbody>
            {company.all('Account').map((account) => (
              <tr key={account.Id}>
                <td>
                  <a href={`/books/${company.terms.id}/accounts/${account.Id}`}>{account.Name}</a>
                  {account.Active === false ? ' (inactive)' : ''}
                </td>
                <td>{account.AccountType}</td>
                <td class="amount">{formatMinor(company.books.balanceOf(account.Id ?? ''))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </>
  )
}

function AccountPage({ company, account }: { company: Company; account: Body }) {
  let runningMinor = 0n
  return (
    <>
      <p>
        <a href={`/books/${company.terms.id}`}>All of {company.terms.name}</a>
      </p>
      <Scrolling label="Entries">
        <table>
          <thead>
            <tr>
              <th scope="col">Date</th>
              <th scope="col">Kind</th>
              <th scope="col">Number</th>
              <th scope="col">Name</th>
              <th scope="col" class="amount">
                Amount
              </th>
              <th scope="col" class="amount">
                Balance
              </th>
            </tr>
          </thead>
          <tbody>
            {entriesOf(company, account.Id ?? '').map((entry, at) => {
              runningMinor += entry.amountMinor
              const body = company.find(entry.kind, entry.id)
              return (
                <tr key={`${entry.kind}${entry.id}${at}`}>
                  <td>{entry.on}</td>
                  <td>{entry.kind}</td>
                  <td>{body?.DocNumber ?? ''}</td>
                  <td>{partyNameOf(body)}</td>
                  <td class="amount">{formatMinor(entry.amountMinor)}</td>
                  <td class="amount">{formatMinor(runningMinor)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </Scrolling>
    </>
  )
}
