/**
 * The pages of consent: which organisations to connect, and what a request that cannot be served is told.
 */
import { renderPage } from '../kit/page.tsx'

const standIn = 'Xero stand-in'

export interface ConsentPage {
  organisations: { id: string; name: string; connected: boolean }[]
  scopes: string[]
  /** What the request carried, carried on by the form. */
  carried: Record<string, string>
}

export function consentPage({ organisations, scopes, carried }: ConsentPage): string {
  return renderPage({
    title: 'Allow access to your organisations',
    standIn,
    children: (
      <form method="post">
        <p>An app asks for access. Choose the organisations it may work with.</p>
        {Object.entries(carried).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <fieldset>
          <legend>Organisations</legend>
          {organisations.map(({ id, name, connected }) => (
            <label key={id}>
              <input type="checkbox" name="organisation" value={id} checked={organisations.length === 1} />
              {name}
              {connected ? ' (already connected)' : ''}
            </label>
          ))}
        </fieldset>
        <details>
          <summary>What the app may do</summary>
          <ul>
            {scopes.map((scope) => (
              <li key={scope}>{scope}</li>
            ))}
          </ul>
        </details>
        <p>
          <button type="submit" name="decision" value="allow">
            Allow access
          </button>{' '}
          <button class="other" type="submit" name="decision" value="cancel">
            Cancel
          </button>
        </p>
      </form>
    ),
  })
}

export function consentErrorPage(code: string, words: string): string {
  return renderPage({
    title: 'Sorry, something went wrong',
    standIn,
    children: (
      <>
        <p>{words}</p>
        <p class="quiet">Error: {code}</p>
      </>
    ),
  })
}
