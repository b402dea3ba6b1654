/**
 * Bells of the accounting systems: they say that something changed, never what is true.
 *
 * Keeps: nothing unsigned is read; stored before it is answered, in one call, which makes the look at its book due; the same bell
 * rings once. No cookie is given.
 */
import express, { type Express, type Request, type Response } from 'express'
import { BookError, type BookKind } from '../../../connectors/port.ts'
import { askAsWorker } from '../../kit/ask-as-worker.ts'
import type { Deps } from '../deps.ts'

/** The vendors' own bells are a few kilobytes. */
const largest = '1mb'

export function serveBells(app: Express, deps: Deps): void {
  const raw = express.raw({ type: () => true, limit: largest })
  const { xero, quickbooks } = deps.config
  app.post('/v1/webhooks/xero', raw, (ask, answer) => ring(deps, 'xero', [xero?.webhookKey], ask, answer))
  app.post('/v1/webhooks/quickbooks', raw, (ask, answer) =>
    ring(deps, 'quickbooks', [quickbooks?.webhookVerifier], ask, answer),
  )
}

async function ring(
  deps: Deps,
  kind: BookKind,
  given: (string | null | undefined)[],
  ask: Request,
  answer: Response,
): Promise<void> {
  const connector = deps.connectors[kind]
  const keys = given.flatMap((key) => (key ? key.split(',').map((one) => one.trim()) : [])).filter((key) => key !== '')
  const body = Buffer.isBuffer(ask.body) ? ask.body : Buffer.alloc(0)
  if (!connector || keys.length === 0) return void answer.status(401).end()
  let bells: ReturnType<typeof connector.bells>
  try {
    bells = connector.bells({ body, headers: headersOf(ask) }, keys)
  } catch (error) {
    if (!(error instanceof BookError)) throw error
    deps.log.warn({ kind, cause: error.facts.cause, traceId: answer.locals.traceId }, 'a bell was refused')
    return void answer.status(401).end()
  }
  if (bells.length > 0) await askAsWorker(deps.db, 'ring_bells($1, $2)', [kind, JSON.stringify(bells)])
  answer.status(200).end()
}

function headersOf(ask: Request): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(ask.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  )
}
