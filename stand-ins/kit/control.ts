/**
 * The control plane: what a test or a person may do to a stand-in that no vendor would offer. The same in every one.
 *
 * Keeps: an ask that cannot be done is answered 400 with the reason, and changes nothing.
 */
import type { NextFunction, Request, Response } from 'express'
import express, { Router } from 'express'
import type { StandInClock } from './clock.ts'
import type { Fault, Faults } from './faults.ts'
import type { RequestLog } from './requests.ts'

/** Thrown by a deed that cannot be done as asked. */
export class ControlRefusal extends Error {}

export type Ask = Record<string, unknown>

/** What each stand-in does in its own way. */
export interface ControlDeeds {
  state(): unknown
  reset(): unknown
  organisations(): unknown
  createOrganisation(ask: Ask): unknown
  edit(organisationId: string, ask: Ask): unknown
  revoke(ask: Ask): unknown
  webhooks(ask: Ask): unknown
}

export interface ControlParts {
  clock: StandInClock
  faults: Faults
  requests: RequestLog
  deeds: ControlDeeds
}

export function controlRouter({ clock, faults, requests, deeds }: ControlParts): Router {
  const router = Router()
  router.use(express.json({ limit: '10mb' }))

  router.get(
    '/state',
    answering(() => deeds.state()),
  )
  router.post(
    '/reset',
    answering(async () => {
      faults.clear()
      requests.clear()
      clock.reset()
      return (await deeds.reset()) ?? { done: true }
    }),
  )
  router.post(
    '/clock',
    answering((ask) => {
      if (typeof ask.advanceMs === 'number') clock.advance(ask.advanceMs)
      else if (typeof ask.set === 'string') clock.set(ask.set)
      else if (ask.hold === true) clock.hold()
      else if (ask.hold === false) clock.release()
      else throw new ControlRefusal('give advanceMs, set or hold')
      return { now: clock.now().toISOString() }
    }),
  )

  router.get(
    '/faults',
    answering(() => faults.list()),
  )
  router.post(
    '/faults',
    answering((ask) => {
      if (typeof ask.knob !== 'string') throw new ControlRefusal('give the knob')
      faults.add(ask as unknown as Fault)
      return faults.list()
    }),
  )
  router.delete(
    '/faults',
    answering(() => {
      faults.clear()
      return []
    }),
  )

  router.get(
    '/requests',
    answering((_ask, request) => requests.since(Number(request.query.since ?? 0))),
  )
  router.delete(
    '/requests',
    answering(() => {
      requests.clear()
      return []
    }),
  )
  router.get(
    '/violations',
    answering(() => requests.violations()),
  )

  router.get(
    '/organisations',
    answering(() => deeds.organisations()),
  )
  router.post(
    '/organisations',
    answering((ask) => deeds.createOrganisation(ask)),
  )
  router.post(
    '/organisations/:id/edit',
    answering((ask, request) => deeds.edit(String(request.params.id), ask)),
  )
  router.post(
    '/revoke',
    answering((ask) => deeds.revoke(ask)),
  )
  router.post(
    '/webhooks',
    answering((ask) => deeds.webhooks(ask)),
  )
  return router
}

function answering(deed: (ask: Ask, request: Request) => unknown) {
  return async (request: Request, response: Response, _next: NextFunction): Promise<void> => {
    try {
      const ask = (typeof request.body === 'object' && request.body !== null ? request.body : {}) as Ask
      const answer = await deed(ask, request)
      response.type('application/json').send(JSON.stringify(answer ?? { done: true }, bigintAsText))
    } catch (error) {
      response.status(400).json({ error: error instanceof Error ? error.message : String(error) })
    }
  }
}

function bigintAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
