/**
 * A gate between the service and a vendor: whoever watches is asked before a call is handed on, and once the vendor has done it and
 * before its answer comes back. Addresses of the vendor in an answer are told as the gate's own, so that no call goes round it.
 */
import { createServer, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Watch } from './postgres-gate.ts'

export type VendorGate = { url: string; cutAll(): void; close(): Promise<void> }

export async function openVendorGate(name: string, target: string, watch: Watch): Promise<VendorGate> {
  const { hostname, port, host } = new URL(target)
  let own = ''
  const server = createServer(async (ask, answer) => {
    try {
      const body = await whole(ask)
      const label = `${name} ${ask.method} ${placeOf(ask.url ?? '/')}`
      if (!(await watch('before', label))) return void answer.destroy()
      const back = await handOn(
        { hostname, port, path: ask.url, method: ask.method, headers: { ...ask.headers, host } },
        body,
      )
      if (!(await watch('after', label))) return void answer.destroy()
      const isJson = String(back.headers['content-type'] ?? '').includes('json')
      const said = isJson ? Buffer.from(back.body.toString('utf8').replaceAll(target, own)) : back.body
      const { 'content-length': _length, 'transfer-encoding': _coding, ...headers } = back.headers
      answer.writeHead(back.status, { ...headers, 'content-length': String(said.length) }).end(said)
    } catch {
      answer.destroy()
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  own = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    url: own,
    cutAll: () => server.closeAllConnections(),
    async close() {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

/** Without what differs from one call to the next. */
function placeOf(url: string): string {
  const { pathname } = new URL(url, 'http://localhost')
  return pathname
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, ':id')
    .replace(/\/\d+/g, '/:id')
    .replace(/^\/api\.xro\/2\.0/, '')
}

type Back = { status: number; headers: IncomingMessage['headers']; body: Buffer }

function handOn(options: RequestOptions, body: Buffer): Promise<Back> {
  return new Promise((done, failed) => {
    const onward = request(options, async (back) => {
      done({ status: back.statusCode ?? 500, headers: back.headers, body: await whole(back) })
    })
    onward.on('error', failed)
    onward.end(body)
  })
}

async function whole(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
