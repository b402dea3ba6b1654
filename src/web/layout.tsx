/** The frame every page stands in: one header, one column, one stylesheet, no script needed. */
import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { Actor } from '../networks/roles.ts'
import type { Deps } from './deps.ts'

export type Crumb = { href: string; text: string }

export type Frame = {
  deps: Pick<Deps, 'demo'>
  title: string
  actor: Actor | null
  crumbs?: Crumb[]
  /** A word about what was just done, shown once at the top. */
  said?: string | undefined
  children: ComponentChildren
}

export function page(frame: Frame): string {
  return `<!doctype html>${renderToString(<Layout {...frame} />)}`
}

function Layout({ deps, title, actor, crumbs = [], said, children }: Frame) {
  return (
    <html lang="en-GB">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} · Quits`}</title>
        <link rel="stylesheet" href="/assets/style.css" />
        <link rel="icon" href="/assets/mark.svg" type="image/svg+xml" />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the page
        </a>
        {deps.demo && (
          <aside class="demo-banner" aria-label="Demonstration">
            Demonstration: invented businesses, stand-in books. <a href="/demo/mail">Mail box</a>
          </aside>
        )}
        <header class="top">
          <a class="brand" href="/">
            <img src="/assets/mark.svg" alt="" width="28" height="28" /> Quits
          </a>
          <nav aria-label="You">
            {actor ? (
              <>
                <span class="who">{actor.name}</span>
                <form method="post" action="/sign-out">
                  <button type="submit" class="plain">
                    Sign out
                  </button>
                </form>
              </>
            ) : (
              <a href="/sign-in">Sign in</a>
            )}
          </nav>
        </header>
        {crumbs.length > 0 && (
          <nav class="crumbs" aria-label="Where you are">
            <ol>
              {crumbs.map((crumb) => (
                <li key={crumb.href}>
                  <a href={crumb.href}>{crumb.text}</a>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <main id="main">
          <h1>{title}</h1>
          {said && (
            <p class="said" role="status">
              {said}
            </p>
          )}
          {children}
        </main>
        <footer class="bottom">Quits keeps the network’s ledger; your books stay yours.</footer>
      </body>
    </html>
  )
}
