/** A newcomer connects a new book through the API, as its owner would: whoever is cut off looks how far it came, and goes on from there. */
import { randomUUID } from 'node:crypto'
import { giveConsent } from '../../../src/demo/visitor.ts'
import { invariant } from '../../../src/kit/invariant.ts'
import type { Vendor } from '../../bench-delivery/scene.ts'
import { type Answered, ask, networkText } from './asking.ts'
import type { Round } from './journeys.ts'
import { type KillScene, memberText } from './scene.ts'

export async function connecting(scene: KillScene, vendor: Vendor): Promise<Round> {
  const { memberId, organisationId } = scene.newcomer()
  const name = `Newcomer ${randomUUID().slice(0, 8)}`
  const standIn = vendor === 'xero' ? scene.books.xero : scene.books.quickbooks
  standIn.control.createOrganisation(vendor === 'xero' ? { name, vat: 'none', plan: 'STANDARD' } : { name })
  const key = await scene.key({ role: 'owner', organisationId })
  const path = `/v1/networks/${networkText(scene)}/members/${memberText(memberId)}/connection`
  const say = async (method: string, place: string, body: unknown, headers = {}): Promise<Answered> => {
    const answer = await ask(scene, { key, method, path: `${path}${place}`, body, headers })
    invariant(answer.status < 300, `${method} ${place} was answered ${JSON.stringify(answer.body)}`)
    return answer
  }
  let isLive = false
  return {
    async drive() {
      const before = await ask(scene, { key, method: 'GET', path })
      if (before.status !== 200) {
        const begun = await say('POST', '/consents', { kind: vendor })
        // The person's browser goes to the vendor itself.
        const page = String(begun.body.consentUrl).replace(scene.service.gates[vendor], standIn.url)
        const finished = await say('POST', '/consents/finish', { url: await giveConsent(page, name) })
        const offered = finished.body.offered as { bookName: string; bookId: string }[]
        const bookId = offered.find((one) => one.bookName === name)?.bookId
        await say('POST', `/consents/${finished.body.consentId}/choose`, { bookId })
      }
      if (before.body.state !== 'live') {
        await say('POST', '/credit-account', { kind: 'bank' })
        const proposed = await say('GET', '/mapping', undefined)
        await say('PUT', '/mapping', proposed.body.mapping, { 'if-match': proposed.headers.get('etag') ?? '' })
      }
      isLive = true
    },
    isDone: async () => isLive && (await scene.isQuiet()),
    async broken() {
      const found = await scene.worker((tx) => tx.connection.findMany({ where: { organisationId } }))
      const live = found.filter((one) => one.state === 'live')
      const grants = await scene.worker((tx) => tx.bookGrant.count({ where: { connectionId: live[0]?.id ?? '' } }))
      const accounts = JSON.stringify(live[0]?.profile ?? {}).match(/Mutual credit/g)?.length ?? 0
      return [
        ...(found.length === 1 && live.length === 1 && grants === 1
          ? []
          : [`${found.length} connections, ${live.length} live`]),
        ...(accounts === 1 ? [] : [`${accounts} mutual-credit accounts stand in the book`]),
      ]
    },
  }
}
