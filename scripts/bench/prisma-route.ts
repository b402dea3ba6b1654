/**
 * `POST /v1/trades` as a straightforward Express and Prisma service has it: the key looked up, the body checked by the same
 * shape, one interactive transaction, the answer. A program of its own, so that it has a process to itself as the service has.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type NextFunction, type Request, type Response } from 'express'
import { dayIn, machineClock } from '../../src/kit/clock.ts'
import { inTransaction, openDb } from '../../src/kit/db.ts'
import { idOfCause, idText } from '../../src/kit/ids.ts'
import { Refusal } from '../../src/kit/refusal.ts'
import { actorOf, type KeyRole } from '../../src/networks/api-key.ts'
import { memberOf } from '../../src/networks/member.ts'
import { type Actor, mustBeAllowed } from '../../src/networks/roles.ts'
import { hashOf } from '../../src/networks/secret.ts'
import { inCurrency } from '../../src/web/api/network-shapes.ts'
import { partFrom, proposalInNetwork } from '../../src/web/api/trade-shapes.ts'
import { connections } from './contenders.ts'
import { tradeByPrisma } from './prisma-trade.ts'

const patientMs = 60_000
const seenEveryMs = 60_000
const route = 'POST /trades'
const currency = 'GBP'
const timeZone = 'Europe/London'

const [url = '', port = '0'] = process.argv.slice(2)
const db = openDb(url, { connections })

const app = express()
app.disable('x-powered-by')
app.use(express.json({ limit: '2mb', strict: true }))
app.get('/healthz', (_ask, answer) => void answer.json({ up: true }))
app.post('/v1/trades', async (ask: Request, answer: Response) => {
  const secret = /^Bearer (qk_[\w-]{20,100})$/.exec(ask.get('authorization') ?? '')?.[1] ?? ''
  const actor = await actorOfSecret(secret)
  if (!actor) return void answer.status(401).json({ code: 'key_dead' })
  const key = ask.get('idempotency-key')
  const parsed = proposalInNetwork.safeParse(ask.body)
  if (!parsed.success || !key) return void answer.status(400).json({ code: 'malformed' })
  const { networkId, lines, ...body } = parsed.data
  const bodyHash = new Uint8Array(createHash('sha256').update(JSON.stringify(ask.body)).digest())
  const at = machineClock.now()
  const made = await inTransaction(
    db,
    { role: 'writer', network: networkId },
    async (tx) => {
      const seller = await memberOf(tx, networkId, body.sellerId)
      mustBeAllowed(actor, 'propose_trade', { organisationId: seller.organisationId })
      return tradeByPrisma(
        tx,
        {
          networkId,
          id: idOfCause('trade', networkId, actor.id, key),
          actor: actor.id,
          proposedBy: 'seller',
          sellerMemberId: seller.id,
          buyerMemberId: body.buyerId,
          currency,
          lines: lines.map(({ net, ...line }) => ({ ...line, netMinor: inCurrency(net, currency) })),
          part: partFrom(parsed.data, currency),
          description: body.description,
          tradedOn: body.tradedOn ?? dayIn(timeZone, at),
          ...(body.dueOn ? { dueOn: body.dueOn } : {}),
          buyerReference: body.buyerReference ?? null,
          source: 'api',
        },
        { actor: actor.id, route, key, bodyHash },
        at,
      )
    },
    patientMs,
  )
  answer.status(made.status).json({ ...made.body, id: idText('trade', made.body.id) })
})
app.use((error: unknown, _ask: Request, answer: Response, _next: NextFunction) => {
  const code = error instanceof Refusal ? error.code : 'broken'
  if (code === 'broken') process.stderr.write(`${String(error).slice(0, 500)}\n`)
  answer.status(code === 'broken' ? 500 : 409).json({ code })
})

/** One look-up; that it was seen is written once a minute, as the service does. */
async function actorOfSecret(secret: string): Promise<Actor | null> {
  const now = machineClock.now()
  const row = await db.prisma.apiKey.findUnique({ where: { secretHash: hashOf(secret) } })
  if (!row || row.revokedAt || row.expiresAt <= now) return null
  if (!row.seenAt || now.getTime() - row.seenAt.getTime() >= seenEveryMs)
    await db.prisma.apiKey.update({ where: { id: row.id }, data: { seenAt: now }, select: { id: true } })
  return actorOf({ ...row, role: row.role as KeyRole })
}

const server = createServer(app)
server.listen(Number(port), '127.0.0.1')
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
