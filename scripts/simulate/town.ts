/**
 * The town that every seed plays in: a network with fees, four firms (two keep Xero, two QuickBooks; two are registered for VAT, one
 * may never go below zero), their books connected as people connect them. Built once, copied for each seed.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { beginConsent, chooseBook, finishConsent } from '../../src/books/connect.ts'
import { setAskFirst } from '../../src/books/connection.ts'
import { makeCreditAccount, saveMapping } from '../../src/books/mapping.ts'
import { giveConsent as sayYes } from '../../src/demo/visitor.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import type { Uuid } from '../../src/kit/ids.ts'
import { invariant } from '../../src/kit/invariant.ts'
import { openLog } from '../../src/kit/log.ts'
import { importMembers } from '../../src/networks/import-members.ts'
import { createNetwork } from '../../src/networks/network.ts'
import { newTerms } from '../../src/networks/terms.ts'
import type { OutboxDeps } from '../../src/outbox/outbox-deps.ts'
import { type QuickBooksStandIn, startQuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { startXeroStandIn, type XeroStandIn } from '../../stand-ins/xero/server.ts'
import { keepAsBuilt } from './as-built.ts'
import { diceOf } from './dice.ts'
import { type Ground, openGround } from './ground.ts'
import { takeChance } from './own-chance.ts'
import { makeClockMovable, type OwnTime, ownTime } from './own-time.ts'
import { apps, openWorker } from './worker-in-hand.ts'

export type Vendor = 'xero' | 'quickbooks'
export type Firm = {
  name: string
  vendor: Vendor
  isRegistered: boolean
  memberId: Uuid
  organisationId: Uuid
  connectionId: Uuid
  bookId: string
}
export type Vendors = { xero: XeroStandIn; quickbooks: QuickBooksStandIn }
export type Town = {
  networkId: Uuid
  firms: readonly Firm[]
  /** A copy of it, as it was built. */
  copy(): Promise<Copy>
  end(): Promise<void>
}
export type Copy = Pick<Ground, 'session' | 'lend' | 'takeBack'> & {
  vendors: Vendors
  /** `isSpoilt`: something may still be at work there; nobody plays in it again. */
  end(isSpoilt?: boolean): Promise<void>
}
/** A database server, and a migrated database in it that nobody is connected to. */
export type Place = {
  clusterUrl: string
  migrated: string
  /** A folder for the vendors' files; left out: one of its own, gone with the town. */
  home?: string
  /** What has happened there before anybody comes. */
  before?: (settled: Settled) => Promise<void>
}
export type Settled = { deps: OutboxDeps; time: OwnTime; networkId: Uuid; firms: readonly Firm[] }

export const actor = 'quits'
const founded = [
  { name: 'Alder Bakery', vendor: 'xero', isRegistered: true, form: 'company' },
  { name: 'Birch Mill', vendor: 'quickbooks', isRegistered: true, form: 'company' },
  { name: 'Cedar Forge', vendor: 'xero', isRegistered: false, form: 'sole_trader' },
  { name: 'Dogwood Cafe', vendor: 'quickbooks', isRegistered: false, form: 'company' },
] as const
export const fees = [
  {
    side: 'seller',
    basisPoints: 100,
    fixedMinor: '0',
    mode: 'credits',
    words: 'One in a hundred of the part in credits',
  },
  { side: 'buyer', basisPoints: 0, fixedMinor: '50', mode: 'credits', words: 'Fifty pence a trade' },
] as const

let towns = 0

export async function buildTown(place: Place): Promise<Town> {
  towns += 1
  const name = `town_${process.pid}_${towns}`
  const home = await mkdtemp(join(place.home ?? tmpdir(), 'quits-town-'))
  const onServer = (text: string) => once(place.clusterUrl, (client) => client.query(text))
  const named = (database: string) => {
    const url = new URL(place.clusterUrl)
    url.pathname = `/${database}`
    // Plans of a town of four firms are never worth compiling.
    url.searchParams.set('options', '-c jit=off')
    return url.href
  }
  await onServer(`create database ${name} template ${place.migrated}`)
  await makeClockMovable(named(name))
  const chance = takeChance(1)
  try {
    const vendors = await openVendors(home)
    const { networkId, firms } = await settle(named(name), vendors, place.before)
    await closeVendors(vendors)
    await once(named(name), async (client) => {
      await client.query('vacuum analyze')
      await keepAsBuilt(client)
    })
    const free: Ground[] = []
    let grounds = 0
    let copies = 0
    const openNext = async () => {
      grounds += 1
      const database = `${name}_${grounds}`
      await onServer(`create database ${database} template ${name}`)
      return openGround(named(database), () => onServer(`drop database if exists ${database} with (force)`))
    }
    return {
      networkId,
      firms,
      async copy() {
        copies += 1
        const folder = join(home, String(copies))
        await mkdir(folder)
        for (const file of Object.values(files)) await copyFile(join(home, file), join(folder, file))
        const ground = free.pop() ?? (await openNext())
        await ground.putBack()
        const { session, lend, takeBack } = ground
        const open = await openVendors(folder)
        return {
          ...{ session, lend, takeBack, vendors: open },
          async end(isSpoilt = false) {
            await closeVendors(open)
            await rm(folder, { recursive: true, force: true })
            if (isSpoilt) await ground.end()
            else free.push(ground)
          },
        }
      },
      async end() {
        for (const ground of free) await ground.end()
        await onServer(`drop database if exists ${name} with (force)`)
        await rm(home, { recursive: true, force: true })
      },
    }
  } finally {
    chance.giveBack()
  }
}

const files = { xero: 'xero.json', quickbooks: 'quickbooks.json' }

