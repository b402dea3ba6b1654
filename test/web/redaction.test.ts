/**
 * Canaries: a word of its own in every secret, a run of what works and of what fails, and none of them in anything that leaves the
 * service: standard output, errors, log, answers, pages, figures, command line.
 */
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGrant, sealGrant } from '../../src/books/sealed-grant.ts'
import { ConfigMistakes, readConfig, secretsOf } from '../../src/config.ts'
import { openLog, plainError } from '../../src/kit/log.ts'
import { sealWith } from '../../src/kit/seal.ts'
import { freePort } from '../../src/kit/system.ts'
import { quits } from '../../src/quits.ts'
import { connectBook, openNetwork, saleOf, sell } from '../support/api-world.ts'
import { type App, openApp } from '../support/app.ts'
import { setDatabaseClock } from '../support/db.ts'
import { type Running, startProcess } from './real-service.ts'

const canary = (name: string) => `canary-${name}-${randomBytes(9).toString('hex')}`
const secret = {
  databasePassword: canary('database'),
  mailPassword: canary('mail'),
  masterKey: Buffer.from(canary('master').padEnd(32, '0').slice(0, 32)).toString('hex'),
  metricsToken: canary('metrics'),
  xeroSecret: canary('xero-client'),
  xeroWebhook: canary('xero-webhook'),
  quickbooksSecret: canary('quickbooks-client'),
  quickbooksWebhook: canary('quickbooks-webhook'),
  xeroAccess: canary('xero-access'),
  xeroRefresh: canary('xero-refresh'),
  quickbooksAccess: canary('quickbooks-access'),
  quickbooksRefresh: canary('quickbooks-refresh'),
  apiKey: `qk_${canary('key')}`,
  cookie: canary('cookie'),
  signIn: canary('sign-in'),
  join: canary('join'),
  code: canary('code'),
  attached: canary('attached'),
}

/** Which secrets stand in a text, however they are spelled. */
function leaksIn(text: string): string[] {
  return Object.entries(secret).flatMap(([name, value]) => {
    const bytes = name === 'masterKey' ? Buffer.from(value, 'hex') : Buffer.from(value)
    const spelled = [
      value,
      encodeURIComponent(value),
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('utf8'),
    ]
    return spelled.some((one) => text.includes(one)) ? [name] : []
  })
}

type Mood = 'refuses' | 'fails' | 'knows_us_not'
let app: App
let vendor: Awaited<ReturnType<typeof echoingVendor>>
let environment: Record<string, string> = {}
let role = ''
const children = new Set<ChildProcess>()
beforeAll(async () => {
  app = await openApp()
  vendor = await echoingVendor()
  role = `canary_${randomBytes(6).toString('hex')}`
  await admin(`create role ${role} superuser login password '${secret.databasePassword}'`)
  const url = new URL(app.db.url)
  url.username = role
  url.password = secret.databasePassword
  environment = {
    DATABASE_URL: url.href,
    QUITS_MASTER_KEY: `${secret.masterKey},${Buffer.alloc(32, 9).toString('hex')}`,
    QUITS_METRICS_TOKEN: secret.metricsToken,
    MAIL_URL: `smtp://clerk:${secret.mailPassword}@127.0.0.1:1`,
    LOG_LEVEL: 'trace',
    XERO_CLIENT_ID: 'xero-app',
    XERO_CLIENT_SECRET: secret.xeroSecret,
    XERO_WEBHOOK_KEY: secret.xeroWebhook,
    XERO_IDENTITY_URL: vendor.url,
    XERO_API_URL: vendor.url,
    QUICKBOOKS_CLIENT_ID: 'quickbooks-app',
    QUICKBOOKS_CLIENT_SECRET: secret.quickbooksSecret,
    QUICKBOOKS_WEBHOOK_VERIFIER: secret.quickbooksWebhook,
    QUICKBOOKS_DISCOVERY_URL: `${vendor.url}/.well-known/openid_configuration`,
    QUICKBOOKS_API_URL: vendor.url,
  }
}, 60_000)
afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  await vendor.close()
  await app.end()
  await admin(`drop role if exists ${role}`)
})

async function admin(text: string): Promise<void> {
  const url = new URL(app.db.url)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query(text)
  await client.end()
}

