/** A canary: whatever opens something goes through the house while it logs all it can, and appears in no line of the log and in no table. */
import { Writable } from 'node:stream'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGrant } from '../../src/books/sealed-grant.ts'
import { openLog } from '../../src/kit/log.ts'
import { textOf } from '../../src/networks/mail.ts'
import { makeOperator } from '../../src/networks/operator.ts'
import { sendMail } from '../../src/outbox/send-mail.ts'
import { type App, openApp } from '../support/app.ts'

let app: App
let lines = ''
beforeAll(async () => {
  const to = new Writable({
    write(chunk, _encoding, done) {
      lines += String(chunk)
      done()
    },
  })
  app = await openApp({ log: openLog('trace', to) })
})
afterAll(() => app.end())

const form = (fields: Record<string, string>) => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  redirect: 'manual' as const,
})

test('keys, links, sessions, codes and tokens are in no line of the log and in no table as they are', async () => {
  const operator = app.client(await app.key({ role: 'operator' }))
  const made = await operator('POST /v1/networks', {
    body: {
      slug: 'wye',
      name: 'Wye',
      from: { template: 'uk-business' },
      organisation: {
        name: 'Wye CIC',
        form: { legalForm: 'cic', evidence: { kind: 'registration_number', number: '01234567' } },
      },
    },
  })
  const path = `/v1/networks/${made.body.id}`
  const key = await operator(`POST ${path}/api-keys`, { body: { name: 'k', role: 'convener' } })
  const convener = app.client(key.body.secret)
  const invited = await convener(`POST ${path}/members`, {
    body: {
      email: 'ann@x.example',
      organisation: {
        name: 'Ann',
        form: { legalForm: 'company', evidence: { kind: 'registration_number', number: '07654321' } },
      },
    },
  })
  const member = `${path}/members/${invited.body.member.id}`
  const ownerKey = await operator(`POST ${member}/api-keys`, { body: { name: 'o', role: 'owner' } })
  const owner = app.client(ownerKey.body.secret)
  app.books.addBook({ id: 'ann-book', name: 'Ann' })
  const begun = await owner(`POST ${member}/connection/consents`, { body: { kind: 'fake' } })
  const url = app.books.agree(begun.body.consentUrl, ['ann-book'])
  const finished = await owner(`POST ${member}/connection/consents/finish`, { body: { url } })
  await owner(`POST ${member}/connection/consents/${finished.body.consentId}/choose`, { body: { bookId: 'ann-book' } })

  await app.worker((tx) => makeOperator(tx, app.clock, 'olu@x.example', 'Olu'))
  const asked = await fetch(`${app.url}/sign-in`, form({ email: 'olu@x.example' }))
  const mark = asked.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const letters = await app.worker((tx) => tx.mail.findMany({ orderBy: { id: 'asc' } }))
  const tokens = letters.flatMap((one) => /\/(?:join|sign-in)\/(\S+)/.exec(textOf(app.deps.seal, one))?.[1] ?? [])
  expect(tokens).toHaveLength(2)
  const [join = '', signIn = ''] = tokens
  // Every spelling a router may take, and one that breaks on the way.
  for (const spelled of [`/join/${join}`, `/JOIN/${join}`, `/Sign-In/${signIn}`, `/join/${join}/x`, `/join/${join}%00`])
    await fetch(`${app.url}${spelled}`)
  const { clock } = app.deps
  app.deps.clock = {
    now: () => {
      throw new Error('broken on purpose')
    },
  }
  await fetch(
    `${app.url}/join/${join}`,
    form({ personName: 'A', name: 'A', vatRegistered: 'no', termsVersion: '1', agree: 'yes' }),
  )
  app.deps.clock = clock
  const signedIn = await fetch(`${app.url}/sign-in/${signIn}`, { ...form({}), headers: { cookie: mark } })
  const session = /quits_session=([^;]+)/.exec(signedIn.headers.getSetCookie()[0] ?? '')?.[1] ?? ''
  await fetch(`${app.url}/connect/fake/callback${new URL(url).search}`, {
    headers: { cookie: `quits_session=${session}` },
  })
  await operator(`GET /v1/networks?token=${session}`)

  const parameters = new URL(url).searchParams
  const grants = await app.worker((tx) => tx.bookGrant.findMany())
  const grant = openGrant(app.deps.seal, grants[0]?.connectionId ?? '', 'sealed', grants[0]?.sealed ?? '')
  const secrets = {
    key: key.body.secret,
    ownerKey: ownerKey.body.secret,
    join,
    signIn,
    session,
    mark: mark.split('=')[1] ?? '',
    state: parameters.get('state') ?? '',
    accessToken: grant.accessToken,
    refreshToken: grant.refreshToken,
  }
  const dump = await everyRow()
  expect(lines.split('\n').length).toBeGreaterThan(10)
  for (const [name, secret] of Object.entries(secrets)) {
    expect([name, secret.length > 5]).toEqual([name, true])
    expect([name, lines.includes(secret)]).toEqual([name, false])
    // A state stands in the kept answer, since a repeat is told it again: it opens nothing but for the one who began.
    if (name !== 'state') expect([name, dump.includes(secret)]).toEqual([name, false])
  }
  expect(lines).toContain('"path":"/join/…"')
})

test('a letter is opened when it is sent, its text forgotten then, and a name in it makes no header', async () => {
  const sent: { to: string; subject: string; text: string }[] = []
  const mailer = { keepsText: false, send: async (letter: (typeof sent)[number]) => void sent.push(letter) }
  await sendMail(app.deps, mailer)
  expect(sent.some((one) => /\/join\/\S{43}/.test(one.text))).toBe(true)
  expect(sent.every((one) => !/[\r\n]/.test(one.subject))).toBe(true)
  const kept = await app.worker((tx) => tx.mail.findMany())
  expect(kept.map((one) => one.body)).toEqual(kept.map(() => ''))
})

/** What a leaked copy of the database would hold. */
async function everyRow(): Promise<string> {
  const client = new pg.Client({ connectionString: app.db.url })
  await client.connect()
  const { rows: tables } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  )
  let text = ''
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select to_jsonb(t)::text as row from "${name}" t`)
    text += rows.map(({ row }) => row).join('\n')
  }
  await client.end()
  return text
}
