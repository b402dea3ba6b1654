/** A network with three businesses, and a browser without script for each of its people: pages as text, forms as fields. */
import { idText, type Uuid } from '../../../src/kit/ids.ts'
import { admit } from '../../../src/networks/admit.ts'
import { invite } from '../../../src/networks/invite.ts'
import type { Member } from '../../../src/networks/member.ts'
import { createNetwork, type Network } from '../../../src/networks/network.ts'
import { makeOperator } from '../../../src/networks/operator.ts'
import { recordVat } from '../../../src/networks/organisation.ts'
import { nameRole, type RoleAt } from '../../../src/networks/person.ts'
import { openSession } from '../../../src/networks/sign-in.ts'
import type { TermsBody } from '../../../src/networks/terms.ts'
import { formOf } from '../../networks/set-up.ts'
import { type App, openApp } from '../../support/app.ts'

export type Page = { status: number; html: string; text: string; location: string }
export type Browser = {
  get(path: string): Promise<Page>
  /** Sends a form; the answer is a redirect, or the page again. */
  post(path: string, fields?: Record<string, string>): Promise<Page>
  /** Sends a form and opens the page it leads to. */
  send(path: string, fields?: Record<string, string>): Promise<Page>
}

export type PagesWorld = Awaited<ReturnType<typeof pagesWorld>>

let people = 0

export async function pagesWorld() {
  const app = await openApp()
  const valley = await networkIn(app, 'valley')
  const asha = await personIn(app, { networkId: valley.id, role: 'convener' }, 'Asha')
  const mill = await businessIn(app, valley, 'Mill', { vat: 'GB123456789' })
  const bakery = await businessIn(app, valley, 'Bakery')
  return {
    app,
    valley,
    asha,
    mill,
    bakery,
    stranger: browser(app, null),
    business: (name: string, more: { vat?: string; sole?: boolean } = {}) => businessIn(app, valley, name, more),
    network: (slug: string, terms: Partial<TermsBody> = {}) => networkIn(app, slug, terms),
    person: (at: RoleAt, name: string) => personIn(app, at, name),
    async operator(): Promise<Browser> {
      const person = await app.worker((tx) => makeOperator(tx, app.clock, 'olu@example.org', 'Olu'))
      return browser(app, await app.worker((tx) => openSession(tx, person.id, null)))
    },
    end: () => app.end(),
  }
}

export type Business = Awaited<ReturnType<typeof businessIn>>

async function networkIn(app: App, slug: string, terms: Partial<TermsBody> = {}): Promise<Network> {
  return app.worker((tx) =>
    createNetwork(tx, app.clock, {
      slug,
      name: `${slug} exchange`,
      from: { template: 'uk-business' },
      terms,
      organisation: { name: `${slug} CIC`, form: formOf('cic') },
      actor: 'quits',
    }),
  )
}

async function businessIn(app: App, network: Network, name: string, more: { vat?: string; sole?: boolean } = {}) {
  const email = `${name.toLowerCase()}@example.org`
  const member: Member = await app.worker(async (tx) => {
    const asked = await invite(tx, app.clock, {
      networkId: network.id,
      email,
      organisation: {
        name,
        email,
        address: '1 Mill Lane, Hebden Bridge',
        form: formOf(more.sole ? 'sole_trader' : 'company'),
      },
      from: { id: 'quits', name: 'Asha' },
      publicUrl: app.url,
      seal: app.deps.seal,
    })
    const { organisationId } = asked.member
    if (more.vat)
      await recordVat(tx, app.clock, {
        organisationId,
        registered: true,
        number: more.vat,
        confirmedBy: null,
        actor: 'quits',
      })
    return admit(tx, app.clock, { networkId: network.id, memberId: asked.member.id, actor: 'quits' })
  })
  const { organisationId } = member
  return {
    member,
    name,
    path: `/members/${idText('member', member.id)}`,
    desk: `/networks/${network.slug}/members/${idText('member', member.id)}`,
    owner: await personIn(app, { organisationId, role: 'owner' }, `Owner of ${name}`),
    staff: await personIn(app, { organisationId, role: 'staff' }, `Staff of ${name}`),
    bookkeeper: await personIn(app, { organisationId, role: 'bookkeeper' }, `Bookkeeper of ${name}`),
  }
}

async function personIn(app: App, at: RoleAt, name: string): Promise<Browser> {
  people += 1
  const session = await app.worker(async (tx) => {
    const person = await nameRole(tx, app.clock, { ...at, email: `person${people}@example.org`, name, actor: 'quits' })
    return openSession(tx, person.id, null)
  })
  return browser(app, session)
}

function browser(app: App, session: string | null): Browser {
  const ask = async (path: string, form?: Record<string, string>): Promise<Page> => {
    const answer = await fetch(`${app.url}${path}`, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { ...(session ? { cookie: `quits_session=${session}` } : {}), origin: app.url },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    })
    const html = await answer.text()
    return { status: answer.status, html, text: textOf(html), location: answer.headers.get('location') ?? '' }
  }
  return {
    get: (path) => ask(path),
    post: (path, fields = {}) => ask(path, fields),
    async send(path, fields = {}) {
      const answer = await ask(path, fields)
      if (answer.status !== 303) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
      return ask(answer.location)
    },
  }
}

/** What a reader sees of a page, one space between words. */
function textOf(html: string): string {
  return html
    .replace(/<(script|style|head)[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ')
    .replace(/ ([.,;:])/g, '$1')
    .trim()
}

/** The sale as the form says it: one line of flour. */
export function saleForm(other: { member: { id: Uuid } }, more: Record<string, string> = {}): Record<string, string> {
  return {
    side: 'seller',
    other: idText('member', other.member.id),
    description: 'Flour for November',
    tradedOn: '2026-11-02',
    description1: 'Flour',
    net1: '100.00',
    treatment1: 'standard',
    part: 'most',
    ...more,
  }
}

/** Proposes through the form; gives the trade's path. */
export async function proposeFrom(from: Business, to: Business, more: Record<string, string> = {}): Promise<string> {
  people += 1
  const key = `key-${people}`
  const answer = await from.owner.post(`${from.path}/trades/new`, { ...saleForm(to, more), step: 'propose', key })
  if (answer.status !== 303) throw new Error(answer.text)
  return answer.location.replace(/\?.*/, '')
}

/** The hidden fields that a page's last form would send along. */
export function hiddenFields(html: string): Record<string, string> {
  return Object.fromEntries(
    [...html.matchAll(/<input([^>]*)type="hidden"([^>]*)\/?>/g)]
      .map((match) => `${match[1]} ${match[2]}`)
      .filter((attributes) => !attributes.includes('disabled'))
      .map((attributes) => [
        /name="([^"]*)"/.exec(attributes)?.[1] ?? '',
        (/value="([^"]*)"/.exec(attributes)?.[1] ?? '').replaceAll('&amp;', '&').replaceAll('&quot;', '"'),
      ]),
  )
}
