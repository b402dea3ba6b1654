/** A problem as a person sees it: what happened, what to do, the id to tell us. */
import type { Deps } from './deps.ts'
import type { Problem } from './errors.ts'
import { page } from './layout.tsx'

export function errorPage(deps: Pick<Deps, 'demo'>, problem: Problem): string {
  return page({
    deps,
    title:
      problem.status === 404
        ? 'Not found'
        : problem.status === 401
          ? 'Please sign in'
          : problem.status >= 500
            ? 'Something went wrong'
            : 'That did not work',
    actor: null,
    children: (
      <>
        <p class="alert" role="alert">
          {problem.detail}
        </p>
        {problem.errors && (
          <ul>
            {problem.errors.map((one) => (
              <li key={one.pointer}>
                <code>{one.pointer.replace('/body/', '')}</code>: {one.detail}
              </li>
            ))}
          </ul>
        )}
        <p>{problem.fix}</p>
        <p>
          {problem.status === 401 ? (
            <a class="button" href="/sign-in">
              Sign in
            </a>
          ) : (
            <a class="button" href="/">
              To your start page
            </a>
          )}
        </p>
        <p class="small">
          {problem.code} · {problem.traceId}
        </p>
      </>
    ),
  })
}
