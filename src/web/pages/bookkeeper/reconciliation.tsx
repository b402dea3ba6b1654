/**
 * Do ledger and book agree? The latest run, why the difference is not zero, line by line, and each disagreement with its
 * age, its owner and what can be done.
 *
 * Keeps: the table of reasons adds up exactly to the difference; a figure says of which day it is and when it was proven.
 *
 * @path reconcile 6/6 shows each disagreement and what can be done
 */
import { z } from 'zod'
import { idText } from '../../../kit/ids.ts'
import { sum } from '../../../kit/money.ts'
import { Refusal } from '../../../kit/refusal.ts'
import type { Network } from '../../../networks/network.ts'
import { acceptDiscrepancy, type Discrepancy, kindWords, ownDiscrepancy } from '../../../reconcile/discrepancy.ts'
import { reconciliationCsv } from '../../../reconcile/export.ts'
import {
  discrepanciesOf,
  latestReconciliation,
  linesOf,
  reconciliationOf,
  reconciliationsOf,
  type StoredLine,
} from '../../../reconcile/read.ts'
import { type Reconciliation, reconcileBook } from '../../../reconcile/run.ts'
import type { AtMember } from '../../api/place.ts'
import type { pages, Visit } from '../../page.ts'
import { Amount, Badge, dayWords, Field, Table, When } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { spanWords } from '../state-words.ts'
import { Form, formAt, reasonShape } from '../typed-form.tsx'
import { type Here, idNamed, memberHere, namesOf, see, worker } from '../whereabouts.ts'
import { bookPage } from './book-frame.tsx'
import { Evidence } from './evidence.tsx'

export function reconciliationPages(serve: ReturnType<typeof pages>): void {
  const path = '/members/:mem/reconciliation'
  serve.get(path, show)
  serve.post(path, runNow, show)
  serve.get(`${path}/:rec.csv`, csv)
  serve.post(`${path}/discrepancies/:dis/accept`, accept, show)
  serve.post(`${path}/discrepancies/:dis/own`, own, show)
}

const runsShown = 20

async function runNow(visit: Visit) {
  const here = await memberHere(visit, 'reconcile_book')
  const { networkId, member, actor } = here
  const run = await reconcileBook(visit.deps, {
    networkId,
    organisationId: member.organisationId,
    actor: actor.id,
  })
  return {
    goTo: `${pathOf(here)}/reconciliation`,
    said: run.driftMinor === 0n && run.discrepancies === 0 ? 'Read just now: everything agrees.' : 'Read just now.',
  }
}

async function csv(visit: Visit) {
  const here = await memberHere(visit, 'see_book')
  const id = idNamed(visit, 'rec', 'reconciliation')
  return see(visit, async (tx) => {
    const run = await reconciliationOf(tx, here.networkId, id)
    if (run.organisationId !== here.member.organisationId) throw new Refusal('not_found', { thing: 'reconciliation' })
    const lines = await linesOf(tx, here.networkId, id)
    return { csv: reconciliationCsv(run, lines, here.network.scale), fileName: `reconciliation-${run.asOf}.csv` }
  })
}

async function accept(visit: Visit) {
  const here = await memberHere(visit, 'close_discrepancy')
  const { words } = visit.form(z.object({ words: reasonShape }))
  const id = await discrepancyHere(visit, here)
  await worker(visit, (tx) =>
    acceptDiscrepancy(tx, visit.deps.clock, { networkId: here.networkId, id, actor: here.actor.id, words }),
  )
  return {
    goTo: `${pathOf(here)}/reconciliation`,
    said: 'Accepted with your words. It stays in the difference until the book changes.',
  }
}

async function own(visit: Visit) {
  const here = await memberHere(visit, 'close_discrepancy')
  const id = await discrepancyHere(visit, here)
  const { networkId, actor } = here
  await worker(visit, (tx) => ownDiscrepancy(tx, visit.deps.clock, { networkId, id, actor: actor.id, owner: actor.id }))
  return { goTo: `${pathOf(here)}/reconciliation`, said: 'It is yours now.' }
}

/** Another member's discrepancy looks like none. */
async function discrepancyHere(visit: Visit, here: Here<AtMember>): Promise<string> {
  const id = idNamed(visit, 'dis', 'discrepancy')
  const { networkId, member } = here
  const row = await worker(visit, (tx) => tx.discrepancy.findUnique({ where: { networkId_id: { networkId, id } } }))
  if (row?.organisationId !== member.organisationId) throw new Refusal('not_found', { thing: 'discrepancy' })
  return id
}

