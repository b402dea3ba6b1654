/** Outgoing webhooks from the command line: who is told of what happens, made, tried, switched, sent anew. */
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { instantOf, machineClock } from '../kit/clock.ts'
import { idFromText, idText, type Uuid } from '../kit/ids.ts'
import {
  addressesOf,
  addressOf,
  makeAddress,
  type NoticeKind,
  noticeKinds,
  promiseTest,
  removeAddress,
  replaySince,
  rotateSecret,
  switchAddress,
  type WebhookAddress,
} from '../outbox/webhook-address.ts'
import { memberNamed, memberOption, networkNamed, networkOption, networksNamed } from './find.ts'
import { actor, inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

export function webhookCommands(program: Command, asking: Asking): void {
  const webhooks = program.command('webhooks').description('programs that are told of what happens (docs/webhooks.md)')
  const told = (name: string, says: string, work: Work, options: readonly (readonly [string, string])[] = []) =>
    leaf(webhooks, asking, { name, says, work, options })
  told('create', 'name an address and print its secret, this once', create, [
    ['--url <url>', 'https, and reachable from everywhere'],
    ['--events <events>', `of ${noticeKinds.join(', ')}; left out: all`],
    networkOption,
    memberOption,
  ])
  told('list', 'every address and how it stands', list, [networkOption])
  told('rotate <webhook>', 'another secret; the old one signs beside it for a day', rotate)
  told('test <webhook>', 'send it something that means nothing', test)
  told('off <webhook>', 'tell it nothing any more', (at, args) => turn(false, at, args))
  told('on <webhook>', 'tell it again', (at, args) => turn(true, at, args))
  told('remove <webhook>', 'end it with all that was told to it', remove)
  told('replay <webhook>', 'send anew, under the same ids, what happened since', replay, [
    ['--since <instant>', '2026-11-25T08:00:00Z'],
  ])
}
type Work = (asking: Asking, args: string[], options: Options) => Promise<Answer>

async function create(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  const url = mustHave(options, 'url')
  const given = (textOf(options, 'events') ?? noticeKinds.join(',')).split(',').map((one) => one.trim())
  const wrong = given.find((one) => !(noticeKinds as readonly string[]).includes(one))
  if (wrong !== undefined) throw new BadUse(`There is no event "${wrong}"; there are ${noticeKinds.join(', ')}.`)
  return withHouse(asking, async (deps) => {
    const { address, secret } = await inWork(deps, async (tx) => {
      const network = await networkNamed(tx, options)
      const name = textOf(options, 'member')
      const organisationId = name === undefined ? null : (await memberNamed(tx, network, name)).organisationId
      const ask = { networkId: network.id, organisationId, url, whats: given as NoticeKind[], actor }
      return makeAddress(tx, { ...deps, loopback: readConfig(asking.environment).webhooksToLoopback }, ask)
    })
    return { json: { ...show(address), secret }, text: `${idText('webhook', address.id)}\n${secret}` }
  })
}

async function list(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const found = await inWork(deps, async (tx) => {
      const networks = await networksNamed(tx, options)
      return (await Promise.all(networks.map(({ id }) => addressesOf(tx, id)))).flat()
    })
    const rows = found.map((one) => [
      idText('webhook', one.id),
      one.offCause ? `off: ${one.offCause}` : one.failingAt ? `fails since ${one.failingAt.toISOString()}` : 'good',
      one.url,
    ])
    return { json: found.map(show), text: columns([['id', 'state', 'address'], ...rows], 'No webhooks.') }
  })
}

const rotate: Work = (asking, [text = '']) =>
  withHouse(asking, async (deps) => {
    const secret = await inWork(deps, (tx) => rotateSecret(tx, deps, idIn(text), actor))
    return { json: { id: text, secret }, text: secret }
  })

const test: Work = (asking, [text = '']) =>
  withHouse(asking, async (deps) => {
    const id = await inWork(deps, async (tx) => promiseTest(tx, machineClock, await addressOf(tx, idIn(text))))
    const notice = idText('notice', id)
    return { json: { id: text, notice }, text: `${notice} goes with the next turn of a worker.` }
  })

async function turn(on: boolean, asking: Asking, [text = '']: string[]): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const ask = { on, cause: 'switched off by a person', actor }
    const address = await inWork(deps, (tx) => switchAddress(tx, machineClock, idIn(text), ask))
    return { json: show(address), text: `${text} is ${on ? 'on' : 'off'}.` }
  })
}

const remove: Work = (asking, [text = '']) =>
  withHouse(asking, async (deps) => {
    await inWork(deps, async (tx) => removeAddress(tx, machineClock, await addressOf(tx, idIn(text)), actor))
    return { json: { id: text, removed: true }, text: `${text} is removed.` }
  })

async function replay(asking: Asking, [text = '']: string[], options: Options): Promise<Answer> {
  const since = instantOf(mustHave(options, 'since'))
  if (Number.isNaN(since.getTime())) throw new BadUse('--since is an instant, such as 2026-11-25T08:00:00Z.')
  return withHouse(asking, async (deps) => {
    const count = await inWork(deps, async (tx) => replaySince(tx, await addressOf(tx, idIn(text)), since))
    return { json: { id: text, count }, text: `${count} are sent anew.` }
  })
}

function idIn(text: string): Uuid {
  const id = idFromText('webhook', text)
  if (!id) throw new BadUse(`"${text}" is no id of a webhook; see: webhooks list`)
  return id
}

function show(address: WebhookAddress) {
  return {
    ...address,
    id: idText('webhook', address.id),
    networkId: idText('network', address.networkId),
    organisationId: address.organisationId && idText('organisation', address.organisationId),
  }
}
