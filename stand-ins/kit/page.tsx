/**
 * The frame of a stand-in's own pages: consent, and an organisation's books as a person would see them.
 */
import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'

const style = `
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1c2430; background: #f6f7f9 }
body { margin: 0 } main, header { max-width: 60rem; margin: 0 auto; padding: 1rem }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap }
h1 { font-size: 1.5rem; margin: .5rem 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
a { color: #0b57a4 } .quiet { color: #4a5568 } .table { overflow-x: auto }
table { border-collapse: collapse; width: 100%; background: #fff }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #dde2e8; vertical-align: top }
.amount { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
fieldset { border: 1px solid #c3cad4; border-radius: .4rem; background: #fff; margin: 1rem 0 }
label { display: block; padding: .4rem 0 } input { margin-right: .5rem }
button { font: inherit; padding: .5rem 1.2rem; border-radius: .4rem; border: 1px solid #0b57a4; background: #0b57a4; color: #fff; cursor: pointer }
button.other { background: #fff; color: #0b57a4 }
:focus-visible { outline: 3px solid #f0a30a; outline-offset: 2px }
`

export interface Frame {
  title: string
  /** Whose stand-in it is, shown on every page so that nobody takes it for the vendor. */
  standIn: string
  children: ComponentChildren
}

function Page({ title, standIn, children }: Frame) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <link rel="icon" href="data:," />
        <style dangerouslySetInnerHTML={{ __html: style }} />
      </head>
      <body>
        <header>
          <a href="/">{standIn}</a>
          <span class="quiet">a practice copy on this computer; nothing here is real</span>
        </header>
        <main>
          <h1>{title}</h1>
          {children}
        </main>
      </body>
    </html>
  )
}

export function renderPage(frame: Frame): string {
  return `<!doctype html>${renderToString(<Page {...frame} />)}`
}