async function read(visit: Visit, here: Here<AtMember>) {
  const { networkId, member } = here
  const place = { networkId, organisationId: member.organisationId }
  const facts = await see(visit, async (tx) => {
    const latest = await latestReconciliation(tx, networkId, member.organisationId)
    return {
      latest,
      lines: latest ? await linesOf(tx, networkId, latest.id) : [],
      discrepancies: await discrepanciesOf(tx, place),
      runs: await reconciliationsOf(tx, { ...place, limit: runsShown, before: null }),
    }
  })
  const nameOf = await worker(visit, (tx) =>
    namesOf(
      tx,
      facts.discrepancies.flatMap((one) => [one.owner, one.closedBy]),
    ),
  )
  return { ...facts, nameOf }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'see_book')
  const facts = await read(visit, here)
  const base = `${pathOf(here)}/reconciliation`
  const failed = facts.runs[0]?.state === 'failed' ? facts.runs[0] : null
  return bookPage(visit, here, {
    title: 'Do ledger and book agree?',
    children: (
      <>
        {failed && (
          <p class="warn" role="status">
            The latest try, <When at={failed.startedAt} zone={here.network.timeZone} />, did not end:{' '}
            {failed.failure?.cause.replaceAll('_', ' ') ?? 'no reason known'}. What stands below is older.
          </p>
        )}
        {facts.latest ? (
          <Latest visit={visit} run={facts.latest} network={here.network} base={base} />
        ) : (
          <p>The book has not been read yet. It is read every hour, and whenever you ask.</p>
        )}
        {here.mayDo('reconcile_book') && <Form form={formAt(visit, base)} button="Read the book now" tone="second" />}
        {facts.latest && facts.latest.driftMinor !== null && (
          <Why lines={facts.lines} driftMinor={facts.latest.driftMinor} network={here.network} />
        )}
        <section aria-labelledby="disagreements">
          <h2 id="disagreements">Disagreements</h2>
          {facts.discrepancies.length === 0 && <p>None.</p>}
          {facts.discrepancies.map((one, place) => (
            <DiscrepancyCard
              key={one.id}
              visit={visit}
              here={here}
              discrepancy={one}
              place={place + 1}
              nameOf={facts.nameOf}
            />
          ))}
        </section>
        {facts.runs.length > 0 && <History runs={facts.runs} network={here.network} base={base} />}
      </>
    ),
  })
}

function Latest({ visit, run, network, base }: { visit: Visit; run: Reconciliation; network: Network; base: string }) {
  const agrees = run.driftMinor === 0n && run.discrepancies === 0
  const provenAt = run.endedAt ?? run.startedAt
  return (
    <section class="card" aria-labelledby="latest">
      <h2 id="latest">As of {dayWords(run.asOf)}</h2>
      <p>
        <Badge tone={agrees ? 'good' : run.driftMinor === 0n ? 'warn' : 'bad'}>
          {agrees
            ? 'everything agrees'
            : run.driftMinor === 0n
              ? 'balances agree, documents do not all'
              : 'they differ'}
        </Badge>{' '}
        <span class="small">
          proven <When at={provenAt} zone={network.timeZone} />,{' '}
          {spanWords(provenAt.getTime(), visit.deps.clock.now().getTime())} ago
        </span>
      </p>
      <dl class="facts">
        <dt>Balance in the ledger</dt>
        <dd>
          <Amount minor={run.ledgerMinor ?? 0n} unit={network} />
        </dd>
        <dt>Mutual-credit account in the book</dt>
        <dd>
          <Amount minor={run.bookMinor ?? 0n} unit={network} />
        </dd>
        <dt>Difference</dt>
        <dd class="figure">
          <Amount minor={run.driftMinor ?? 0n} unit={network} />
        </dd>
        <dt>Documents</dt>
        <dd>
          {run.matches} agree, {run.discrepancies} do not
        </dd>
      </dl>
      <p>
        <a href={`${base}/${idText('reconciliation', run.id)}.csv`}>Every line as CSV</a>
      </p>
    </section>
  )
}

