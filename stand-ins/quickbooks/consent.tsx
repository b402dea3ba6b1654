/**
 * The addresses of consent: discovery, the page where a person says yes, tokens, revoking, and who the person is.
 */
import { type Request, type Response, Router } from 'express'
import type { Faults } from '../kit/faults.ts'
import { renderPage } from '../kit/page.tsx'
import type { Company } from './company.ts'
import { type Consents, knownScopes, TokenRefusal } from './oauth.ts'

export interface ConsentParts {
  consents: Consents
  faults: Faults
  companies: () => Company[]
  url: () => string
  changed: () => void
}

const authorizePath = '/connect/oauth2'
const tokenPath = '/oauth2/v1/tokens/bearer'
const revokePath = '/v2/oauth2/tokens/revoke'
const whoPath = '/v1/openid_connect/userinfo'
export const standInName = 'QuickBooks stand-in'

export function consentRouter(parts: ConsentParts): Router {
  const router = Router()
  router.get(
    ['/.well-known/openid_configuration', '/.well-known/openid_sandbox_configuration'],
    (_request, response) => {
      const url = parts.url()
      response.json({
        issuer: `${url}/op/v1`,
        authorization_endpoint: url + authorizePath,
        token_endpoint: url + tokenPath,
        userinfo_endpoint: url + whoPath,
        revocation_endpoint: url + revokePath,
        jwks_uri: `${url}/op/v1/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        scopes_supported: ['openid', 'email', 'profile', 'address', 'phone'],
        token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
        claims_supported: ['aud', 'exp', 'iat', 'iss', 'realmid', 'sub'],
      })
    },
  )
  router.get('/op/v1/jwks', (_request, response) => void response.json({ keys: [] }))
  router.get(authorizePath, (request, response) => showConsent(parts, request, response))
  router.post(authorizePath, (request, response) => decide(parts, request, response))
  router.post(tokenPath, (request, response) => giveTokens(parts, request, response))
  router.post(revokePath, (request, response) => revoke(parts, request, response))
  router.get(whoPath, (request, response) => {
    const consent = parts.consents.behind(request.headers.authorization)
    if (!consent) return void response.status(401).json({ error: 'invalid_token' })
    if (!consent.scopes.includes('openid')) return void response.status(403).json({ error: 'insufficient_scope' })
    response.json({
      sub: 'f2c7-demo-person',
      givenName: 'Robin',
      familyName: 'Books',
      email: 'robin@books.example',
      emailVerified: true,
    })
  })
  return router
}

interface Asked {
  clientId: string
  redirectUri: string
  state: string
  scopes: string[]
  challenge: string | undefined
}

/** The question of the app, or what is wrong with it; a wrong one never leads back to the app. */
function askedBy(parts: ConsentParts, query: Record<string, unknown>): Asked | { wrong: string } {
  const text = (name: string) => (typeof query[name] === 'string' ? (query[name] as string) : '')
  if (!parts.consents.knowsClient(text('client_id'))) return { wrong: 'The app is not known here (client_id).' }
  const redirectUri = text('redirect_uri')
  const place = URL.canParse(redirectUri) ? new URL(redirectUri) : undefined
  const local = place?.hostname === 'localhost' || place?.hostname === '127.0.0.1'
  if (!place || (place.protocol !== 'https:' && !(local && place.protocol === 'http:')) || place.search || place.hash)
    return { wrong: 'The redirect_uri is invalid: https without a query, or localhost.' }
  if (text('response_type') !== 'code') return { wrong: 'The response_type must be code.' }
  const scopes = text('scope').split(/\s+/).filter(Boolean)
  if (scopes.length === 0 || scopes.some((scope) => !knownScopes.includes(scope)))
    return { wrong: 'The scope is invalid.' }
  if (text('state') === '') return { wrong: 'The state parameter is missing.' }
  if (text('code_challenge') !== '' && text('code_challenge_method') !== 'S256')
    return { wrong: 'The code_challenge_method must be S256.' }
  return {
    clientId: text('client_id'),
    redirectUri,
    state: text('state'),
    scopes,
    challenge: text('code_challenge') || undefined,
  }
}

function showConsent(parts: ConsentParts, request: Request, response: Response): void {
  const asked = askedBy(parts, request.query)
  if ('wrong' in asked) {
    refusePage(response, asked.wrong)
    return
  }
  const hidden = Object.entries(request.query).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  response.set('Cache-Control', 'no-store').send(
    renderPage({
      title: 'Connect an app to QuickBooks',
      standIn: standInName,
      children: (
        <form method="post" action={authorizePath}>
          <p>The app asks to read and write the books of one company: {asked.scopes.join(', ')}.</p>
          {hidden.map(([name, value]) => (
            <input type="hidden" name={name} value={value} key={name} />
          ))}
          <fieldset>
            <legend>Which company?</legend>
            {parts.companies().map(({ terms }, at) => (
              <label key={terms.id}>
                <input type="radio" name="company" value={terms.id} checked={at === 0} required />
                {terms.name}
              </label>
            ))}
          </fieldset>
          <p>
            <button type="submit" name="decision" value="allow">
              Connect
            </button>{' '}
            <button type="submit" name="decision" value="cancel" class="other" formnovalidate>
              Cancel
            </button>
          </p>
        </form>
      ),
    }),
  )
}

function refusePage(response: Response, why: string): void {
  response
    .status(400)
    .send(renderPage({ title: 'This connection cannot be made', standIn: standInName, children: <p>{why}</p> }))
}

function decide(parts: ConsentParts, request: Request, response: Response): void {
  const asked = askedBy(parts, request.body ?? {})
  if ('wrong' in asked) {
    refusePage(response, asked.wrong)
    return
  }
  const back = new URL(asked.redirectUri)
  if (request.body.decision !== 'allow') {
    back.searchParams.set('error', 'access_denied')
    back.searchParams.set('state', asked.state)
    response.redirect(302, back.toString())
    return
  }
  const company = parts.companies().find(({ terms }) => terms.id === request.body.company)
  if (!company) {
    refusePage(response, 'Choose one of the companies.')
    return
  }
  const fewer = parts.faults.take('fewerScopes', { method: 'POST', path: request.originalUrl })
  const dropped = Array.isArray(fewer?.value) ? fewer.value : fewer ? [asked.scopes[0]] : []
  const scopes = asked.scopes.filter((scope) => !dropped.includes(scope))
  back.searchParams.set('code', parts.consents.codeFor(company.terms.id, scopes, asked.redirectUri, asked.challenge))
  back.searchParams.set('state', asked.state)
  back.searchParams.set('realmId', company.terms.id)
  parts.changed()
  response.redirect(302, back.toString())
}

async function giveTokens(parts: ConsentParts, request: Request, response: Response): Promise<void> {
  const asked = { method: 'POST', path: request.originalUrl }
  const slow = parts.faults.take('tokenSlow', asked)
  if (slow)
    await new Promise((resolve) => setTimeout(resolve, typeof slow.value === 'number' ? slow.value : 20_000).unref())
  const body = (request.body ?? {}) as Record<string, unknown>
  const withHardExpiry = request.headers['x-include-refresh-token-hard-expires-in'] === 'true'
  response.set('Cache-Control', 'no-store')
  try {
    parts.consents.checkClient(request.headers.authorization)
    if (parts.faults.take('tokenInvalidGrant', asked))
      throw new TokenRefusal('invalid_grant', 'Incorrect or invalid refresh token')
    if (parts.faults.take('tokenEmpty', asked)) return void response.json({})
    if (parts.faults.take('tokenHtml', asked))
      return void response.type('text/html').send('<html><body>Please try again later</body></html>')
    const lost = parts.faults.take('tokenLost', asked)
    const tokens =
      body.grant_type === 'authorization_code'
        ? parts.consents.exchange(body, withHardExpiry)
        : body.grant_type === 'refresh_token'
          ? parts.consents.refresh(body.refresh_token, withHardExpiry, lost !== undefined)
          : undefined
    if (!tokens)
      throw new TokenRefusal('unsupported_grant_type', 'grant_type must be authorization_code or refresh_token')
    parts.changed()
    if (lost) return void request.socket.destroy()
    response.json(tokens)
  } catch (error) {
    if (!(error instanceof TokenRefusal)) throw error
    parts.changed()
    response.status(error.status).json({ error: error.error, error_description: error.message })
  }
}

function revoke(parts: ConsentParts, request: Request, response: Response): void {
  try {
    parts.consents.checkClient(request.headers.authorization)
    if (!parts.consents.giveBack(request.body?.token))
      throw new TokenRefusal('invalid_request', 'The token is not known')
    parts.changed()
    response.status(200).end()
  } catch (error) {
    if (!(error instanceof TokenRefusal)) throw error
    response.status(error.status).json({ error: error.error, error_description: error.message })
  }
}
