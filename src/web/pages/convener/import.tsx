/**
 * The past of a network, pasted from a CSV file: tried first, with its totals and every refusal, then made.
 *
 * Keeps: only what was tried without a refusal gets the button that makes it; the file's text stays as it was pasted.
 */
import { z } from 'zod'
import type { Tx } from '../../../kit/db.ts'
import { importMembers, memberColumns } from '../../../networks/import-members.ts'
import type { Imported } from '../../../networks/import-run.ts'
import type { Network } from '../../../networks/network.ts'
import { importTrades, type TradesImported } from '../../../trades/import-trades.ts'
import { tradeColumns } from '../../../trades/judge-rows.ts'
import { words } from '../../api/shapes.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Amount, Badge, Choose, Field, Table, When } from '../../parts.tsx'
import { Form, formAt, LongField, Refused } from '../typed-form.tsx'
import { namesOf, networkHere, worker } from '../whereabouts.ts'

const runsShown = 20
const refusalsShown = 100
const closingShown = 200
const whats = [
  { value: 'members', text: 'Members' },
  { value: 'trades', text: 'Trades of the past' },
] as const

const shape = z.object({
  what: z.enum(['members', 'trades']),
  fileName: words(200),
  text: z.string().min(1, 'Paste the file’s text here.'),
})
type Tried = { what: 'members' | 'trades'; fileName: string; text: string; result: Imported | TradesImported }

export function importPages(serve: ReturnType<typeof pages>): void {
  serve.get('/networks/:slug/import', (visit) => show(visit, null))
  serve.post('/networks/:slug/import', tryFirst, (visit) => show(visit, null))
  serve.post('/networks/:slug/import/now', make, (visit) => show(visit, null))
}

/** Writes nothing: the page is shown again with what a real run would do. */
async function tryFirst(visit: Visit): Promise<string> {
  return show(visit, await run(visit, true))
}

async function make(visit: Visit) {
  const tried = await run(visit, false)
  const { done, known, stoppedAtLine } = tried.result
  if (stoppedAtLine !== null) return show(visit, tried)
  const { network } = await networkHere(visit, 'import')
  const said = `${done} ${tried.what} brought in${known > 0 ? `; ${known} stood already` : ''}.`
  return { goTo: `/networks/${network.slug}/import`, said }
}

async function run(visit: Visit, dryRun: boolean): Promise<Tried> {
  const { network, actor } = await networkHere(visit, 'import')
  const { what, fileName, text } = visit.form(shape)
  const ask = { networkId: network.id, fileName, text: pasted(text), dryRun, actor: actor.id }
  const result = what === 'members' ? await importMembers(visit.deps, ask) : await importTrades(visit.deps, ask)
  return { what, fileName, text, result }
}

/** A form shown again loses an empty first line, which would move every row; so it never counts. */
function pasted(text: string): string {
  return text.replace(/^[\r\n]+/, '')
}

async function show(visit: Visit, tried: Tried | null): Promise<string> {
  const { network, actor } = await networkHere(visit, 'import')
  const { runs, nameOf } = await worker(visit, (tx) => read(tx, network))
  const base = `/networks/${network.slug}`
  return page({
    deps: visit.deps,
    title: 'Carry over the past',
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: base, text: network.name },
    ],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        {tried && <Outcome tried={tried} network={network} action={`${base}/import/now`} />}
        <Paste visit={visit} tried={tried} action={`${base}/import`} />
        <Runs runs={runs} nameOf={nameOf} network={network} />
      </>
    ),
  })
}

async function read(tx: Tx, network: Network) {
  const where = { networkId: network.id }
  const runs = await tx.importRun.findMany({ where, orderBy: [{ ranAt: 'desc' }, { id: 'desc' }], take: runsShown })
  const nameOf = await namesOf(
    tx,
    runs.map((one) => one.ranBy),
  )
  return { runs, nameOf }
}

