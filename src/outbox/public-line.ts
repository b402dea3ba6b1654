/**
 * A POST to an address that somebody else has named: never into our own network.
 *
 * Keeps: https, and a public address, looked at when the connection is made, so that a name that points elsewhere by then is caught;
 * no redirect is followed, and time and size have their limits. `loopback` lets http to this machine pass, for tests and a trial.
 */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import { request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { codeOf } from '../kit/system.ts'

export type Posted = { status: number } | { status: null; why: string }

const longestMs = 15_000
const largestAnswer = 64 * 1024

const closed = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  closed.addSubnet(net, bits, 'ipv4')
// Of the public ones: tunnels that lead to any IPv4 address, and what is for documents and benchmarks.
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  closed.addSubnet(net, bits, 'ipv6')
const open = new BlockList()
open.addSubnet('2000::', 3, 'ipv6')

/** May be connected to from here. An IPv6 address that carries an IPv4 one is not among the open ones. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !closed.check(address, 'ipv4')
  if (family === 6) return open.check(address, 'ipv6') && !closed.check(address, 'ipv6')
  return false
}

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)

/** Null when it may be named as an address; else why not. What its name points to is asked when it is called. */
export function refusedUrl(text: string, loopback: boolean): 'not_https' | 'not_public' | null {
  if (!URL.canParse(text)) return 'not_https'
  const url = new URL(text)
  if (loopback && isLoopback(url.hostname) && /^https?:$/.test(url.protocol)) return null
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return 'not_https'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isLoopback(url.hostname) || (isIP(host) !== 0 && !isPublic(host))) return 'not_public'
  return null
}

/** Who says what a name points to; the machine's own, but for a test. */
export type Names = (
  name: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/** Every address that the name has must be public: which of them is taken is not ours to say. */
function publicOnly(names: Names): LookupFunction {
  return (name, options, done) => {
    names(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0)
      const hidden = found.find(({ address }) => !isPublic(address))
      const first = found[0]
      if (hidden || !first) {
        const why = Object.assign(new Error('the name points into a closed network'), { code: 'NOT_PUBLIC' })
        return done(why, '', 0)
      }
      if (options.all) done(null, found)
      else done(null, first.address, first.family)
    })
  }
}

export function post(
  text: string,
  headers: Record<string, string>,
  body: string,
  { loopback, limitMs = longestMs, names = lookup }: { loopback: boolean; limitMs?: number; names?: Names },
): Promise<Posted> {
  const refused = refusedUrl(text, loopback)
  if (refused) return Promise.resolve({ status: null, why: refused })
  const url = new URL(text)
  const isOwn = loopback && isLoopback(url.hostname)
  return new Promise((done) => {
    const asking = (url.protocol === 'http:' ? plainRequest : request)(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      ...(isOwn ? {} : { lookup: publicOnly(names) }),
    })
    let status: number | null = null
    let why = 'closed'
    const end = () => {
      clearTimeout(deadline)
      asking.destroy()
      done(status === null ? { status, why } : { status })
    }
    // Of its own: whatever the other side makes of the protocol, this ends in time.
    const deadline = setTimeout(() => {
      why = 'timeout'
      end()
    }, limitMs)
    asking.on('response', (answer) => {
      status = answer.statusCode ?? 0
      let size = 0
      answer.on('data', (part: Buffer) => {
        size += part.length
        if (size > largestAnswer) answer.destroy()
      })
      answer.on('close', end)
      answer.on('error', end)
    })
    // Who wants to speak something else has not taken what was told.
    asking.on('upgrade', (answer, socket) => {
      status = answer.statusCode ?? 0
      socket.destroy()
      end()
    })
    asking.on('error', (error) => {
      const code = codeOf(error) ?? error.name
      why = code === 'NOT_PUBLIC' ? 'not_public' : code
      end()
    })
    asking.on('close', end)
    asking.end(body)
  })
}
