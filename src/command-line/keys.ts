/** Keys for programs: made, listed, revoked; the secret is printed once. And the master key: rotated, verified. */
import type { Command } from 'commander'
import { rotateKeys, type Unopened, verifyKeys } from '../backup/rotate-keys.ts'
import { machineClock } from '../kit/clock.ts'
import type { Tx } from '../kit/db.ts'
import { idFromText, idText, type Uuid } from '../kit/ids.ts'
import { type ApiKey, type KeyRole, keysOf, makeKey, revokeKey } from '../networks/api-key.ts'
import { memberRoles } from '../networks/roles.ts'
import { memberNamed, memberOption, networkNamed, networkOption } from './find.ts'
import { actor, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

const roles: readonly KeyRole[] = ['operator', 'convener', 'auditor', ...memberRoles]

export function keyCommands(program: Command, asking: Asking): void {
  const keys = program.command('keys').description('keys for programs that use the API')
  leaf(keys, asking, {
    name: 'create',
    says: 'make a key and print its secret, this once',
    options: [
      ['--role <role>', roles.join(', ')],
      ['--name <name>', 'what it is for'],
      networkOption,
      memberOption,
      ['--days <days>', 'how long it lives, at most 366', '90'],
      ['--read-only', 'it may only read'],
    ],
    work: create,
  })
  leaf(keys, asking, {
    name: 'list',
    says: 'the installation’s keys, or those of a network or a member',
    options: [networkOption, memberOption],
    work: list,
  })
  leaf(keys, asking, { name: 'revoke <key>', says: 'end a key at once', work: revoke })
  leaf(keys, asking, {
    name: 'rotate',
    says: 'seal every secret at rest with the first master key listed; beside a running service, begun again after a stop',
    work: rotate,
  })
  leaf(keys, asking, {
    name: 'verify',
    says: 'open every secret at rest once, and say which master keys are still needed',
    work: verify,
  })
}

async function create(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const role = mustHave(options, 'role') as KeyRole
  if (!roles.includes(role)) throw new BadUse(`There is no role "${role}"; there are ${roles.join(', ')}.`)
  const name = mustHave(options, 'name')
  const days = textOf(options, 'days') ?? ''
  if (!/^\d{1,3}$/.test(days) || Number(days) < 1 || Number(days) > 366) throw new BadUse('--days is 1 to 366.')
  return withHouse(asking, async (deps) => {
    const made = await inWork(deps, async (tx) => {
      const belongs =
        role === 'operator' ? {} : await belongsTo(tx, options, (memberRoles as readonly string[]).includes(role))
      return makeKey(tx, machineClock, {
        name,
        role,
        ...belongs,
        mayWrite: options.readOnly !== true,
        livesDays: Number(days),
        actor,
      })
    })
    return { json: { ...show(made.key), secret: made.secret }, text: made.secret }
  })
}

async function list(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const keys = await inWork(deps, async (tx) => {
      const isOperators = textOf(options, 'network') === undefined && textOf(options, 'member') === undefined
      return keysOf(
        tx,
        isOperators ? { operator: true } : await belongsTo(tx, options, textOf(options, 'member') !== undefined),
      )
    })
    const rows = keys.map((key) => [
      idText('apiKey', key.id),
      key.role,
      key.mayWrite ? 'reads and writes' : 'only reads',
      key.revokedAt
        ? `revoked ${key.revokedAt.toISOString().slice(0, 10)}`
        : `until ${key.expiresAt.toISOString().slice(0, 10)}`,
      key.name,
    ])
    return { json: keys.map(show), text: columns([['id', 'role', 'may', 'lives', 'name'], ...rows], 'No keys.') }
  })
}

async function revoke(asking: Asking, [text = '']: string[]): Promise<Answer> {
  const keyId = idFromText('apiKey', text)
  if (!keyId) throw new BadUse(`"${text}" is no id of a key; see: keys list`)
  return withHouse(asking, async (deps) => {
    const key = await inWork(deps, (tx) => revokeKey(tx, machineClock, { keyId, actor }))
    return { json: show(key), text: `${text} (${key.name}) opens nothing any more.` }
  })
}

async function rotate(asking: Asking): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const done = await rotateKeys(deps)
    const text = [`${done.resealed} secrets are sealed anew with master key ${done.keyId}.`, ...told(done.unopened)]
    return { json: done, text: text.join('\n'), exit: done.unopened.length > 0 ? 2 : 0 }
  })
}

async function verify(asking: Asking): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const seen = await verifyKeys(deps)
    const [newest = '', ...older] = deps.seal.keyIds
    const text = [
      `${seen.rows} secrets at rest; sealed with: ${Object.entries(seen.byKey)
        .map(([id, rows]) => `${id} ${rows}`)
        .join(', ')}`,
      ...told(seen.unopened),
      ...older.map((id) =>
        seen.unused.includes(id)
          ? `Nothing needs master key ${id} any more, once every process seals with ${newest}.`
          : `Master key ${id} is still needed: quits keys rotate`,
      ),
    ]
    return {
      json: { ...seen, keyIds: deps.seal.keyIds },
      text: text.join('\n'),
      exit: seen.unopened.length > 0 ? 2 : 0,
    }
  })
}

function told(unopened: Unopened[]): string[] {
  return unopened.map(
    ({ table, row, column, keyId }) =>
      `No listed key opens ${table}.${column} of ${row}: it wants master key ${keyId}.`,
  )
}

async function belongsTo(
  tx: Tx,
  options: Options,
  isMembers: boolean,
): Promise<{ networkId?: Uuid; organisationId?: Uuid }> {
  const network = await networkNamed(tx, options)
  if (!isMembers) return { networkId: network.id }
  return { organisationId: (await memberNamed(tx, network, mustHave(options, 'member'))).organisationId }
}

function show(key: ApiKey) {
  return {
    ...key,
    id: idText('apiKey', key.id),
    networkId: key.networkId && idText('network', key.networkId),
    organisationId: key.organisationId && idText('organisation', key.organisationId),
  }
}
