/**
 * The Xero stand-in: identity, accounting API, control plane and pages on one loopback server.
 *
 * It imports nothing of the product: it is written from Xero's published specification and documentation.
 */
import express from 'express'
import { StandInClock } from '../kit/clock.ts'
import type { Ask, ControlDeeds } from '../kit/control.ts'
import { ControlRefusal, controlRouter } from '../kit/control.ts'
import { formatMinor } from '../kit/decimals.ts'
import { Faults } from '../kit/faults.ts'
import { listen } from '../kit/listen.ts'
import { RequestLog } from '../kit/requests.ts'
import { StateFile } from '../kit/state-file.ts'
import type { WireBodies } from '../kit/wire.ts'
import { faultyWire } from '../kit/wire.ts'
import { apiRouter } from './api.ts'
import { Bells } from './bells.ts'
import type { XeroBook } from './book.ts'
import { editBook } from './edits.ts'
import { IdempotencyKeys } from './idempotency.ts'
import { Limits } from './limits.ts'
import { identityRouter } from './oauth.ts'
import { pagesRouter } from './pages.tsx'
import type { XeroOrganisationSeed } from './seeds.ts'
import { World } from './world.ts'

export { demoXeroOrganisations, type XeroOrganisationSeed } from './seeds.ts'

export interface XeroStandInOptions {
  port?: number
  clientId: string
  clientSecret: string
  webhookKey?: string
  limits?: 'enforced' | 'off'
  organisations?: XeroOrganisationSeed[]
  /** The whole state is kept in this JSON file, so that it survives a restart. */
  dataFile?: string
  /** Undocumented in Xero, so switchable: what a refresh token in its grace half-hour gives. */
  graceGives?: 'newPair' | 'samePair'
  /** Undocumented in Xero, so switchable: whether a payment rings the bell of its invoice. */
  paymentsRing?: boolean
}

export interface XeroStandIn {
  url: string
  close(): Promise<void>
  control: ControlDeeds & { faults: Faults; requests: RequestLog }
  clock: StandInClock
}

const bodies: WireBodies = {
  error500: {
    type: 'application/json',
    body: '{"ErrorNumber":500,"Type":"InternalServerException","Message":"An error occurred"}',
  },
  okWithError: {
    type: 'application/json',
    body: '{"ErrorNumber":10,"Type":"ValidationException","Message":"A validation exception occurred","Elements":[]}',
  },
}

export async function startXeroStandIn(options: XeroStandInOptions): Promise<XeroStandIn> {
  const clock = new StandInClock()
  const faults = new Faults()
  const requests = new RequestLog(clock)
  const world = new World(clock, options.clientId, options.clientSecret)
  const limits = new Limits((options.limits ?? 'enforced') === 'enforced')
  const keys = new IdempotencyKeys()
  const file = new StateFile(options.dataFile, () => world.kept())
  const seeds = options.organisations ?? []
  const kept = file.load()
  if (kept === undefined) for (const seed of seeds) world.open(seed)
  else world.restore(kept)

  let url = ''
  const bells = new Bells(world, () => url, options.webhookKey)
  const changed = () => file.touch()
  const paymentsRing = options.paymentsRing ?? true
  const bookNamed = (id: unknown): XeroBook => {
    const found = [...world.books.values()].find(({ settings }) => settings.id === id || settings.name === id)
    if (found === undefined) throw new ControlRefusal(`no such organisation: ${id}`)
    return found
  }
  const edit = (id: string, ask: Ask) => {
    const book = bookNamed(id)
    const done = editBook(book, ask, clock.now(), paymentsRing)
    bells.add(book, done.bells)
    changed()
    return done.answer
  }

  const deeds: ControlDeeds = {
    state: () => ({
      organisations: [...world.books.values()].map(describe),
      connections: [...world.connections.values()],
    }),
    reset: () => {
      world.clear()
      keys.forget()
      limits.reset()
      bells.clear()
      for (const seed of seeds) world.open(seed)
      changed()
    },
    organisations: () => [...world.books.values()].map(describe),
    createOrganisation: (ask) => {
      if (typeof ask.name !== 'string' || ask.name === '') throw new ControlRefusal('give the name')
      const book = world.open(ask as unknown as XeroOrganisationSeed)
      changed()
      return describe(book)
    },
    edit,
    revoke: (ask) => {
      const { id } = bookNamed(ask.organisation).settings
      for (const [key, row] of world.connections) if (row.organisationId === id) world.connections.delete(key)
      if (ask.everything === true) for (const consent of world.consents.values()) consent.revoked = true
      changed()
    },
    webhooks: (ask) => bells.control(ask),
  }

  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use('/control', controlRouter({ clock, faults, requests, deeds }))
  const note = requests.note.bind(requests)
  app.use('/api.xro/2.0', express.text({ type: () => true, limit: '10mb', defaultCharset: 'utf-8' }), note)
  app.use('/api.xro/2.0', faultyWire(faults, bodies))
  app.use(
    '/api.xro/2.0',
    apiRouter({
      world,
      faults,
      requests,
      limits,
      keys,
      changed,
      ring: (book, rung) => bells.add(book, rung),
      paymentsRing,
      behindOurBack: edit,
    }),
  )
  app.use('/connect', note)
  app.use('/connections', note, faultyWire(faults, bodies))
  app.use(identityRouter({ world, faults, issuer: () => url, changed, graceGives: options.graceGives ?? 'newPair' }))
  app.use(pagesRouter(world))

  const listening = await listen(app, options.port ?? 0)
  url = listening.url
  return {
    url,
    clock,
    control: { ...deeds, faults, requests },
    close: async () => {
      bells.close()
      await listening.close()
      file.flush()
    },
  }
}

/** What a test needs to know of an organisation: its ids and its balances as text. */
function describe(book: XeroBook) {
  const { settings, tables, ledger } = book
  return {
    id: settings.id,
    name: settings.name,
    currency: settings.currency,
    paysTax: settings.paysTax,
    shortCode: settings.shortCode,
    accounts: [...tables.accounts.values()].map(({ id, code, name, type, status, systemAccount }) => ({
      id,
      code,
      name,
      type,
      status,
      systemAccount,
      balance: formatMinor(ledger.balanceOf(id)),
    })),
    taxRates: [...tables.taxRates.values()].map(({ taxType, name, status }) => ({ taxType, name, status })),
    contacts: [...tables.contacts.values()].map(({ id, name, number, status }) => ({ id, name, number, status })),
    documents: [...tables.invoices.values(), ...tables.creditNotes.values()].map((paper) => ({
      id: paper.id,
      type: paper.type,
      number: paper.number,
      reference: paper.reference,
      status: paper.status,
      date: paper.date,
      total: formatMinor(paper.totalMinor),
    })),
    payments: [...tables.payments.values()].map(({ id, type, status, date, reference, amountMinor }) => ({
      id,
      type,
      status,
      date,
      reference,
      amount: formatMinor(amountMinor),
    })),
    bankEntries: [...tables.bankEntries.values()].map(({ id, type, status, date, reference, totalMinor }) => ({
      id,
      type,
      status,
      date,
      reference,
      total: formatMinor(totalMinor),
    })),
  }
}
