/**
 * The QuickBooks Online stand-in: a server on the loopback address that answers as QuickBooks does.
 *
 * Keeps: all it knows comes from the vendor's published material; it imports nothing of the service it is used to prove.
 */
import express, { type Request, type Response } from 'express'
import { StandInClock } from '../kit/clock.ts'
import { type Ask, type ControlDeeds, ControlRefusal, controlRouter } from '../kit/control.ts'
import { type Fault, Faults } from '../kit/faults.ts'
import { listen } from '../kit/listen.ts'
import { RequestLog } from '../kit/requests.ts'
import { StateFile } from '../kit/state-file.ts'
import { faultyWire } from '../kit/wire.ts'
import { faultAnswer, stampMs, systemFault, traced } from './answer.ts'
import { apiRouter } from './api.ts'
import { Company, type KeptCompany } from './company.ts'
import { consentRouter } from './consent.tsx'
import { edit } from './edits.ts'
import { refuse } from './fault.ts'
import { shown } from './kinds.ts'
import { Limits } from './limits.ts'
import { Consents, type KeptConsents } from './oauth.ts'
import { openCompany, type QuickBooksCompanySeed } from './open-company.ts'
import { pagesRouter } from './pages.tsx'
import { type Quirks, usualQuirks } from './quirks.ts'
import { type KeptAnswer, Replay } from './replay.ts'
import { type BellFormat, Bells, type SendAsk } from './webhooks.ts'

export { demoQuickBooksCompanies } from './demo-companies.ts'
export type { QuickBooksCompanySeed } from './open-company.ts'

export interface QuickBooksStandInOptions {
  port?: number
  clientId: string
  clientSecret: string
  webhookKey?: string
  limits?: 'enforced' | 'off'
  organisations?: QuickBooksCompanySeed[]
  dataFile?: string
  quirks?: Partial<Quirks>
}

export interface QuickBooksStandIn {
  url: string
  close(): Promise<void>
  clock: StandInClock
  control: ControlDeeds & {
    fault(fault: Fault): void
    clearFaults(): void
    quirks(change: Partial<Quirks>): Quirks
    violations(): ReturnType<RequestLog['violations']>
    requests(since?: number): ReturnType<RequestLog['since']>
    statuses(): ReturnType<RequestLog['statuses']>
    company(id: string): Company
  }
}

interface Kept {
  companies: KeptCompany[]
  consents: KeptConsents
  replay: [string, KeptAnswer][]
  bells: { url: string | undefined; key: string; format: BellFormat; auto: boolean }
  quirks: Quirks
  clockOffsetMs: number
}

/** Company ids look like Intuit's: sixteen digits. */
const firstCompany = 9_341_453_000_001_001n

