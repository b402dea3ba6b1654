/** Express, read top to bottom as a list. */
import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import helmet from 'helmet'
import { Refusal } from '../kit/refusal.ts'
import { serveHealth } from './api/health.ts'
import { openApiOf } from './api/openapi.ts'
import { serveRoutes } from './api/route.ts'
import { routes } from './api/routes.ts'
import { serveBells } from './api/webhooks.ts'
import type { Deps } from './deps.ts'
import { errorAnswers } from './errors.ts'
import { knownFirst } from './known-first.ts'
import { serveMetrics } from './metrics.ts'
import { servePages } from './pages/pages.ts'
import { sameOrigin } from './same-origin.ts'
import { trace } from './trace.ts'

export function webApp(deps: Deps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  // Only a proxy on this machine may say for whom it asks: whoever signs in is counted by address.
  app.set('trust proxy', 'loopback')
  app.use(trace(deps.log, () => deps.clock.now().getTime(), deps.metrics))
  // Who keeps a connection open is sent elsewhere for its next ask.
  app.use((_ask, answer, next) => {
    if (!deps.ready()) answer.set('Connection', 'close')
    next()
  })
  app.use(
    helmet({
      contentSecurityPolicy: { directives: policy(deps) },
      strictTransportSecurity: deps.config.publicUrl.startsWith('https:'),
    }),
  )
  app.use('/assets', express.static(fileURLToPath(new URL('./assets/', import.meta.url)), { maxAge: '1h' }))
  serveHealth(app, deps)
  serveMetrics(app, deps)
  // Bells are signed over the raw bytes, so they come before anything that parses.
  serveBells(app, deps)

  app.use((_ask, answer, next) => {
    answer.set('Cache-Control', 'no-store')
    next()
  })
  app.use('/v1', knownFirst(deps))
  // A thousand asks in one body.
  app.use(/^\/v1\/(.+\/)?batch$/, express.json({ limit: '10mb', strict: true }))
  app.use('/v1', express.json({ limit: '2mb', strict: true }), express.text({ type: 'text/csv', limit: '10mb' }))
  // Made when it is first asked for: most never are asked, and it takes some megabytes.
  let document: object | null = null
  app.get('/v1/openapi.json', (_ask, answer) => {
    document ??= openApiOf(routes, deps.config.publicUrl)
    answer.json(document)
  })
  serveRoutes(app, deps, routes)
  app.use('/v1', () => {
    throw new Refusal('not_found', { thing: 'route' })
  })

  app.use(sameOrigin(deps.config.publicUrl))
  // A pasted file is far longer than any other form.
  app.use('/networks/:slug/import', express.urlencoded({ extended: false, limit: '10mb', parameterLimit: 10 }))
  app.use(express.urlencoded({ extended: false, limit: '100kb', parameterLimit: 2000 }))
  servePages(app, deps)
  app.use(() => {
    throw new Refusal('not_found', { thing: 'page' })
  })
  app.use(errorAnswers(deps))
  return app
}

/** Forms may be answered by a redirect to the accounting systems' consent pages; nothing else leaves our own origin. */
function policy(deps: Deps) {
  const consent = [
    deps.config.xero?.identityUrl,
    deps.config.quickbooks?.discoveryUrl,
    'https://login.xero.com',
    'https://appcenter.intuit.com',
  ]
  const origins = consent.flatMap((one) => (one ? [new URL(one).origin] : []))
  return {
    'default-src': ["'self'"],
    'script-src': ["'none'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'form-action': ["'self'", ...origins, ...(deps.demo ? ['http://localhost:*'] : [])],
    'frame-ancestors': ["'none'"],
    'upgrade-insecure-requests': deps.config.publicUrl.startsWith('https:') ? [] : null,
  }
}
