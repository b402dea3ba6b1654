/** Connections to members' books: listed, looked at, paused and let go on, one or a whole network; and a link to sign in again. */
import type { Command } from 'commander'
import { type Connection, type ConnectionState, connectionMoves, connectionOf, missingIn } from '../books/connection.ts'
import { pause, pauseOf, pauseSending, resume, resumeSending, sendingPauseOf } from '../books/pause.ts'
import { machineClock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idFromText, idText, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { rolesOfOrganisation } from '../networks/person.ts'
import { makeSignInLink } from '../networks/sign-in.ts'
import { inOneBreath, wordsFor } from '../outbox/words.ts'
import { ageAsked, agoIn, olderThanOption } from './age.ts'
import {
  memberNamed,
  memberOption,
  networkNamed,
  networksNamed,
  organisationNamed,
  organisationOption,
} from './find.ts'
import { actor, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

const wholeNetwork = ['--network <name>', 'instead of one connection: everything that this network sends'] as const

export function connectionCommands(program: Command, asking: Asking): void {
  const connections = program.command('connections').description('connections to members’ books')
  leaf(connections, asking, {
    name: 'list',
    says: 'every member with its connection',
    options: [
      ['--network <name>', 'short name or id; else every network'],
      memberOption,
      organisationOption,
      ['--state <state>', `${Object.keys(connectionMoves).join(', ')}, or none`],
      [olderThanOption[0], 'no call has worked for so long: 90m, 36h or 3d'],
    ],
    work: list,
  })
  leaf(connections, asking, {
    name: 'show <connection>',
    says: 'one of them: its state, its last good call, who paused it and why, and what waits for it',
    work: look,
  })
  leaf(connections, asking, {
    name: 'pause [connection]',
    says: 'send nothing until it goes on; promises go on',
    options: [wholeNetwork, ['--reason <words>', 'why']],
    work: (_a, args, options) => pauseWhat(asking, args, options),
  })
  leaf(connections, asking, {
    name: 'resume [connection]',
    says: 'go on',
    options: [wholeNetwork],
    work: (_a, args, options) => resumeWhat(asking, args, options),
  })
  leaf(connections, asking, {
    name: 'sign-in-link <connection>',
    says: 'print a link, good once within fifteen minutes, that leads its owner to where the book is signed in to again',
    options: [['--email <address>', 'for which of its people; else its first owner or bookkeeper']],
    work: signInLink,
  })
}

type Row = {
  network: string
  memberId: Uuid
  organisationId: Uuid
  organisation: string
  connectionId: Uuid | null
  kind: string | null
  book: string | null
  state: ConnectionState | null
  lastGoodCallAt: Date | null
  lastCause: string | null
  signInEndsAt: Date | null
  waiting: number
  parked: number
}

async function list(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const state = textOf(options, 'state') ?? null
  if (state !== null && state !== 'none' && !Object.hasOwn(connectionMoves, state))
    throw new BadUse(`There is no state "${state}"; there are ${Object.keys(connectionMoves).join(', ')}, and none.`)
  const ageMs = ageAsked(options)
  return withHouse(asking, async (deps) => {
    const found = await inWork(deps, async (tx) => {
      const networks = await networksNamed(tx, options)
      const organisationId = await ownerIn(tx, networks, options)
      const goodBefore = (await agoIn(tx, ageMs)) ?? null
      return tx.$queryRaw<Row[]>`
        select n.slug as network, m.id as "memberId", o.id as "organisationId", o.name as organisation, c.id as "connectionId", c.kind, c.book_name as book,
               c.state, c.last_good_call_at as "lastGoodCallAt", c.last_error ->> 'cause' as "lastCause",
               least(g.refresh_ends_at, g.hard_ends_at) as "signInEndsAt",
               (select count(*) from delivery d where d.network_id = n.id and d.organisation_id = o.id and d.state in ('waiting', 'sending'))::int as waiting,
               (select count(*) from delivery d where d.network_id = n.id and d.organisation_id = o.id and d.state = 'parked')::int as parked
        from member m join network n on n.id = m.network_id join organisation o on o.id = m.organisation_id
        left join connection c on c.organisation_id = o.id and c.state <> 'ended'
        left join book_grant g on g.connection_id = c.id
        where n.id = any (${networks.map((one) => one.id)}::uuid[]) and m.standing in ('admitted', 'suspended', 'leaving')
          and (${organisationId}::uuid is null or o.id = ${organisationId}::uuid)
          and (${state}::text is null or coalesce(c.state, 'none') = ${state}::text)
          and (${goodBefore}::timestamptz is null or (c.id is not null and coalesce(c.last_good_call_at, c.made_at) < ${goodBefore}::timestamptz))
        order by n.slug, c.state = 'needs_sign_in' desc nulls last, c.last_good_call_at nulls first, o.name`
    })
    const rows = found.map((one) => [
      one.network,
      one.connectionId ? idText('connection', one.connectionId) : '-',
      one.kind ?? '-',
      one.state ?? 'none',
      one.lastCause ?? '-',
      String(one.waiting),
      String(one.parked),
      `${one.organisation}${one.book ? ` (${one.book})` : ''}`,
    ])
    return {
      json: found.map(({ connectionId, memberId, ...one }) => ({
        ...one,
        id: connectionId && idText('connection', connectionId),
        memberId: idText('member', memberId),
        organisationId: idText('organisation', one.organisationId),
      })),
      text: columns(
        [['network', 'id', 'kind', 'state', 'trouble', 'waiting', 'parked', 'member'], ...rows],
        state === null && ageMs === undefined ? 'No members.' : 'None is like that.',
      ),
    }
  })
}

async function ownerIn(
  tx: Tx,
  networks: Awaited<ReturnType<typeof networksNamed>>,
  options: Options,
): Promise<Uuid | null> {
  const organisation = textOf(options, 'organisation')
  const name = textOf(options, 'member')
  if (organisation !== undefined && name !== undefined) throw new BadUse('Give --member or --organisation, not both.')
  if (organisation !== undefined) return organisationNamed(tx, organisation)
  if (name === undefined) return null
  const [network] = networks
  if (!network || networks.length > 1) throw new BadUse('--member needs --network.')
  return (await memberNamed(tx, network, name)).organisationId
}

/** One shape for a connection wherever the command line tells of it. */
function shown(connection: Connection) {
  const { lastError } = connection
  return {
    id: idText('connection', connection.id),
    organisationId: idText('organisation', connection.organisationId),
    kind: connection.kind,
    book: connection.bookName,
    state: connection.state,
    lastGoodCallAt: connection.lastGoodCallAt,
    cause: lastError?.cause ?? null,
    missing: missingIn(lastError),
    words: lastError ? inOneBreath(wordsFor(lastError.cause)) : null,
    next: lastError ? { text: wordsFor(lastError.cause).fix } : null,
    who: lastError ? wordsFor(lastError.cause).who : null,
    paused: pauseOf(connection),
  }
}

async function look(asking: Asking, args: string[]): Promise<Answer> {
  const id = connectionNamed(args)
  return withHouse(asking, async (deps) => {
    const json = await inWork(deps, async (tx) => {
      const connection = await connectionOf(tx, id)
      const counts = await tx.delivery.groupBy({
        by: ['state'],
        where: { organisationId: connection.organisationId },
        _count: true,
      })
      const networks = await tx.$queryRaw<{ id: Uuid; slug: string }[]>`
        select n.id, n.slug from member m join network n on n.id = m.network_id where m.organisation_id = ${connection.organisationId}::uuid order by n.slug`
      const sending = []
      for (const one of networks) sending.push({ network: one.slug, paused: await sendingPauseOf(tx, one.id) })
      return {
        ...shown(connection),
        deliveries: Object.fromEntries(counts.map((one) => [one.state, one._count])),
        sending,
      }
    })
    const paused = [
      ...(json.paused
        ? [`paused by ${json.paused.by ?? 'nobody known'}: ${json.paused.reason ?? 'no reason given'}`]
        : []),
      ...json.sending.flatMap((one) =>
        one.paused ? [`${one.network} sends nothing, paused by ${one.paused.by}: ${one.paused.reason}`] : [],
      ),
    ]
    const counts = Object.entries(json.deliveries).map(([state, count]) => `${count} ${state}`)
    const lines = [
      `${json.book} (${json.kind}) is ${json.state}.`,
      ...paused,
      ...(json.words ? [`${json.words} ${json.next?.text}`] : []),
      `last good call: ${json.lastGoodCallAt?.toISOString() ?? 'none yet'}`,
      `deliveries: ${counts.join(', ') || 'none'}`,
    ]
    return { json, text: lines.join('\n') }
  })
}

async function pauseWhat(asking: Asking, args: string[], options: Options): Promise<Answer> {
  const reason = mustHave(options, 'reason')
  const one = oneOrNetwork(args, options)
  return withHouse(asking, async (deps) =>
    inWork(deps, async (tx) => {
      if (one !== null) {
        const connection = await pause(tx, machineClock, { connectionId: one, reason, actor })
        return { json: shown(connection), text: `${connection.bookName} is ${connection.state}.` }
      }
      const network = await networkNamed(tx, options)
      const paused = await pauseSending(tx, machineClock, { networkId: network.id, reason, actor })
      return {
        json: { network: network.slug, paused },
        text: `Nothing of ${network.name} leaves for any book; trades and promises go on.`,
      }
    }),
  )
}

async function resumeWhat(asking: Asking, args: string[], options: Options): Promise<Answer> {
  const one = oneOrNetwork(args, options)
  return withHouse(asking, async (deps) =>
    inWork(deps, async (tx) => {
      if (one !== null) {
        const connection = await resume(tx, machineClock, { connectionId: one, actor })
        return { json: shown(connection), text: `${connection.bookName} is ${connection.state}.` }
      }
      const network = await networkNamed(tx, options)
      await resumeSending(tx, machineClock, { networkId: network.id, actor })
      return { json: { network: network.slug, paused: null }, text: `What ${network.name} promises leaves again.` }
    }),
  )
}

async function signInLink(asking: Asking, args: string[], options: Options): Promise<Answer> {
  const id = connectionNamed(args)
  const wanted = textOf(options, 'email')?.trim().toLowerCase()
  return withHouse(asking, async (deps) => {
    const { email, path } = await inWork(deps, async (tx) => {
      const { organisationId } = await connectionOf(tx, id)
      const people = (await rolesOfOrganisation(tx, organisationId)).filter((one) => one.role !== 'staff')
      const owners = [...people.filter((one) => one.role === 'owner'), ...people.filter((one) => one.role !== 'owner')]
      const person = owners.find((one) => wanted === undefined || one.person.email.toLowerCase() === wanted)
      if (!person)
        throw new Refusal('not_found', { thing: wanted ? `owner or bookkeeper ${wanted}` : 'owner or bookkeeper' })
      const member = await tx.member.findFirst({
        where: { organisationId, standing: { not: 'left' } },
        orderBy: { id: 'asc' },
        select: { id: true },
      })
      if (!member) throw new Refusal('not_found', { thing: 'member' })
      return { email: person.person.email, path: `/members/${idText('member', member.id)}/connection` }
    })
    const { token, expiresAt } = await makeSignInLink(deps, email, path)
    const url = `${deps.config.publicUrl}/sign-in/${token}`
    return { json: { url, expiresAt, email, leadsTo: path }, text: `${url}\nfor ${email}` }
  })
}

function oneOrNetwork(args: string[], options: Options): Uuid | null {
  const hasNetwork = textOf(options, 'network') !== undefined
  if (hasNetwork === args.length > 0) throw new BadUse('Name one connection, or a whole network with --network.')
  return hasNetwork ? null : connectionNamed(args)
}

function connectionNamed([text = '']: string[]): Uuid {
  const id = idFromText('connection', text)
  if (!id) throw new BadUse(`"${text}" is no id of a connection; see: connections list`)
  return id
}
