/** Networks and their members: made, listed, carried over from files. */
import type { Command } from 'commander'
import { machineClock } from '../kit/clock.ts'
import { idText } from '../kit/ids.ts'
import { formatAmount, showAmount } from '../kit/money.ts'
import { type LegalForm, legalForms } from '../networks/evidence.ts'
import { importMembers } from '../networks/import-members.ts'
import type { Imported } from '../networks/import-run.ts'
import { type Member, membersOf } from '../networks/member.ts'
import { createNetwork, type Network, networksSeen } from '../networks/network.ts'
import { templates } from '../networks/templates.ts'
import { importTrades, type TradesImported } from '../trades/import-trades.ts'
import { networkNamed, networkOption } from './find.ts'
import { actor, type HouseDeps, inWork, readText, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, mustHave, type Options, textOf } from './terminal.ts'

const mostMembers = 100_000
const importOptions = [networkOption, ['--dry-run', 'only say what would happen, and every refusal']] as const

export function networkCommands(program: Command, asking: Asking): void {
  const networks = program.command('networks').description('networks of this installation')
  leaf(networks, asking, { name: 'list', says: 'all networks', work: listNetworks })
  leaf(networks, asking, {
    name: 'create <short-name>',
    says: 'make a network from a template; the short name stands in its addresses',
    options: [
      ['--name <name>', 'as people call it'],
      ['--template <template>', Object.keys(templates).join(', '), 'uk-business'],
      ['--convener <email>', 'who runs it day by day'],
      ['--organisation <name>', 'the legal person that runs it'],
      ['--legal-form <form>', legalForms.join(', '), 'cic'],
      ['--registration-number <number>', 'its number in the public register'],
      ['--time-zone <zone>', 'where its days begin; else the template’s'],
    ],
    work: create,
  })
  const members = program.command('members').description('members of a network')
  leaf(members, asking, {
    name: 'list',
    says: 'all members with standing, limit and balance',
    options: [networkOption],
    work: listMembers,
  })
  leaf(members, asking, {
    name: 'import <file>',
    says: 'members from a CSV file (docs/import.md)',
    options: importOptions,
    work: (_asking, args, options) =>
      importFile(asking, args, options, async (deps, ask, network) =>
        importAnswer('members', await importMembers(deps, ask), network),
      ),
  })
  const trades = program.command('trades').description('trades of a network')
  leaf(trades, asking, {
    name: 'import <file>',
    says: 'trades of the past from a CSV file, into the ledger only (docs/import.md)',
    options: importOptions,
    work: (_asking, args, options) =>
      importFile(asking, args, options, async (deps, ask, network) =>
        importAnswer('trades', await importTrades(deps, ask), network),
      ),
  })
}

async function listNetworks(asking: Asking): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const networks = await inWork(deps, networksSeen)
    const rows = networks.map(({ slug, state, currency, name }) => [slug, state, currency, name])
    return {
      json: networks.map((network) => ({
        ...network,
        id: idText('network', network.id),
        organisationId: idText('organisation', network.organisationId),
      })),
      text: columns([['short name', 'state', 'unit', 'name'], ...rows], 'No networks.'),
    }
  })
}

async function create(asking: Asking, [slug = '']: string[], options: Options): Promise<Answer> {
  const legalForm = mustHave(options, 'legalForm') as LegalForm
  if (!legalForms.includes(legalForm))
    throw new BadUse(`There is no legal form "${legalForm}"; there are ${legalForms.join(', ')}.`)
  const name = mustHave(options, 'name')
  const number = textOf(options, 'registrationNumber')
  if (number === undefined) throw new BadUse('--registration-number is missing.')
  const organisation = {
    name: mustHave(options, 'organisation'),
    form: { legalForm, partners: null, evidence: { kind: 'registration_number' as const, number } },
  }
  const email = mustHave(options, 'convener')
  return withHouse(asking, async (deps) => {
    const network = await inWork(deps, (tx) =>
      createNetwork(tx, machineClock, {
        slug,
        name,
        from: { template: mustHave(options, 'template') },
        timeZone: textOf(options, 'timeZone'),
        organisation,
        convener: { email },
        actor,
      }),
    )
    const text = `${network.name} stands at ${deps.config.publicUrl}/networks/${network.slug}; ${email} is its convener.`
    return {
      json: {
        ...network,
        id: idText('network', network.id),
        organisationId: idText('organisation', network.organisationId),
      },
      text,
    }
  })
}

