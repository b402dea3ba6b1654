/** The sweep from the command line: what each book holds of ours, against what we know of it. */
import type { Command } from 'commander'
import { idText } from '../kit/ids.ts'
import { showAmount } from '../kit/money.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Network } from '../networks/network.ts'
import { asRefusal, booksToSweep, type SweepDone, sweepBook } from '../reconcile/sweep.ts'
import { memberNamed, memberOption, networksNamed } from './find.ts'
import { inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, columns, leaf, type Options, textOf } from './terminal.ts'

export function sweepCommands(program: Command, asking: Asking): void {
  leaf(program, asking, {
    name: 'sweep',
    says: 'compare all markers in the books with what was sent: missing, doubled, changed, foreign; 2 when there are any',
    options: [
      ['--network <name>', 'short name or id; else every network'],
      memberOption,
      ['--whole', 'read the books whole, not their changes alone'],
    ],
    work: sweepNow,
  })
}

type Swept = { organisationId: string; name: string; done: SweepDone | null; refused: string | null }

async function sweepNow(asking: Asking, _args: string[], options: Options): Promise<Answer> {
  return withHouse(asking, async (deps) => {
    const { networks, owners } = await inWork(deps, async (tx) => {
      const networks = await networksNamed(tx, options)
      const name = textOf(options, 'member')
      const [network] = networks
      if (name !== undefined && (!network || networks.length > 1)) throw new BadUse('--member needs --network.')
      const members = await tx.member.findMany({
        where: {
          networkId: { in: networks.map((one) => one.id) },
          ...(name !== undefined && network ? { id: (await memberNamed(tx, network, name)).id } : {}),
        },
      })
      const ids = [...new Set(members.map((one) => one.organisationId))]
      return { networks, owners: await tx.organisation.findMany({ where: { id: { in: ids } } }) }
    })
    const nameOf = new Map(owners.map((one) => [one.id, one.name]))
    const all: Swept[] = []
    for (const { organisationId } of await booksToSweep(deps)) {
      const name = nameOf.get(organisationId)
      if (name === undefined) continue
      const ask = { organisationId, whole: options.whole === true }
      try {
        all.push({ organisationId, name, done: await sweepBook(deps, ask), refused: null })
      } catch (thrown) {
        const error = asRefusal(thrown)
        if (!(error instanceof Refusal)) throw error
        all.push({ organisationId, name, done: null, refused: `${error.says} ${error.fix}` })
      }
    }
    const books = all.map((one) => shown(one, networks))
    const isGood = books.every((one) => one.refused === null && one.found.length === 0)
    return { json: books, text: all.length === 0 ? 'No book to sweep.' : textFor(books), exit: isGood ? 0 : 2 }
  })
}

type Shown = ReturnType<typeof shown>

function shown({ organisationId, name, done, refused }: Swept, networks: Network[]) {
  const slugOf = (id: string) => networks.find((one) => one.id === id)?.slug ?? id
  return {
    organisationId: idText('organisation', organisationId),
    name,
    refused,
    mode: done?.mode ?? null,
    documents: done?.documents ?? 0,
    adopted: (done?.adopted ?? []).map(({ networkId, reference, document }) => ({
      ...{ network: slugOf(networkId), reference, kind: document.kind, number: document.number, id: document.id },
    })),
    newSeries: (done?.newSeries ?? 0) > 0,
    found: (done?.found ?? []).map(({ networkId, what, line: { verdict, delivery, document, ours } }) => ({
      ...{ network: slugOf(networkId), what, discrepancy: verdict },
      deliveryId: delivery && idText('delivery', delivery.id),
      reference: document?.reference ?? delivery?.reference ?? null,
      kind: document?.kind ?? delivery?.kind ?? null,
      number: document?.number ?? ours?.number ?? null,
      contact: document?.contactName ?? null,
      amountMinor: document?.totalMinor.toString() ?? ours?.totalMinor ?? null,
      currency: document?.currency ?? null,
      datedOn: document?.datedOn ?? ours?.datedOn ?? null,
      documentId: document?.id ?? null,
      link: document?.deepLink ?? null,
    })),
  }
}

function textFor(books: Shown[]): string {
  return books
    .flatMap(({ name, refused, mode, documents, adopted, newSeries, found }) => {
      if (refused !== null) return [`${name}: ${refused}`]
      const read = mode === 'whole' ? `${documents} documents read` : `${documents} changes read`
      const rows = found.map((one) => [
        one.what,
        one.reference ?? '-',
        one.kind ?? '-',
        one.number ?? '-',
        one.amountMinor === null ? '?' : showAmount(BigInt(one.amountMinor), one.currency ?? '', 2),
        one.datedOn ?? '-',
        one.contact ?? '-',
      ])
      return [
        `${name}: ${read}, ${adopted.length} taken over, ${found.length === 0 ? 'nothing disagrees' : `${found.length} disagree`}`,
        ...(newSeries ? ['  its book holds numbers that we would give again: a new series begins'] : []),
        ...(found.length === 0
          ? []
          : columns(
              [
                ['  what', 'marker', 'kind', 'number', 'amount', 'day', 'contact'],
                ...rows.map(([first, ...rest]) => [`  ${first}`, ...rest]),
              ],
              '',
            ).split('\n')),
      ]
    })
    .join('\n')
}
