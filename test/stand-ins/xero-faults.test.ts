/**
 * Limits, idempotency, webhooks, and the knobs of the control plane.
 */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Connected, Loose } from './xero-client.ts'
import { connected, raw } from './xero-client.ts'

let here: Connected
beforeEach(async () => {
  here = await connected()
})
afterEach(async () => {
  await here.standIn.close()
})

const contactAsk = (Name: string) => ({ Contacts: [{ Name }] })
const names = async () => {
  const answer = await raw(here, 'GET', '/Contacts')
  return answer.json.Contacts.map((one: Loose) => one.Name) as string[]
}
const knob = (fault: object) => here.standIn.control.faults.add(fault as Loose)

describe('limits', () => {
  test('the sixty-first call of a minute is 429 with its kind and the wait, which suffices', async () => {
    await here.standIn.close()
    here = await connected(undefined, { limits: 'enforced' })
    let last = await raw(here, 'GET', '/Organisation')
    expect(last.headers.get('x-minlimit-remaining')).toBe('59')
    for (let call = 2; call <= 61; call += 1) last = await raw(here, 'GET', '/Organisation')
    expect([last.status, last.text, last.headers.get('x-rate-limit-problem')]).toEqual([429, '', 'minute'])
    const wait = Number(last.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    here.standIn.clock.advance(wait * 1000)
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(200)
  })

  test('the free plan has a thousand calls a day', async () => {
    await here.standIn.close()
    here = await connected('Tiny', { limits: 'enforced', organisations: [{ name: 'Tiny', plan: 'STARTER' }] })
    const answer = await raw(here, 'GET', '/Organisation')
    expect(answer.headers.get('x-daylimit-remaining')).toBe('999')
  })

  test('a sixth call at once is refused as concurrent, without a wait', async () => {
    await here.standIn.close()
    here = await connected(undefined, { limits: 'enforced' })
    knob({ knob: 'hangReply', value: { after: true }, times: 5 })
    const hanging = new AbortController()
    const calls = [1, 2, 3, 4, 5].map(() =>
      fetch(`${here.standIn.url}/api.xro/2.0/Organisation`, {
        headers: { Authorization: `Bearer ${here.accessToken}`, 'xero-tenant-id': here.organisationId },
        signal: hanging.signal,
      }).catch(() => undefined),
    )
    await expect
      .poll(() => here.standIn.control.requests.since().filter((one) => one.path.includes('Org')).length)
      .toBe(5)
    const sixth = await raw(here, 'GET', '/Organisation')
    expect([sixth.status, sixth.headers.get('x-rate-limit-problem'), sixth.headers.get('retry-after')]).toEqual([
      429,
      'concurrent',
      null,
    ])
    hanging.abort()
    await Promise.all(calls)
  })

  test('the throttle knob answers as asked', async () => {
    knob({ knob: 'throttle', value: { kind: 'day', retryAfter: 66975 } })
    const answer = await raw(here, 'GET', '/Organisation')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '66975'])
  })
})

describe('idempotency', () => {
  const put = (key: string, name: string) => raw(here, 'PUT', '/Contacts', contactAsk(name), { 'Idempotency-Key': key })

  test('the same key gives the same answer for six minutes, then acts again', async () => {
    const first = await put('k1', 'Once Ltd')
    expect((await put('k1', 'Once Ltd')).json.Contacts[0].ContactID).toBe(first.json.Contacts[0].ContactID)
    here.standIn.clock.advance(6 * 60_000)
    expect((await put('k1', 'Once Ltd')).status).toBe(400) // The name is taken by now: it was a second try.
  })

  test('the same key with another body is refused', async () => {
    await put('k2', 'One')
    const clash = await put('k2', 'Two')
    expect([clash.status, clash.json.Message]).toEqual([400, 'Idempotency Key k2 is used with a different request.'])
  })

  test('errors are remembered too, though the cause is gone', async () => {
    expect((await put('k3', 'Green Door Joinery')).status).toBe(400)
    here.standIn.control.edit(here.organisationId, {
      deed: 'renameContact',
      contact: 'Green Door Joinery',
      name: 'Blue Door',
    })
    expect((await put('k3', 'Green Door Joinery')).status).toBe(400)
    expect((await put('k3.2', 'Green Door Joinery')).status).toBe(200)
  })

  test('forgetKeys lets a key act anew; replayCachedError keeps a 500 under it', async () => {
    await put('k4', 'Twice')
    knob({ knob: 'forgetKeys' })
    expect((await put('k4', 'Twice')).status).toBe(400)
    knob({ knob: 'replayCachedError' })
    expect((await put('k5', 'Never')).status).toBe(500)
    expect((await put('k5', 'Never')).status).toBe(500)
    expect(await names()).not.toContain('Never')
  })

  test('a key longer than 128 characters is refused', async () => {
    expect((await put('x'.repeat(129), 'Long')).status).toBe(400)
  })
})

