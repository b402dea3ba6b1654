/** Two networks with members, and a client for each role, all made through the API itself. */
import { idFromText } from '../../src/kit/ids.ts'
import { type App, type Client, openApp } from './app.ts'

export type Party = { memberId: string; organisationId: string; owner: Client; path: string }
export type ApiWorld = Awaited<ReturnType<typeof apiWorld>>

let numbers = 2_000_000

export async function apiWorld(settings: Parameters<typeof openApp>[0] = {}) {
  const app = await openApp(settings)
  const operator = app.client(await app.key({ role: 'operator' }))
  const avon = await openNetwork(app, operator, 'avon')
  const tamar = await openNetwork(app, operator, 'tamar')
  const bakery = await avon.member('Bakery')
  const mill = await avon.member('Mill')
  const forge = await tamar.member('Forge')
  return { app, operator, avon, tamar, bakery, mill, forge, end: () => app.end() }
}

export async function openNetwork(app: App, operator: Client, slug: string, from = 'uk-business') {
  numbers += 1
  const made = await operator('POST /v1/networks', {
    body: {
      slug,
      name: `${slug} credit`,
      from: { template: from },
      organisation: {
        name: `${slug} CIC`,
        form: { legalForm: 'cic', evidence: { kind: 'registration_number', number: `0${numbers}` } },
      },
      convener: { email: `cora@${slug}.example`, name: 'Cora' },
    },
  })
  if (made.status !== 201) throw new Error(made.text)
  const networkId: string = made.body.id
  const path = `/v1/networks/${networkId}`
  const uuid = idFromText('network', networkId) ?? ''
  const convener = app.client(await app.key({ role: 'convener', networkId: uuid }))
  return {
    networkId,
    uuid,
    path,
    convener,
    async member(name: string, more: { legalForm?: string; vat?: boolean } = {}): Promise<Party> {
      numbers += 1
      const email = `${name.toLowerCase()}@${slug}.example`
      const form = more.legalForm
        ? { legalForm: more.legalForm, evidence: { kind: 'statement', text: 'Stated by its owner.', on: '2026-10-01' } }
        : { legalForm: 'company', evidence: { kind: 'registration_number', number: `0${numbers}` } }
      const vat =
        more.vat === false
          ? { registered: false }
          : { registered: true, number: `GB${123_000_000 + (numbers % 1_000_000)}` }
      const invited = await convener(`POST ${path}/members`, {
        body: { email, organisation: { name, form, vat, email } },
      })
      if (invited.status !== 201) throw new Error(invited.text)
      const memberId: string = invited.body.member.id
      const organisationId: string = invited.body.member.organisation.id
      const admitted = await convener(`POST ${path}/members/${memberId}/admit`, { body: {} })
      if (admitted.status !== 200) throw new Error(admitted.text)
      const key = await app.key({ role: 'owner', organisationId: idFromText('organisation', organisationId) ?? '' })
      return { memberId, organisationId, owner: app.client(key), path: `${path}/members/${memberId}` }
    },
  }
}

/** A sale as somebody proposes it, in pence. */
export function saleOf(seller: Party, buyer: Party, amount: string, more: object = {}) {
  return {
    sellerId: seller.memberId,
    buyerId: buyer.memberId,
    description: 'Flour',
    lines: [{ description: 'Flour', net: { amount, currency: 'GBP' }, treatment: 'standard' }],
    ...more,
  }
}

/** Proposed by the seller, accepted by the buyer; gives the trade's path. */
export async function sell(networkPath: string, seller: Party, buyer: Party, amount: string): Promise<string> {
  const proposed = await seller.owner(`POST ${networkPath}/trades`, { body: saleOf(seller, buyer, amount) })
  if (proposed.status !== 201) throw new Error(proposed.text)
  const path = `${networkPath}/trades/${proposed.body.id}`
  const accepted = await buyer.owner(`POST ${path}/accept`, { body: {} })
  if (accepted.status !== 200) throw new Error(accepted.text)
  return path
}

/** Consent to a book in memory, its mutual-credit account made, the mapping confirmed. */
export async function connectBook(app: App, party: Party, bookId: string): Promise<void> {
  app.books.addBook({ id: bookId, name: `Book of ${bookId}` })
  const path = `${party.path}/connection`
  const begun = await party.owner(`POST ${path}/consents`, { body: { kind: 'fake' } })
  const url = app.books.agree(begun.body.consentUrl, [bookId])
  const finished = await party.owner(`POST ${path}/consents/finish`, { body: { url } })
  const chosen = await party.owner(`POST ${path}/consents/${finished.body.consentId}/choose`, { body: { bookId } })
  if (chosen.status !== 201) throw new Error(chosen.text)
  const account = await party.owner(`POST ${path}/credit-account`, { body: { kind: 'bank' } })
  if (account.status !== 201) throw new Error(account.text)
  const proposal = await party.owner(`GET ${path}/mapping`)
  const confirmed = await party.owner(`PUT ${path}/mapping`, {
    body: proposal.body.mapping,
    headers: { 'if-match': proposal.headers.get('etag') ?? '' },
  })
  if (confirmed.status !== 200) throw new Error(confirmed.text)
}
