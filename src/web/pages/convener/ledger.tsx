/** The ledger as its convener and auditor see it: the audit in words, the head that others can keep, and what people did. */
import { idText } from '../../../kit/ids.ts'
import { auditNetwork, type Truth } from '../../../ledger/audit.ts'
import type { Network } from '../../../networks/network.ts'
import { type Deed, deedsOf, recordDeed } from '../../../networks/record-deed.ts'
import { cursorOf, keyOf } from '../../api/shapes.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Badge, dayWords, Table, When } from '../../parts.tsx'
import { ExportLinks } from '../exports.tsx'
import { Form, formAt, Refused } from '../typed-form.tsx'
import { namesOf, networkHere, worker } from '../whereabouts.ts'
import { OpenHolds, readOpenHolds, releaseFromPage } from './open-holds.tsx'
import { TotalsSection, totalsOf } from './totals-section.tsx'

const deedsAPage = 50

export function ledgerPages(serve: ReturnType<typeof pages>): void {
  serve.get('/networks/:slug/ledger', show)
  serve.post('/networks/:slug/ledger/audit', auditNow, show)
  serve.post('/networks/:slug/ledger/holds/:hold/release', releaseFromPage, show)
}

async function auditNow(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'run_audit')
  const { holds } = await auditNetwork(visit.deps, network.id)
  const deed = { networkId: network.id, actor: actor.id, what: 'audit_run', facts: { holds } }
  await worker(visit, (tx) => recordDeed(tx, visit.deps.clock, deed))
  return {
    goTo: `/networks/${network.slug}/ledger`,
    said: holds ? 'Every truth holds.' : 'Something does not hold: see below.',
  }
}

async function show(visit: Visit): Promise<string> {
  const { network, actor, mayDo } = await networkHere(visit, 'see_ledger')
  const after = keyOf(visit.query.after)
  const facts = await worker(visit, async (tx) => {
    const deeds = await deedsOf(tx, { networkId: network.id, after: after?.id ?? null, limit: deedsAPage + 1 })
    return {
      holds: await readOpenHolds(tx, network.id, visit.query.holdsAfter),
      totals: await totalsOf(tx, network, visit),
      deeds,
      nameOf: await namesOf(
        tx,
        deeds.map((one) => one.actor),
      ),
      head: await tx.ledgerHead.findUniqueOrThrow({ where: { networkId: network.id } }),
      last: await tx.auditRun.findFirst({ where: { networkId: network.id }, orderBy: { ranAt: 'desc' } }),
    }
  })
  const base = `/networks/${network.slug}`
  return page({
    deps: visit.deps,
    title: 'Ledger',
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: base, text: network.name },
    ],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        <TotalsSection totals={facts.totals} network={network} path={`${base}/ledger`} />
        <section aria-labelledby="audit">
          <h2 id="audit">Audit</h2>
          {facts.last ? (
            <>
              <p>
                <Badge tone={facts.last.holds ? 'good' : 'bad'}>
                  {facts.last.holds ? 'all holds' : 'does not hold'}
                </Badge>{' '}
                last proven <When at={facts.last.ranAt} zone={network.timeZone} />, up to transfer{' '}
                {String(facts.last.headNumber)}
              </p>
              <Truths truths={facts.last.truths as Truth[]} />
            </>
          ) : (
            <p>It has not been audited yet.</p>
          )}
          {mayDo('run_audit') && <Form form={formAt(visit, `${base}/ledger/audit`)} button="Audit now" />}
        </section>
        <section aria-labelledby="head">
          <h2 id="head">The head</h2>
          <p>
            Each transfer’s hash follows from the one before it. Who keeps this line elsewhere can prove later that
            nothing before it was changed.
          </p>
          <dl class="facts">
            <dt>Transfers</dt>
            <dd>{String(facts.head.number)}</dd>
            <dt>Ledger day</dt>
            <dd>{facts.head.number === 0n ? 'none yet' : dayWords(facts.head.bookedOn.toISOString().slice(0, 10))}</dd>
            <dt>Hash</dt>
            <dd>
              <code>{Buffer.from(facts.head.hash).toString('hex')}</code>
            </dd>
          </dl>
        </section>
        {mayDo('export_ledger') && <ExportLinks base={`${base}/ledger`} />}
        <OpenHolds
          visit={visit}
          network={network}
          shown={facts.holds}
          mayRelease={{ plain: mayDo('hold_credits'), promised: mayDo('promise_hold') }}
        />
        {mayDo('see_deeds') && (
          <Deeds deeds={facts.deeds} nameOf={facts.nameOf} network={network} path={`${base}/ledger`} />
        )}
      </>
    ),
  })
}

function Truths({ truths }: { truths: Truth[] }) {
  return (
    <Table caption="What must be true of the whole ledger">
      <thead>
        <tr>
          <th scope="col">Truth</th>
          <th scope="col">Holds</th>
        </tr>
      </thead>
      <tbody>
        {truths.map((truth) => (
          <tr key={truth.name}>
            <td>{truth.says}</td>
            <td>
              <Badge tone={truth.holds ? 'good' : 'bad'}>{truth.holds ? 'yes' : 'no'}</Badge>
              {truth.offenders.length > 0 && <p class="small">{truth.offenders.join(', ')}</p>}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

function Deeds({
  deeds,
  nameOf,
  network,
  path,
}: {
  deeds: Deed[]
  nameOf: (actor: string | null) => string
  network: Network
  path: string
}) {
  const shown = deeds.slice(0, deedsAPage)
  const last = shown.at(-1)
  return (
    <section aria-labelledby="deeds">
      <h2 id="deeds">What people did</h2>
      <Table caption="Newest first; nothing here is ever changed">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">More</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((deed) => (
            <tr key={deed.id}>
              <td>
                <When at={deed.doneAt} zone={network.timeZone} />
              </td>
              <td>{nameOf(deed.actor)}</td>
              <td>{deed.what.replaceAll('_', ' ')}</td>
              <td>{factWords(deed)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      {deeds.length > deedsAPage && last && (
        <p>
          <a href={`${path}?after=${cursorOf({ at: last.doneAt.toISOString(), id: last.id })}#deeds`}>Older ones</a>
        </p>
      )}
    </section>
  )
}

function factWords(deed: Deed): string {
  return Object.entries(deed.facts)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => {
      const text = name === 'tradeId' ? idText('trade', String(value)) : String(value)
      return `${name.replace(/([A-Z])/g, ' $1').toLowerCase()}: ${text}`
    })
    .join('; ')
}
