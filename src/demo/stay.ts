/**
 * `npm run demo`: starts everything, seeds the network at the first start, says where to look, and stays until it is stopped.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { seedDemo } from '../../prisma/seed.ts'
import { type Config, readConfig } from '../config.ts'
import { withFileLock } from '../kit/file-lock.ts'
import { isFree } from '../kit/system.ts'
import { type House, openHouse, stopOnSignals } from '../main.ts'
import type { Progress, Say } from './progress.ts'
import { booksInConfig, ringAt, type StandInBooks, startBooks } from './stand-in-books.ts'

const furthestPort = 100

export async function stay({ say, stop }: Progress): Promise<void> {
  const given = readConfig()
  await mkdir(given.home, { recursive: true })
  // Two that start at once on one folder take turns, or both would keep the same books and listen on the same port.
  const { house, books, url } = await withFileLock(join(given.home, 'demo.starting'), () => open(given, say))
  const close = async () => {
    await house.close()
    await books.close()
  }
  stopOnSignals(close)
  try {
    await ringAt(books, url)
    const people = await seedDemo(house.deps, books, say)
    stop()
    process.stdout.write(`Quits is at ${url}. Sign in as ${listed(people)}; the mail box is at /demo/mail.\n`)
  } catch (error) {
    await close()
    throw error
  }
}

async function open(given: Config, say: Say): Promise<{ house: House; books: StandInBooks; url: string }> {
  const port = await portFrom(given.port)
  if (port !== given.port) say(`Port ${given.port} is taken; the demonstration is on ${port}`)
  const books = await startBooks(given.home)
  if (!books.areOurs) say('The stand-in books of another demonstration on this folder are used')
  const config: Config = {
    ...given,
    port,
    publicUrl: given.publicUrl === `http://localhost:${given.port}` ? `http://localhost:${port}` : given.publicUrl,
    // The line that says where to look should be the last one.
    logLevel: given.logLevel === 'info' ? 'warn' : given.logLevel,
    ...booksInConfig(books.url),
  }
  return { house: await openHouse(config, { demo: true, say }), books, url: config.publicUrl }
}

function listed(people: string[]): string {
  return people.length < 2 ? people.join('') : `${people.slice(0, -1).join(', ')} or ${people.at(-1)}`
}

async function portFrom(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + furthestPort; port += 1) if (await isFree(port)) return port
  throw new Error(`no port is free from ${wanted} to ${wanted + furthestPort}`)
}
