/**
 * How a page is served: who visits, what its form said, where to go afterwards.
 *
 * A form posts and is answered by a redirect (303), so that going back or reloading never does a thing twice. A rule's
 * refusal returns to the form's page with its words at the top; nothing typed is lost when the page is made by `show`.
 */
import type { Express, Request, Response } from 'express'
import type { z } from 'zod'
import { Refusal } from '../kit/refusal.ts'
import type { Actor } from '../networks/roles.ts'
import type { Deps } from './deps.ts'
import { Malformed, malformedFrom, Unknown } from './errors.ts'
import { type Visitor, visitorOf } from './session.ts'
import { isStreamedFile, type StreamedFile, streamFile } from './stream-file.ts'

export type Visit = {
  deps: Deps
  ask: Request
  answer: Response
  visitor: Visitor | null
  /** The person behind the page; throws to the sign-in page when there is none. */
  actor(): Actor
  params: Record<string, string>
  query: Record<string, string>
  /** The form's fields through a shape; several of one name arrive as a list. */
  form<T extends z.ZodType>(shape: T): z.output<T>
  /** What the form said, as typed, to show it again. */
  typed: Record<string, string>
  /** A refusal or a malformed form, when the page is shown again after one. */
  trouble: { says: string; fix: string; errors: { pointer: string; detail: string }[] } | null
}

/** A page, the way to one, or a file to keep. */
export type Shown = string | { goTo: string; said?: string } | { csv: string; fileName: string } | StreamedFile
type Deed = (visit: Visit) => Promise<Shown>

export function pages(app: Express, deps: Deps) {
  return {
    get(path: string, show: Deed): void {
      app.get(path, async (ask, answer) => {
        await send(deps, answer, await show(await visitFor(deps, ask, answer, null)))
      })
    },
    /** `show` makes the page again when the deed is refused. */
    post(path: string, deed: Deed, show: Deed | null): void {
      app.post(path, async (ask, answer) => {
        const visit = await visitFor(deps, ask, answer, null)
        try {
          await send(deps, answer, await deed(visit))
        } catch (error) {
          const trouble = troubleOf(error)
          if (!trouble || !show) throw error
          answer.status(trouble.status)
          await send(deps, answer, await show({ ...visit, trouble }))
        }
      })
    },
  }
}

/**
 * Words carried over one redirect, in the address, so that no page needs a script or a store. With our mark beside them:
 * nobody else can make a link that lets our page say something.
 */
export function saidOf(visit: Visit): string | undefined {
  const { said = '', mark = '' } = visit.query
  return visit.deps.seal.isOurs(said, mark) ? said : undefined
}

async function visitFor(deps: Deps, ask: Request, answer: Response, trouble: Visit['trouble']): Promise<Visit> {
  const visitor = await visitorOf(deps, ask)
  const fields = (ask.body ?? {}) as Record<string, unknown>
  return {
    deps,
    ask,
    answer,
    visitor,
    trouble,
    actor() {
      if (!visitor) throw new Unknown('sign_in_needed')
      return visitor.actor
    },
    params: ask.params as Record<string, string>,
    query: texts(ask.query as Record<string, unknown>),
    typed: texts(fields),
    form(shape) {
      const parsed = shape.safeParse(fields)
      if (!parsed.success) throw malformedFrom(parsed.error, '')
      return parsed.data
    },
  }
}

function troubleOf(error: unknown): (NonNullable<Visit['trouble']> & { status: number }) | null {
  if (error instanceof Refusal) return { status: error.status, says: error.says, fix: error.fix, errors: [] }
  if (error instanceof Malformed)
    return { status: error.status, says: error.message, fix: error.fix, errors: error.errors }
  return null
}

async function send(deps: Deps, answer: Response, shown: Shown): Promise<void> {
  if (isStreamedFile(shown)) return streamFile(answer, shown)
  if (typeof shown === 'string') {
    answer.type('html').send(shown)
    return
  }
  if ('csv' in shown) {
    answer.attachment(shown.fileName).type('text/csv; charset=utf-8').send(shown.csv)
    return
  }
  const words = shown.said ? new URLSearchParams({ said: shown.said, mark: deps.seal.mark(shown.said) }) : null
  answer.redirect(303, words ? `${shown.goTo}${shown.goTo.includes('?') ? '&' : '?'}${words}` : shown.goTo)
}

function texts(fields: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}
