/**
 * A line to the database that breaks when it is told to: before what is asked arrives, or after it was committed and before the
 * answer comes back.
 */
import { connect, createServer, type Socket } from 'node:net'

export type Fault = 'before' | 'after'
export type FaultyLine = {
  url: string
  /** The next that is asked meets it; every other connection of this line breaks with it. */
  breakNext(fault: Fault): void
  broken(): number
  end(): Promise<void>
}

/** What is asked names the function; ready, and in no transaction: what was asked has been committed. */
const asksToPost = Buffer.from('ledger_post')
const readyForMore = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

export async function faultyLine(to: string): Promise<FaultyLine> {
  const target = new URL(to)
  const pairs = new Set<[Socket, Socket]>()
  let armed: Fault | null = null
  let broken = 0
  const breakAll = () => {
    armed = null
    broken += 1
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    pairs.clear()
  }
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    const gone = () => {
      near.destroy()
      far.destroy()
      pairs.delete(pair)
    }
    for (const socket of pair) socket.on('error', gone).on('close', gone)
    let isPosting = false
    near.on('data', (asked) => {
      const asks = asked.includes(asksToPost)
      if (asks && armed === 'before') return breakAll()
      isPosting ||= asks && armed === 'after'
      far.write(asked)
    })
    far.on('data', (answered) => {
      if (isPosting && armed === 'after' && answered.includes(readyForMore)) return breakAll()
      near.write(answered)
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = new URL(to)
  const address = server.address()
  if (typeof address === 'object' && address) url.port = String(address.port)
  return {
    url: url.href,
    breakNext: (fault) => {
      armed = fault
    },
    broken: () => broken,
    end: () =>
      new Promise((ended) => {
        for (const pair of pairs) for (const socket of pair) socket.destroy()
        server.close(() => ended())
      }),
  }
}
