/** Each of QuickBooks' refusals, as recorded: what kind of failure it is, and by which word. */
import { readdirSync, readFileSync } from 'node:fs'
import nock from 'nock'
import { expect, test } from 'vitest'
import { BookError } from '../../connectors/port.ts'
import { vendorErrors } from '../../src/outbox/catalogue/vendor-errors.ts'
import { api, company, connectorWith, grant, invoice, playedByNock } from './quickbooks-scene.ts'

playedByNock()

type Recording = {
  status: number
  headers: Record<string, string>
  body: unknown
  expect: { kind: string; cause: string } & Record<string, unknown>
}
const folder = new URL('./recordings/quickbooks/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('there is a recording for every row of the table of errors', () => {
  expect(names.length).toBeGreaterThan(60)
})

test.each(names)(
  'quickbooks group 10: quickbooks group 17: quickbooks group 18: a write answered by %s',
  async (name) => {
    const recording: Recording = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    nock(api)
      .post(`${company}/invoice`)
      .query({ requestid: 'key-1', minorversion: '75' })
      .reply(recording.status, recording.body as string, recording.headers)
    const { kind, ...facts } = recording.expect
    if (kind === 'period_locked' && !facts.lockedThrough) {
      // The refusal does not say through which day, so the preferences are asked.
      const preferences = { Preferences: { AccountingInfoPrefs: { BookCloseDate: '2026-09-30' } } }
      nock(api).get(`${company}/preferences`).query({ minorversion: '75' }).reply(200, preferences)
      facts.lockedThrough = '2026-09-30'
    }

    const error = await refusalOf(connectorWith().putDocuments(grant, [{ key: 'key-1', thing: invoice() }]))

    expect(error.kind).toBe(kind)
    expect(error.facts.cause).toBe(vendorErrors.quickbooks[name.replace('.json', '')])
    expect(error.facts).toMatchObject({ ...facts, callId: '1-674300-abc' })
    expect(JSON.stringify(error.facts)).not.toMatch(/canary|<html|<h1/i)
  },
)

test('a read answered by a sick server may be asked again, since it changed nothing', async () => {
  nock(api).get(`${company}/account/35`).query(true).reply(503, '<html>no</html>', { 'content-type': 'text/html' })
  const account = {
    id: '35',
    code: null,
    name: 'MC',
    kind: 'bank',
    takesPayments: true,
    active: true,
    reserved: false,
  } as const
  await expect(connectorWith().balance(grant, account, '2026-11-24')).rejects.toMatchObject({
    kind: 'unavailable',
    facts: { cause: 'vendor_down' },
  })
})

/** What concerns the thing comes as its verdict, what concerns the call is thrown. */
async function refusalOf(verdicts: Promise<{ ok: boolean; error?: BookError }[]>): Promise<BookError> {
  try {
    const [verdict] = await verdicts
    if (verdict?.error) return verdict.error
  } catch (error) {
    if (error instanceof BookError) return error
    throw error
  }
  throw new Error('The book took it.')
}