describe('the wire', () => {
  test.each([
    ['loseReply', true],
    ['resetMidAnswer', true],
    ['truncateAnswer', true],
    ['error500AfterCommit', true],
    ['error500BeforeCommit', false],
    ['html503', false],
    ['okWithErrorBody', false],
  ])('after %s the contact stands: %s', async (name, stands) => {
    knob({ knob: name, match: { method: 'PUT', path: '/Contacts' } })
    const answer = await raw(here, 'PUT', '/Contacts', contactAsk('Maybe Ltd')).catch(() => undefined)
    expect(answer?.json?.Contacts).toBeUndefined()
    expect((await names()).includes('Maybe Ltd')).toBe(stands)
  })

  test('a poisoned answer carries what nobody knows, and its ids', async () => {
    knob({ knob: 'poisonAnswer' })
    const answer = await raw(here, 'PUT', '/Contacts', contactAsk('Odd Ltd'))
    expect(answer.json.Contacts[0].FieldNobodyKnows.Kind).toBe('VALUE_OF_NEXT_YEAR')
    expect(answer.json.Contacts[0].ContactID).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('one element of a list is refused, the others stand', async () => {
    knob({ knob: 'rejectOne', value: 1 })
    const answer = await raw(here, 'PUT', '/Contacts?summarizeErrors=false', {
      Contacts: [{ Name: 'A' }, { Name: 'B' }, { Name: 'C' }],
    })
    expect(answer.json.Contacts.map((one: Loose) => one.StatusAttributeString)).toEqual(['OK', 'ERROR', 'OK'])
    expect(await names()).not.toContain('B')
  })

  test('readLag hides what is new from lists, not from its own address', async () => {
    knob({ knob: 'readLag', value: 30_000, times: -1 })
    const made = await raw(here, 'PUT', '/Contacts', contactAsk('New Ltd'))
    expect(await names()).not.toContain('New Ltd')
    expect((await raw(here, 'GET', `/Contacts/${made.json.Contacts[0].ContactID}`)).status).toBe(200)
    here.standIn.clock.advance(30_001)
    expect(await names()).toContain('New Ltd')
  })

  test('revokeConsent, permissionMissing and lockPeriod happen on the way', async () => {
    knob({ knob: 'permissionMissing' })
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(403)
    knob({ knob: 'lockPeriod', value: '2026-03-31' })
    expect((await raw(here, 'GET', '/Organisation')).json.Organisations[0].PeriodLockDate).toMatch(/^\/Date/)
    knob({ knob: 'revokeConsent' })
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(403)
    expect((await raw(here, 'GET', '/Organisation')).status).toBe(403)
  })
})

test('bells are thin, signed over the raw body, and can be doubled or wrongly signed', async () => {
  const heard: { body: string; signature: unknown }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      heard.push({ body, signature: request.headers['x-xero-signature'] })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bells`
  await here.standIn.control.webhooks({ url, key: 'bell-key' })
  await raw(here, 'PUT', '/Contacts', contactAsk('Ring Ltd'))
  await raw(here, 'PUT', '/Contacts', contactAsk('Ring Ltd')) // Refused: rings nothing.

  await here.standIn.control.webhooks({ send: true, duplicate: true })
  await here.standIn.control.webhooks({ intent: true })
  await new Promise((resolve) => server.close(resolve))

  const signed = (body: string) => createHmac('sha256', 'bell-key').update(body).digest('base64')
  expect(heard.map(({ body, signature }) => signature === signed(body))).toEqual([true, true, true, false, true, false])
  const { events, firstEventSequence } = JSON.parse(heard[0]?.body ?? '{}')
  expect(events).toHaveLength(1)
  expect(events[0]).toMatchObject({ eventCategory: 'CONTACT', eventType: 'CREATE', tenantId: here.organisationId })
  expect(firstEventSequence).toBe(1)
  expect(JSON.parse(heard[2]?.body ?? '{}')).toMatchObject({ events: [], firstEventSequence: 0 })
})

describe('behind our back and in plain sight', () => {
  const edit = (ask: object) => here.standIn.control.edit(here.organisationId, ask as Loose) as Loose

  test('a person enters, pays, changes and voids an invoice, and the ledger follows', async () => {
    edit({ deed: 'enterInvoice', contact: 'Green Door Joinery', amount: '100.00', number: 'H-1' })
    edit({ deed: 'payInvoice', number: 'H-1', account: 'Business Current Account' })
    expect([here.balance('200'), here.balance('Business Current Account'), here.balance('610')]).toEqual([
      '-100.00',
      '120.00',
      '0.00',
    ])
    const changed = edit({ deed: 'editInvoice', number: 'H-1', amount: '90.00' })
    expect([changed.status, here.balance('200'), here.balance('Business Current Account')]).toEqual([
      'PAID',
      '-90.00',
      '108.00',
    ])
    edit({ deed: 'voidInvoice', number: 'H-1' })
    expect([here.balance('200'), here.balance('Business Current Account')]).toEqual(['0.00', '0.00'])
  })

  test('a merged contact names where it went when fetched by id', async () => {
    const into = edit({ deed: 'addContact', name: 'Into Ltd' })
    const from = edit({ deed: 'addContact', name: 'From Ltd' })
    edit({ deed: 'mergeContact', contact: 'From Ltd', into: 'Into Ltd' })
    const found = await raw(here, 'GET', `/Contacts/${from.id}`)
    expect(found.json.Contacts[0]).toMatchObject({ MergedToContactID: into.id, ContactStatus: 'ARCHIVED' })
    expect(await names()).not.toContain('From Ltd')
  })

  test('a tax code that was switched off is refused from then on', async () => {
    edit({ deed: 'deactivateTaxCode', taxType: 'OUTPUT2' })
    const answer = await raw(here, 'PUT', '/Invoices', {
      Type: 'ACCREC',
      Contact: { Name: 'Green Door Joinery' },
      LineItems: [{ Description: 'x', UnitAmount: 1, AccountCode: '200' }],
    })
    expect(answer.json.Elements[0].ValidationErrors[0].Message).toContain("'OUTPUT2' cannot be used")
  })

  test('the control plane answers over HTTP, and refuses what cannot be done', async () => {
    const control = (path: string, body?: object) =>
      fetch(`${here.standIn.url}/control${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const made = await control('/organisations', { name: 'Third Ltd', vat: 'none' })
    expect(((await made.json()) as Loose).paysTax).toBe(false)
    const bad = await control(`/organisations/${here.organisationId}/edit`, { deed: 'fly' })
    expect(bad.status).toBe(400)
    expect((await control('/faults', { knob: 'noSuchKnob' })).status).toBe(400)
    const before = here.standIn.clock.now().getTime()
    await control('/clock', { advanceMs: 3_600_000 })
    expect(here.standIn.clock.now().getTime() - before).toBeGreaterThanOrEqual(3_600_000)
    const seen = (await (await control('/requests?since=0')).json()) as Loose[]
    expect(JSON.stringify(seen)).not.toContain('app-secret')
  })

  test('the pages show documents and accounts as a person sees them', async () => {
    edit({ deed: 'enterBill', contact: 'A & <B>', amount: '10.00', number: 'B-7' })
    const page = await (await fetch(`${here.standIn.url}/books/${here.organisationId}`)).text()
    expect(page).toContain('B-7')
    expect(page).toContain('A &amp; &lt;B')
    const account = await fetch(`${here.standIn.url}/books/${here.organisationId}/accounts/${here.account('800')}`)
    expect(await account.text()).toContain('-12.00')
    expect(await (await fetch(here.standIn.url)).text()).toContain('Harbour Street Books')
    expect((await fetch(`${here.standIn.url}/books/none`)).status).toBe(404)
  })
})
