/**
 * One person at a vendor's consent page, saying yes or no for one book.
 */
import { randomUUID } from 'node:crypto'
import type { BookConnector, ConsentCallback, Grant } from '../../connectors/port.ts'
import { throughConsentPage } from './consent-page.ts'

export type Consenting = {
  agree(): Promise<ConsentCallback>
  consent(): Promise<Grant[]>
  decline(): Promise<unknown>
  /** The codes that came back so far; each is a secret. */
  codes: string[]
}

export function consenting(connector: BookConnector, redirectUri: string, book: string): Consenting {
  const codes: string[] = []
  async function answer(press: RegExp): Promise<ConsentCallback> {
    const verifier = `${randomUUID()}${randomUUID()}`
    const state = randomUUID()
    const url = await throughConsentPage(await connector.consentUrl({ state, verifier }), redirectUri, { press, book })
    const told = new URL(url).searchParams
    if (told.get('state') !== state) throw new Error('the state did not come back')
    codes.push(...told.getAll('code'))
    return { url, verifier }
  }
  const agree = () => answer(/allow|connect|authori[sz]e/i)
  return {
    codes,
    agree,
    consent: async () => connector.grantsFrom(await agree()),
    decline: async () => connector.grantsFrom(await answer(/cancel|deny|no,? thanks/i)),
  }
}