async function openVendors(folder: string): Promise<Vendors> {
  const seeds = (vendor: Vendor) =>
    founded
      .filter((one) => one.vendor === vendor)
      .map(({ name, isRegistered }) => ({
        name,
        vat: isRegistered ? ('registered' as const) : ('none' as const),
        ...(vendor === 'xero' ? { plan: 'STANDARD' as const } : {}),
      }))
  return {
    xero: await startXeroStandIn({
      ...apps.xero,
      dataFile: join(folder, files.xero),
      organisations: seeds('xero'),
    }),
    quickbooks: await startQuickBooksStandIn({
      ...apps.quickbooks,
      dataFile: join(folder, files.quickbooks),
      organisations: seeds('quickbooks'),
    }),
  }
}

async function closeVendors({ xero, quickbooks }: Vendors): Promise<void> {
  await xero.close()
  await quickbooks.close()
}

async function settle(
  databaseUrl: string,
  vendors: Vendors,
  before: Place['before'],
): Promise<{ networkId: Uuid; firms: Firm[] }> {
  const ground = await openGround(databaseUrl, async () => undefined)
  const time = await ownTime(ground.session, [vendors.xero, vendors.quickbooks])
  const worker = openWorker({
    name: 'founder',
    watched: ground.lend(),
    vendors: { xero: vendors.xero.url, quickbooks: vendors.quickbooks.url },
    clock: time,
    log: openLog('silent'),
    dice: () => 0.5,
    way: {
      ...{ time, dice: diceOf(1), troubles: [] },
      vendorOf: (url) => (url.startsWith(vendors.xero.url) ? 'xero' : 'quickbooks'),
      ...{ told: () => undefined, secret: () => undefined, tokenLost: () => undefined },
    },
    endSessions: async () => undefined,
  })
  try {
    const { deps } = worker
    const networkId = await openNetwork(deps)
    await takeIn(deps, networkId)
    const firms: Firm[] = []
    for (const { name, vendor, isRegistered } of founded) {
      const { rows } = await deps.db.pool.query<{ id: Uuid; organisationId: Uuid }>(
        'select m.id, m.organisation_id as "organisationId" from member m join organisation o on o.id = m.organisation_id where o.name = $1',
        [name],
      )
      const [member] = rows
      invariant(member, `${name} is no member`)
      const firm = { name, vendor, isRegistered, memberId: member.id, organisationId: member.organisationId }
      firms.push({ ...firm, ...(await connect(deps, networkId, firm)) })
    }
    await before?.({ deps, time, networkId, firms })
    return { networkId, firms }
  } finally {
    await ground.end()
  }
}

async function openNetwork({ db, clock }: OutboxDeps): Promise<Uuid> {
  return inTransaction(db, asWorker, async (tx) => {
    const form = {
      legalForm: 'cic',
      evidence: { kind: 'registration_number', number: '01234567' },
      partners: null,
    } as const
    const { id } = await createNetwork(tx, clock, {
      ...{ slug: 'town', name: 'Town', from: { template: 'uk-business' }, actor },
      organisation: { name: 'Town Credit CIC', form },
    })
    await newTerms(tx, clock, { networkId: id, change: { fees: [...fees] }, actor })
    return id
  })
}

async function takeIn(deps: OutboxDeps, networkId: Uuid): Promise<void> {
  const head = 'name,email,legal_form,registration_number,statement,statement_on,vat_number,credit_limit,exposure_limit'
  const rows = founded.map(({ name, form, isRegistered }, place) =>
    [
      ...[name, `${place}@town.example`, form, form === 'company' ? `0${4_000_000 + place}` : ''],
      ...(form === 'company' ? ['', ''] : ['Stated by its owner', '2026-01-05']),
      ...[isRegistered ? `GB12345678${place}` : '', form === 'company' ? '2000' : '0', '4000'],
    ].join(','),
  )
  const ask = { networkId, fileName: 'firms.csv', text: `${[head, ...rows].join('\n')}\n`, dryRun: false, actor }
  const made = await importMembers(deps, ask)
  invariant(made.done === founded.length, `a firm was refused: ${made.refusals[0]?.why}`)
}

async function connect(
  deps: OutboxDeps,
  networkId: Uuid,
  firm: { name: string; vendor: Vendor; organisationId: Uuid },
): Promise<{ connectionId: Uuid; bookId: string }> {
  const { connectionId, bookId } = await signIn(deps, networkId, firm)
  const { mapping } = await makeCreditAccount(deps, { connectionId, networkId, kind: 'bank', actor })
  await saveMapping(deps, { connectionId, networkId, mapping: mapping.draft, ifVersion: mapping.version, actor })
  await inTransaction(deps.db, asWorker, (tx) => setAskFirst(tx, deps.clock, { connectionId, askFirst: 0, actor }))
  return { connectionId, bookId }
}

/** Consent on the vendor's own page, and the choice of the book; also when it is signed in again. */
export async function signIn(
  deps: OutboxDeps,
  networkId: Uuid,
  { name, vendor, organisationId }: { name: string; vendor: Vendor; organisationId: Uuid },
): Promise<{ connectionId: Uuid; bookId: string }> {
  const session = { actor, sessionHash: null }
  const { url } = await beginConsent(deps, { networkId, organisationId, kind: vendor, ...session })
  const { consentId, offered } = await finishConsent(deps, { url: await sayYes(url, name), ...session })
  const book = offered.find((one) => one.bookName === name)
  invariant(book, `${name} was not offered`)
  const { id } = await chooseBook(deps, { consentId, bookId: book.bookId, actor })
  return { connectionId: id, bookId: book.bookId }
}

async function once(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