/** Answers every call with all that was sent to it, as a careless gateway does. */
async function echoingVendor() {
  let mood: Mood = 'refuses'
  let calls: string[] = []
  const server = createServer(async (ask, answer) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    if (ask.url?.startsWith('/.well-known')) {
      const at = (path: string) => `${url}/${path}`
      const endpoints = {
        authorization_endpoint: at('authorize'),
        token_endpoint: at('connect/token'),
        revocation_endpoint: at('revoke'),
        userinfo_endpoint: at('user'),
        issuer: url,
      }
      return void answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(endpoints))
    }
    const body = await bodyOf(ask)
    const basic = Buffer.from(/^Basic (.+)$/.exec(ask.headers.authorization ?? '')?.[1] ?? '', 'base64').toString()
    const all = `${ask.headers.authorization} ${basic} ${body} ${ask.url}`
    const isToken = /token/.test(ask.url ?? '')
    calls.push(`${mood} ${isToken ? 'token' : 'api'} ${/Bearer (\S+)/.exec(all)?.[1] ?? ''}`)
    const told = { mood, isToken, all }
    const { status, type, text } = wordsOf(told)
    answer.writeHead(status, { 'content-type': type, 'xero-correlation-id': 'corr-1', intuit_tid: 'tid-1' }).end(text)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(next: Mood) {
      mood = next
      calls = []
    },
    calls: () => calls,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

function wordsOf({ mood, isToken, all }: { mood: Mood; isToken: boolean; all: string }) {
  const json = 'application/json'
  if (isToken)
    return {
      status: 400,
      type: json,
      text: JSON.stringify({ error: 'invalid_grant', error_description: `no good: ${all}` }),
    }
  if (mood === 'fails') return { status: 500, type: 'text/html', text: `<html><body>Gateway: ${all}</body></html>` }
  if (mood === 'knows_us_not')
    return {
      status: 401,
      type: json,
      text: JSON.stringify({ Title: 'Unauthorized', Detail: all, fault: { error: [{ message: all, code: '3200' }] } }),
    }
  return {
    status: 400,
    type: json,
    text: JSON.stringify({
      Message: `not valid: ${all}`,
      Fault: { Error: [{ Message: all, Detail: all, code: '6000' }], type: 'ValidationFault' },
    }),
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of incoming) body += String(chunk)
  return body
}

async function until(what: () => boolean | Promise<boolean>, everyMs = 100): Promise<void> {
  const end = performance.now() + 45_000
  while (performance.now() < end) {
    if (await what()) return
    await new Promise((done) => setTimeout(done, everyMs))
  }
  throw new Error(`it never came true: ${what}`)
}

async function start(more: Record<string, string> = {}): Promise<Running> {
  const port = await freePort()
  const { child, running } = startProcess({ ...environment, PORT: String(port), ...more }, `http://127.0.0.1:${port}`)
  children.add(child)
  return running
}

/** Two members whose live books answer with all they are sent; what opens them is a canary. */
async function members() {
  await app.travelTo(new Date())
  const operator = app.client(await app.key({ role: 'operator' }))
  const avon = await openNetwork(app, operator, 'avon')
  const [mill, bakery] = [await avon.member('Mill'), await avon.member('Bakery')]
  await connectBook(app, mill, 'mill-book')
  await connectBook(app, bakery, 'bakery-book')
  const seal = sealWith([Buffer.from(secret.masterKey, 'hex')])
  const far = new Date('2099-01-01T00:00:00Z').toISOString()
  await app.worker(async (tx) => {
    for (const [bookId, kind, accessToken, refreshToken] of [
      ['mill-book', 'xero', secret.xeroAccess, secret.xeroRefresh],
      ['bakery-book', 'quickbooks', secret.quickbooksAccess, secret.quickbooksRefresh],
    ] as const) {
      const { id } = await tx.connection.findFirstOrThrow({ where: { bookId } })
      const { sealed } = await tx.bookGrant.findUniqueOrThrow({ where: { connectionId: id } })
      const grant = { ...openGrant(app.deps.seal, id, 'sealed', sealed), accessToken, refreshToken, accessEndsAt: far }
      await tx.bookGrant.update({
        where: { connectionId: id },
        data: { sealed: sealGrant(seal, id, 'sealed', grant), accessEndsAt: far },
      })
      await tx.connection.update({ where: { id }, data: { kind, askFirst: 0 } })
    }
  })
  await setDatabaseClock(app.db.url, null)
  return { avon, mill, bakery }
}

test('no secret leaves the running service, whatever works or fails', async () => {
  const { avon, mill, bakery } = await members()
  const running = await start()
  await until(async () => (await fetch(`${running.url}/readyz`).catch(() => null))?.status === 200)
  let told = ''
  const ask = async (path: string, more: RequestInit = {}) => {
    const answer = await fetch(`${running.url}${path}`, { redirect: 'manual', ...more })
    told += `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}\n`
    return answer.status
  }

  // Both vendors in every mood, each with a new trade to tell them of.
  for (const [mood, amount] of [
    ['refuses', '1000'],
    ['fails', '2000'],
    ['knows_us_not', '3000'],
  ] as const) {
    vendor.set(mood)
    await sell(avon.path, mill, bakery, amount)
    await until(async () => {
      // What came of the mood before may be written only now: it is asked for again until both have answered in this one.
      await app.worker(
        (tx) => tx.$executeRaw`
          update delivery set state = 'waiting', parked_cause = null, parked_facts = null, due_at = quits_now() where state in ('waiting', 'parked')`,
      )
      await app.worker(
        (tx) => tx.$executeRaw`update lane set due_at = quits_now(), budget = '{}' where leased_by is null`,
      )
      const wanted = mood === 'knows_us_not' ? ['token'] : [secret.xeroAccess, secret.quickbooksAccess]
      return wanted.every((one) => vendor.calls().some((call) => call.startsWith(mood) && call.includes(one)))
    }, 500)
  }
  await until(async () => (await app.worker((tx) => tx.connection.count({ where: { state: 'needs_sign_in' } }))) > 0)

  // What people and programs may read of it.
  const owner = await Promise.all(
    [mill, bakery].map(async ({ organisationId, path }) => {
      const { idFromText } = await import('../../src/kit/ids.ts')
      const key = await app.key({ role: 'owner', organisationId: idFromText('organisation', organisationId) ?? '' })
      return { path, headers: { authorization: `Bearer ${key}` } }
    }),
  )
  for (const { path, headers } of owner) {
    for (const page of ['/connection', '/deliveries', '/connection/mapping']) await ask(`${path}${page}`, { headers })
    const list = (await (await fetch(`${running.url}${path}/deliveries`, { headers })).json()) as {
      list: { id: string }[]
    }
    for (const one of list.list) await ask(`${path}/deliveries/${one.id}`, { headers })
  }
  // What opens something, shown where it opens nothing.
  const json = { 'content-type': 'application/json', 'idempotency-key': 'k' }
  await ask(`${avon.path}/trades`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${secret.apiKey}` },
    body: JSON.stringify(saleOf(mill, bakery, '1')),
  })
  await ask('/', { headers: { cookie: `quits_session=${secret.cookie}; quits_browser=${secret.cookie}` } })
  await ask('/no/such/page', {
    headers: { cookie: `quits_session=${secret.cookie}`, authorization: `Bearer ${secret.attached}` },
  })
  for (const path of [
    `/connect/xero/callback?code=${secret.code}&state=${secret.code}`,
    `/connect/quickbooks/callback?code=${secret.code}&state=x&realmId=1`,
  ])
    await ask(path)
  for (const header of ['x-xero-signature', 'intuit-signature'])
    await ask(`/v1/webhooks/${header.includes('xero') ? 'xero' : 'quickbooks'}`, {
      method: 'POST',
      headers: { [header]: secret.attached },
      body: '{}',
    })
  expect(await ask('/metrics', { headers: { authorization: `Bearer ${secret.metricsToken}` } })).toBe(200)
  expect(await ask('/metrics', { headers: { authorization: `Bearer ${secret.attached}` } })).toBe(401)
  await ask('/readyz')
  // A page of a link holds its token, for its form; only the log must not.
  for (const path of [`/sign-in/${secret.signIn}`, `/join/${secret.join}`, `//JOIN/${secret.join}/x`])
    await fetch(`${running.url}${path}`)

  // Sessions cut off in the middle.
  await admin(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)
  await until(() => running.output().includes('connection was lost'))
  await ask('/readyz')
  running.stop()
  expect(await running.ended).toBe(0)

  const kept = await app.worker((tx) => tx.attempt.findMany())
  // The run was what it should be: vendors’ words were kept, and the log told a lot.
  expect(kept.filter((one) => (one.said ?? '').length > 20).length).toBeGreaterThan(1)
  expect(running.output()).toMatch(/a call to a book/)
  expect(running.output()).toMatch(/"callId":"(corr|tid)-1"/)
  expect(leaksIn(running.output())).toEqual([])
  expect(leaksIn(told)).toEqual([])
  expect(leaksIn(JSON.stringify(kept.map((one) => one.said)))).toEqual([])
}, 180_000)

test('an error that nobody caught ends the service in a line of ours, without what hangs on it', async () => {
  // The word comes by the environment: this module's own text is its address, and stands in the stack.
  const thrown =
    "const word = process.env.WORD; setTimeout(() => { throw Object.assign(new Error('postgres://clerk:' + word + '@db/x refused'), { client: { password: word, headers: { authorization: 'Bearer ' + word } } }) }, 100)"
  const hooked = `import timers from 'node:timers'; const at = setInterval(() => { if (process.listenerCount('uncaughtException') > 0) { clearInterval(at); ${thrown} } }, 20)`
  const running = await start({
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hooked)}`,
    WORD: secret.attached,
  })
  expect(await running.ended).toBe(1)
  expect(running.output()).toContain('Quits has to stop')
  expect(running.output()).toContain('refused')
  expect(leaksIn(running.output())).toEqual([])
}, 60_000)

test('a database that cannot be reached and a configuration that is wrong are told without their secrets', async () => {
  const away = environment.DATABASE_URL?.replace(/@[^/]+\//, '@127.0.0.1:1/') ?? ''
  const running = await start({ DATABASE_URL: away })
  expect(await running.ended).toBe(1)
  expect(running.output()).not.toBe('')
  expect(leaksIn(running.output())).toEqual([])

  const wrong = {
    DATABASE_URL: `pg://x:${secret.databasePassword}@h/x`,
    QUITS_MASTER_KEY: secret.attached,
    QUITS_METRICS_TOKEN: `${secret.attached} `,
    MAIL_URL: secret.mailPassword,
    XERO_CLIENT_SECRET: secret.xeroSecret,
    PORT: secret.attached,
  }
  const mistakes = (() => {
    try {
      return readConfig(wrong)
    } catch (error) {
      return error
    }
  })()
  expect(mistakes).toBeInstanceOf(ConfigMistakes)
  expect((mistakes as ConfigMistakes).mistakes.length).toBeGreaterThan(4)
  expect(leaksIn((mistakes as Error).message)).toEqual([])
}, 60_000)

test('the command line prints no secret, with a database and without', async () => {
  const away = { ...environment, DATABASE_URL: environment.DATABASE_URL?.replace(/@[^/]+\//, '@127.0.0.1:1/') ?? '' }
  let printed = ''
  const say = (text: string) => {
    printed += `${text}\n`
  }
  for (const given of [environment, away])
    for (const command of [
      'config check',
      'doctor',
      'connections list',
      'deliveries list',
      'deliveries list --state parked',
      'keys list',
      'audit',
      'reconcile',
    ])
      for (const form of [[], ['--json']])
        await quits([...command.split(' '), ...form], { out: say, err: say, environment: given })
  expect(printed.length).toBeGreaterThan(1_000)
  expect(printed).toContain('(kept out)')
  expect(leaksIn(printed)).toEqual([])
}, 120_000)

test('each wall of the log holds by itself: by name, by what an error may tell, by the words of the configuration', () => {
  let lines = ''
  const to = {
    write(line: string) {
      lines += line
    },
  }
  const bare = openLog('trace', to)
  const names = [
    'accessToken',
    'refresh_token',
    'authorization',
    'clientSecret',
    'password',
    'cookie',
    'sealed',
    'token',
    'connectionString',
    'set-cookie',
    'verifier',
  ]
  for (const name of names) {
    const held = { [name]: secret.attached }
    bare.info(held, 'flat')
    bare.info({ headers: held }, 'once')
    bare.info({ ask: { headers: held } }, 'twice')
    bare.info({ error: Object.assign(new Error('it failed'), held, { client: held }) }, 'on an error')
  }
  for (const message of [
    `postgres://a:${secret.attached}@h/d`,
    `Bearer ${secret.attached}`,
    `"refresh_token":"${secret.attached}"`,
    `cookie: ${secret.attached}`,
    `GET /join/${secret.attached}`,
    secret.apiKey,
  ])
    bare.error({ error: new Error(`upstream said ${message}`) }, 'an error')
  expect(plainError({ password: secret.attached }).message).toBe('object')
  expect(leaksIn(lines)).toEqual([])

  const told = openLog('trace', to, secretsOf(readConfig(environment)))
  for (const value of [
    secret.databasePassword,
    secret.mailPassword,
    secret.masterKey,
    secret.metricsToken,
    secret.xeroSecret,
    secret.quickbooksWebhook,
  ])
    told.info({ anything: { at: { all: [value] } } }, `in words: ${value}`)
  expect(lines).toContain('in words: (kept out)')
  expect(leaksIn(lines)).toEqual([])
})