/** Every line that leaves something else on one side than on the other; they add up to the difference, to the penny. */
function Why({ lines, driftMinor, network }: { lines: StoredLine[]; driftMinor: bigint; network: Network }) {
  const reasons = lines.filter((line) => line.ledgerMinor !== line.bookMinor)
  if (reasons.length === 0 && driftMinor === 0n) return null
  const explained = sum(reasons.map((line) => line.ledgerMinor - line.bookMinor))
  return (
    <section aria-labelledby="why">
      <h2 id="why">Why is this not zero?</h2>
      <Table caption="Each reason, and what it leaves on either side">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col">Reference</th>
            <th scope="col" class="amount">
              Ledger
            </th>
            <th scope="col" class="amount">
              Book
            </th>
            <th scope="col" class="amount">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          {reasons.map((line) => (
            <tr key={line.position}>
              <td>{reasonWords(line.verdict)}</td>
              <td>{line.reference ?? ''}</td>
              <td class="amount">
                <Amount minor={line.ledgerMinor} unit={network} />
              </td>
              <td class="amount">
                <Amount minor={line.bookMinor} unit={network} />
              </td>
              <td class="amount">
                <Amount minor={line.ledgerMinor - line.bookMinor} unit={network} />
              </td>
            </tr>
          ))}
          {explained !== driftMinor && (
            <tr>
              <td colSpan={4}>Not explained by any line: tell us, this is our fault</td>
              <td class="amount">
                <Amount minor={driftMinor - explained} unit={network} />
              </td>
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={4}>
              Difference
            </th>
            <td class="amount">
              <Amount minor={driftMinor} unit={network} />
            </td>
          </tr>
        </tfoot>
      </Table>
    </section>
  )
}

function reasonWords(verdict: string): string {
  return verdict in kindWords ? kindWords[verdict as keyof typeof kindWords].says : verdict.replaceAll('_', ' ')
}

function DiscrepancyCard({
  visit,
  here,
  discrepancy,
  place,
  nameOf,
}: {
  visit: Visit
  here: Here<AtMember>
  discrepancy: Discrepancy
  /** Its number on this page. */
  place: number
  nameOf(actor: string | null): string
}) {
  const id = idText('discrepancy', discrepancy.id)
  const told = kindWords[discrepancy.kind]
  const action = `${pathOf(here)}/reconciliation/discrepancies/${id}`
  const accepting = formAt(visit, `${action}/accept`)
  const isOpen = discrepancy.state === 'open'
  const mayClose = isOpen && here.mayDo('close_discrepancy')
  return (
    <article class="card" aria-labelledby={id}>
      <h3 id={id}>
        {place}. {told.says}
      </h3>
      <p>
        <Badge tone={!isOpen ? 'calm' : discrepancy.kind === 'on_its_way' ? 'wait' : 'bad'}>
          {isOpen ? discrepancy.kind.replaceAll('_', ' ') : 'accepted'}
        </Badge>{' '}
        <span class="small">
          {spanWords(discrepancy.openedAt.getTime(), visit.deps.clock.now().getTime())} old,{' '}
          {discrepancy.owner ? `owned by ${nameOf(discrepancy.owner)}` : 'owned by nobody yet'}
        </span>
      </p>
      <p>{told.moves}</p>
      {discrepancy.effectMinor !== 0n && (
        <p>
          Leaves <Amount minor={discrepancy.effectMinor} unit={here.network} /> in the difference.
        </p>
      )}
      {discrepancy.tradeId && (
        <p>
          <a href={`/trades/${idText('trade', discrepancy.tradeId)}`}>Its trade</a>
        </p>
      )}
      <Evidence evidence={discrepancy.evidence} unit={here.network} of={`disagreement ${place}`} />
      {!isOpen && (
        <p>
          Accepted by {nameOf(discrepancy.closedBy)}: {discrepancy.closingWords}
        </p>
      )}
      {mayClose && discrepancy.owner !== here.actor.id && (
        <Form form={formAt(visit, `${action}/own`)} button="Assign it to me" tone="second" />
      )}
      {mayClose && (
        <details open={accepting.refused}>
          <summary>Accept it</summary>
          <Form form={accepting} button="Accept it as it is" tone="second">
            <Field {...accepting.of('words')} label="Why it is right as it is" required maxLength={400} />
          </Form>
        </details>
      )}
    </article>
  )
}

function History({ runs, network, base }: { runs: Reconciliation[]; network: Network; base: string }) {
  return (
    <section aria-labelledby="history">
      <h2 id="history">Earlier</h2>
      <Table caption={`The latest ${runsShown} times the book was read`}>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col" class="amount">
              Ledger
            </th>
            <th scope="col" class="amount">
              Book
            </th>
            <th scope="col" class="amount">
              Difference
            </th>
            <th scope="col">Documents</th>
            <th scope="col">Lines</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <th scope="row">
                <When at={run.startedAt} zone={network.timeZone} />
              </th>
              {run.state === 'done' ? (
                <>
                  <td class="amount">
                    <Amount minor={run.ledgerMinor ?? 0n} unit={network} />
                  </td>
                  <td class="amount">
                    <Amount minor={run.bookMinor ?? 0n} unit={network} />
                  </td>
                  <td class="amount">
                    <Amount minor={run.driftMinor ?? 0n} unit={network} />
                  </td>
                  <td>
                    {run.matches} agree, {run.discrepancies} do not
                  </td>
                  <td>
                    <a href={`${base}/${idText('reconciliation', run.id)}.csv`}>CSV of {dayWords(run.asOf)}</a>
                  </td>
                </>
              ) : (
                <td colSpan={5}>
                  {run.state === 'running'
                    ? 'running'
                    : `did not end: ${run.failure?.cause.replaceAll('_', ' ') ?? ''}`}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}
