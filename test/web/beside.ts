/** The same house behind another door: what openApp() opened, served once more with other settings. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { webApp } from '../../src/web/app.ts'
import type { Deps } from '../../src/web/deps.ts'

export async function serveBeside(deps: Deps, host = '127.0.0.1'): Promise<string> {
  const server = createServer(webApp(deps))
  await new Promise<void>((done) => server.listen(0, host, done))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise<void>((done) => server.close(() => done()))
  })
  return `http://${host}:${(server.address() as AddressInfo).port}`
}