async function listMembers(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const { network, members } = await inWork(deps, async (tx) => {
      const found = await networkNamed(tx, options)
      return { network: found, members: await membersOf(tx, found.id, { limit: mostMembers }) }
    })
    const amount = (minor: bigint | null) => (minor === null ? 'none' : formatAmount(minor, network.scale))
    const rows = members.map((member) => [
      idText('member', member.id),
      member.invoicePrefix,
      member.standing,
      amount(member.account.balanceMinor),
      amount(member.account.creditLimitMinor),
      member.organisation.name,
    ])
    const head = ['id', 'prefix', 'standing', 'balance', 'credit limit', 'name']
    return { json: members.map(memberJson), text: columns([head, ...rows], 'No members.') }
  })
}

function memberJson({ id, organisationId, standing, invoicePrefix, organisation, account }: Member) {
  const { balanceMinor, creditLimitMinor, exposureLimitMinor } = account
  return {
    id: idText('member', id),
    organisationId: idText('organisation', organisationId),
    name: organisation.name,
    standing,
    invoicePrefix,
    balanceMinor,
    creditLimitMinor,
    exposureLimitMinor,
  }
}

type FileAsk = Parameters<typeof importMembers>[1]

async function importFile(
  asking: Asking,
  [path = '']: string[],
  options: Options,
  work: (deps: HouseDeps, ask: FileAsk, network: Network) => Promise<Answer>,
): Promise<Answer> {
  const { text, fileName } = readText(path)
  return withHouse(asking, async (deps) => {
    const network = await inWork(deps, (tx) => networkNamed(tx, options))
    const dryRun = options.dryRun === true
    return work(deps, { networkId: network.id, fileName, text, dryRun, actor, progress: progressTo(asking) }, network)
  })
}

/** Told at each tenth, so that a long run is seen to move. */
function progressTo({ err }: Asking): (done: number, of: number) => void {
  let told = 0
  return (done, of) => {
    const tenth = Math.floor((done * 10) / Math.max(of, 1))
    if (tenth <= told || of < 1000) return
    told = tenth
    err(`${done} of ${of} rows`)
  }
}

function importAnswer(what: 'members' | 'trades', result: Imported | TradesImported, network: Network): Answer {
  const amount = (minor: bigint) => showAmount(minor, network.currency, network.scale)
  const done = `${result.dryRun ? 'would be made' : 'made'}`
  const sum = what === 'trades' ? `, ${amount(result.totalMinor)} in all` : ''
  const closing = 'closing' in result ? result.closing : []
  const lines = [
    `${result.rows} rows: ${result.done} ${done}${sum}; ${result.known} stood already.`,
    ...result.refusals.map(({ line, why }) => `Line ${line}: ${why}`),
    ...(result.stoppedAtLine === null
      ? []
      : [`Stopped before line ${result.stoppedAtLine}; mend it and run the same file again.`]),
    ...(closing.length === 0
      ? []
      : ['', columns([['balance', 'member'], ...closing.map((one) => [amount(one.balanceMinor), one.name])], '')]),
  ]
  const json = {
    ...result,
    ...('closing' in result
      ? { closing: closing.map((one) => ({ ...one, memberId: idText('member', one.memberId) })) }
      : {}),
  }
  return { json, text: lines.join('\n'), exit: result.refusals.length > 0 ? 2 : 0 }
}
