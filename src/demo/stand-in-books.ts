/**
 * The two stand-in books of a demonstration, and how the service is told where they are.
 *
 * Keeps: what is in the books survives a restart, in files beside the database; a second demonstration on the same folder
 * uses the books of the first, since two servers would overwrite each other's file.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { demoQuickBooksCompanies, startQuickBooksStandIn } from '../../stand-ins/quickbooks/server.ts'
import { demoXeroOrganisations, startXeroStandIn } from '../../stand-ins/xero/server.ts'
import type { Config } from '../config.ts'
import { freePort, isAlive, isFree } from '../kit/system.ts'

/** The app as the stand-ins know it. Nothing here guards anything: they listen on this machine only. */
const xeroApp = { clientId: 'xero-demo-app', clientSecret: 'xero-demo-secret', webhookKey: 'xero-demo-webhook-key' }
const quickbooksApp = {
  clientId: 'quickbooks-demo-app',
  clientSecret: 'quickbooks-demo-secret',
  webhookKey: 'quickbooks-demo-webhook-key',
}
const usualPorts = { xero: 4611, quickbooks: 4612 }
const answerWithinMs = 2_000

export type Vendor = 'xero' | 'quickbooks'
export type StandInBooks = {
  url: Record<Vendor, string>
  /** False: another demonstration keeps them. */
  areOurs: boolean
  /** What a person may do to a stand-in that no vendor offers. */
  control<T>(vendor: Vendor, path: string, ask?: Record<string, unknown>): Promise<T>
  close(): Promise<void>
}

/** `folder` null: nothing is kept, on free ports. */
export async function startBooks(folder: string | null): Promise<StandInBooks> {
  const found = folder && (await booksOfAnother(folder))
  if (found) return { ...found, areOurs: false, close: async () => {} }
  const ports = folder ? await portsIn(folder) : { xero: 0, quickbooks: 0 }
  const xero = await startXeroStandIn({
    ...xeroApp,
    port: ports.xero,
    organisations: demoXeroOrganisations,
    ...(folder ? { dataFile: join(folder, 'stand-in-xero.json') } : {}),
  })
  const quickbooks = await startQuickBooksStandIn({
    ...quickbooksApp,
    port: ports.quickbooks,
    organisations: demoQuickBooksCompanies,
    ...(folder ? { dataFile: join(folder, 'stand-in-quickbooks.json') } : {}),
  })
  const url = { xero: xero.url, quickbooks: quickbooks.url }
  if (folder) remember(folder, url)
  return {
    ...books(url),
    areOurs: true,
    async close() {
      await Promise.all([xero.close(), quickbooks.close()])
    },
  }
}

/** What the service's configuration says of these books. */
export function booksInConfig(url: Record<Vendor, string>): Pick<Config, 'xero' | 'quickbooks'> {
  return {
    xero: { ...xeroApp, identityUrl: url.xero, apiUrl: url.xero },
    quickbooks: {
      clientId: quickbooksApp.clientId,
      clientSecret: quickbooksApp.clientSecret,
      webhookVerifier: quickbooksApp.webhookKey,
      discoveryUrl: `${url.quickbooks}/.well-known/openid_configuration`,
      apiUrl: url.quickbooks,
    },
  }
}

/** Bells ring at the service from now on. */
export async function ringAt(books: StandInBooks, publicUrl: string): Promise<void> {
  const at = (vendor: Vendor) => `${publicUrl}/v1/webhooks/${vendor}`
  await books.control('xero', '/webhooks', { url: at('xero'), key: xeroApp.webhookKey, soon: true })
  await books.control('quickbooks', '/webhooks', {
    url: at('quickbooks'),
    key: quickbooksApp.webhookKey,
    auto: true,
  })
}

function books(url: Record<Vendor, string>): Pick<StandInBooks, 'url' | 'control'> {
  return {
    url,
    async control<T>(vendor: Vendor, path: string, ask?: Record<string, unknown>): Promise<T> {
      const answer = await fetch(`${url[vendor]}/control${path}`, {
        method: ask ? 'POST' : 'GET',
        ...(ask ? { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ask) } : {}),
      })
      const body = (await answer.json()) as T
      if (!answer.ok) throw new Error(`The ${vendor} stand-in refused ${path}: ${JSON.stringify(body)}`)
      return body
    },
  }
}

type Remembered = { pid: number; url: Record<Vendor, string> }

function remember(folder: string, url: Record<Vendor, string>): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(rememberedIn(folder), JSON.stringify({ pid: process.pid, url } satisfies Remembered))
}

function remembered(folder: string): Remembered | null {
  if (!existsSync(rememberedIn(folder))) return null
  try {
    return JSON.parse(readFileSync(rememberedIn(folder), 'utf8')) as Remembered
  } catch {
    // Half a file, of a start that was killed: as good as none.
    return null
  }
}

function rememberedIn(folder: string): string {
  return join(folder, 'stand-ins.json')
}

async function booksOfAnother(folder: string): Promise<Pick<StandInBooks, 'url' | 'control'> | null> {
  const last = remembered(folder)
  if (!last || last.pid === process.pid || !isAlive(last.pid)) return null
  const answers = await Promise.all(Object.values(last.url).map(isAnswering))
  return answers.every(Boolean) ? books(last.url) : null
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/control/organisations`, { signal: AbortSignal.timeout(answerWithinMs) })
    return answer.ok
  } catch {
    return false
  }
}

/** Those of last time, since consent pages and links name them; else the usual ones, or whichever are free. */
async function portsIn(folder: string): Promise<Record<Vendor, number>> {
  const last = remembered(folder)?.url
  const portOf = async (vendor: Vendor) => {
    const wanted = last ? Number(new URL(last[vendor]).port) : usualPorts[vendor]
    return (await isFree(wanted)) ? wanted : freePort()
  }
  return { xero: await portOf('xero'), quickbooks: await portOf('quickbooks') }
}