function Paste({ visit, tried, action }: { visit: Visit; tried: Tried | null; action: string }) {
  const form = formAt(visit, action)
  return (
    <section aria-labelledby="paste">
      <h2 id="paste">{tried ? 'Mend it and try again' : 'Try a file'}</h2>
      <p>
        Members first, then trades, oldest first. The first line names the columns. For members:{' '}
        <code>{memberColumns.needed.join(',')}</code>, and if you have them{' '}
        <code>{memberColumns.optional.join(',')}</code>. For trades: <code>{tradeColumns.needed.join(',')}</code>, and{' '}
        <code>{tradeColumns.optional.join(',')}</code>. Trades go into the ledger only: no fees, no documents in
        anybody’s books.
      </p>
      <p class="small">
        Long files are easier sent as they are: <code>npm run quits -- trades import past.csv</code>, or{' '}
        <code>POST /v1/networks/…/imports/trades</code>.
      </p>
      <Form form={form} button="Try it: nothing is written yet" tone={tried ? 'second' : 'first'}>
        <Choose label="What is in it" choices={[...whats]} required {...form.of('what', tried?.what ?? 'members')} />
        <Field
          label="Name of the file"
          hint="A row is known by this name and its line: the same name again goes on where it stopped."
          required
          maxLength={200}
          {...form.of('fileName', tried?.fileName ?? '')}
        />
        <LongField label="Text of the file" required rows={12} {...form.of('text', tried?.text ?? '')} />
      </Form>
    </section>
  )
}

function Outcome({ tried, network, action }: { tried: Tried; network: Network; action: string }) {
  const { result, what } = tried
  const { refusals, dryRun, rows, done, known, stoppedAtLine } = result
  const isClean = refusals.length === 0
  return (
    <section aria-labelledby="outcome">
      <h2 id="outcome">{dryRun ? 'What would happen' : 'What happened'}</h2>
      <p>
        <Badge tone={isClean ? 'good' : 'bad'}>
          {isClean ? 'no refusal' : dryRun ? `${refusals.length} refused` : 'stopped'}
        </Badge>{' '}
        {rows} rows: {done} {dryRun ? 'would be made' : 'made'}, {known} stood already
        {what === 'trades' && (
          <>
            , <Amount minor={result.totalMinor} unit={network} /> in all
          </>
        )}
        .
      </p>
      {stoppedAtLine !== null && !dryRun && (
        <p>It stopped before line {stoppedAtLine}. Mend that line and run the same file again; what stands stays.</p>
      )}
      {!isClean && <Refusals refusals={refusals} />}
      {'closing' in result && result.closing.length > 0 && <Closing closing={result.closing} network={network} />}
      {dryRun && isClean && done > 0 && (
        <form method="post" action={action} class="stack">
          <input type="hidden" name="what" value={what} />
          <input type="hidden" name="fileName" value={tried.fileName} />
          <input type="hidden" name="text" value={tried.text} />
          <div class="buttons">
            <button type="submit">{`Bring in ${done} ${what}`}</button>
          </div>
        </form>
      )}
    </section>
  )
}

function Refusals({ refusals }: { refusals: Imported['refusals'] }) {
  return (
    <Table
      caption={
        refusals.length > refusalsShown
          ? `The first ${refusalsShown} of ${refusals.length} refused lines`
          : 'Refused lines'
      }
    >
      <thead>
        <tr>
          <th scope="col">Line</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {refusals.slice(0, refusalsShown).map((one) => (
          <tr key={one.line}>
            <td>{one.line}</td>
            <td>{one.why}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

function Closing({ closing, network }: { closing: TradesImported['closing']; network: Network }) {
  return (
    <>
      <Table caption="Balances afterwards">
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col" class="amount">
              Balance
            </th>
          </tr>
        </thead>
        <tbody>
          {closing.slice(0, closingShown).map((one) => (
            <tr key={one.memberId}>
              <td>{one.name}</td>
              <td class="amount">
                <Amount minor={one.balanceMinor} unit={network} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      {closing.length > closingShown && <p class="small">And {closing.length - closingShown} more.</p>}
    </>
  )
}

type Runs = Awaited<ReturnType<typeof read>>

function Runs({ runs, nameOf, network }: Runs & { network: Network }) {
  if (runs.length === 0) return null
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">Runs so far</h2>
      <Table caption="Newest first">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">File</th>
            <th scope="col">What</th>
            <th scope="col">Rows</th>
            <th scope="col">Stopped</th>
            <th scope="col">Who</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((one) => (
            <tr key={one.id}>
              <td>
                <When at={one.ranAt} zone={network.timeZone} />
              </td>
              <td>{one.fileName}</td>
              <td>{one.what}</td>
              <td>{one.rowsDone}</td>
              <td>{one.stoppedAtLine === null ? 'no' : `line ${one.stoppedAtLine}: ${one.stoppedBecause}`}</td>
              <td>{nameOf(one.ranBy)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}