export async function startQuickBooksStandIn(options: QuickBooksStandInOptions): Promise<QuickBooksStandIn> {
  const clock = new StandInClock()
  const faults = new Faults()
  const requests = new RequestLog(clock)
  const quirks: Quirks = { ...usualQuirks, ...options.quirks }
  const consents = new Consents(clock, { id: options.clientId, secret: options.clientSecret }, quirks)
  const replay = new Replay()
  const bells = new Bells(options.webhookKey ?? 'webhook-key')
  const limits = options.limits === 'off' ? undefined : new Limits(clock)
  const companies = new Map<string, Company>()
  let url = ''

  const state = new StateFile(
    options.dataFile,
    (): Kept => ({
      companies: [...companies.values()].map((company) => company.kept()),
      consents: consents.kept(),
      replay: replay.kept(),
      bells: { url: bells.url, key: bells.key, format: bells.format, auto: bells.auto },
      quirks,
      clockOffsetMs: clock.offsetMs,
    }),
  )
  const changed = () => state.touch()
  const keep = (company: Company): Company => {
    companies.set(company.terms.id, company)
    company.onChange = (change) => {
      bells.add(change)
      changed()
    }
    return company
  }
  const open = (seed: QuickBooksCompanySeed) =>
    keep(openCompany(seed, String(firstCompany + BigInt(companies.size)), clock, quirks))
  const seeded = () => {
    companies.clear()
    for (const seed of options.organisations ?? []) open(seed)
  }

  const earlier = state.load() as Kept | undefined
  if (earlier) {
    clock.advance(earlier.clockOffsetMs)
    Object.assign(quirks, earlier.quirks)
    for (const kept of earlier.companies) {
      const company = new Company(kept.terms, clock, quirks)
      company.restore(kept)
      keep(company)
    }
    consents.restore(earlier.consents)
    replay.restore(earlier.replay)
    Object.assign(bells, earlier.bells)
  } else seeded()

  const found = (id: unknown): Company => {
    const company = companies.get(String(id))
    if (!company) throw new ControlRefusal(`no such company: ${id}`)
    return company
  }
  const deeds: ControlDeeds = {
    state: () => ({
      now: clock.now().toISOString(),
      companies: [...companies.values()].map(summary),
      faults: faults.list(),
      quirks,
      waitingBells: bells.waiting(),
    }),
    reset() {
      faults.clear()
      requests.clear()
      clock.reset()
      seeded()
      limits?.clear()
      replay.forget()
      consents.restore({ consents: [], codes: [], accesses: [] })
      Object.assign(quirks, usualQuirks, options.quirks)
      changed()
      return { companies: [...companies.values()].map(summary) }
    },
    organisations: () => [...companies.values()].map(summary),
    createOrganisation: (ask) => {
      if (typeof ask.name !== 'string' || ask.name === '') throw new ControlRefusal('give the name')
      const company = open(ask as unknown as QuickBooksCompanySeed)
      changed()
      return summary(company)
    },
    edit(id, ask) {
      const done = edit(found(id), ask)
      changed()
      return done
    },
    revoke(ask) {
      const ended = consents.revokeAt(found(ask.organisation).terms.id)
      changed()
      return { ended }
    },
    webhooks: (ask) => setBells(bells, ask, changed),
  }

  const app = express()
  app.disable('x-powered-by')
  app.use(traced)
  app.get('/control/quirks', (_request, response) => void response.json(quirks))
  app.post(
    '/control/quirks',
    express.json(),
    (request: Request, response: Response) => void response.json(turn(quirks, request.body)),
  )
  app.use('/control', controlRouter({ clock, faults, requests, deeds }))
  app.use(express.json({ limit: '2mb', type: 'application/json' }), express.urlencoded({ extended: false }))
  app.use((request, response, next) => (isVendors(request.path) ? requests.note(request, response, next) : next()))
  app.use(consentRouter({ consents, faults, companies: () => [...companies.values()], url: () => url, changed }))
  app.use(
    '/v3/company',
    faultyWire(faults, {
      error500: { type: 'application/json', body: JSON.stringify(systemFault(stampMs(clock.now()))) },
      okWithError: {
        type: 'application/json',
        body: JSON.stringify(refuse('6000', 'Business Validation Error: this was refused.').body(stampMs(clock.now()))),
      },
    }),
    apiRouter({
      consents,
      faults,
      requests,
      limits,
      replay,
      quirks,
      company: (id) => companies.get(id),
      now: () => clock.now(),
      changed,
    }),
  )
  app.use(pagesRouter(() => [...companies.values()]))
  app.use(faultAnswer(() => clock.now()))

  const listening = await listen(app, options.port ?? 0)
  url = listening.url
  return {
    url,
    clock,
    async close() {
      bells.stop()
      state.flush()
      await listening.close()
    },
    control: {
      ...deeds,
      fault: (fault) => faults.add(fault),
      clearFaults: () => faults.clear(),
      quirks: (change) => turn(quirks, change),
      violations: () => requests.violations(),
      requests: (since) => requests.since(since),
      statuses: () => requests.statuses(),
      company: found,
    },
  }
}

/** The vendor's own addresses, which the log of requests is about. */
const isVendors = (path: string) =>
  ['/v3/', '/oauth2/', '/v2/', '/v1/', '/connect/', '/.well-known/'].some((start) => path.startsWith(start))

/** What a test or a person needs to know of a company: its ids. */
function summary(company: Company) {
  const names = (kind: 'Account' | 'TaxCode' | 'Customer' | 'Vendor' | 'Item') =>
    company.all(kind).map((body) => {
      const { Id, Name, DisplayName, AccountType, CurrentBalance } = shown(company, kind, body)
      return {
        id: Id,
        name: Name ?? DisplayName,
        ...(AccountType ? { type: AccountType, balance: CurrentBalance } : {}),
      }
    })
  return {
    ...company.terms,
    accounts: names('Account'),
    taxCodes: names('TaxCode'),
    customers: names('Customer'),
    vendors: names('Vendor'),
    products: names('Item'),
  }
}

function turn(quirks: Quirks, change: unknown): Quirks {
  for (const [name, value] of Object.entries((change ?? {}) as Record<string, unknown>)) {
    if (!(name in quirks) || typeof value !== typeof quirks[name as keyof Quirks])
      throw refuse('2010', `no switch is named ${name}, or it does not take that`)
    Object.assign(quirks, { [name]: value })
  }
  return quirks
}

async function setBells(bells: Bells, ask: Ask, changed: () => void): Promise<unknown> {
  if (typeof ask.url === 'string') bells.url = ask.url
  if (typeof ask.key === 'string') bells.key = ask.key
  if (ask.format === 'eventNotifications' || ask.format === 'cloudevents') bells.format = ask.format
  else if (ask.format !== undefined) throw new ControlRefusal('the format is eventNotifications or cloudevents')
  if (typeof ask.auto === 'boolean') bells.auto = ask.auto
  changed()
  if (ask.send === true) return bells.send(ask as SendAsk)
  return { url: bells.url ?? null, format: bells.format, auto: bells.auto, waiting: bells.waiting() }
}
