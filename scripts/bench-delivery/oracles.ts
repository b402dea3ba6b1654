/**
 * What must hold after a long run: the ledger's own truths; each document once in its book and none that nobody promised; what a
 * reconciliation of every book says.
 */
import { withGrant } from '../../src/books/grants.ts'
import { asWorker, inTransaction } from '../../src/kit/db.ts'
import { audit } from '../../src/ledger/audit.ts'
import { reconcileBook } from '../../src/reconcile/run.ts'
import type { Firm, Scene } from './scene.ts'

/** A line for each thing that is not as it must be. */
export async function brokenOracles(scene: Scene): Promise<string[]> {
  const { truths } = await inTransaction(scene.db, asWorker, (tx) => audit(tx, scene.networkId))
  const found = truths.filter((truth) => !truth.holds).map((truth) => `the ledger: ${truth.name}`)
  for (const { seller, buyer } of scene.pairs)
    for (const firm of [seller, buyer]) if (firm.bookId) found.push(...(await brokenIn(scene, firm)))
  return found
}

async function brokenIn(scene: Scene, firm: Firm): Promise<string[]> {
  const deps = scene.deps()
  const { organisationId } = firm
  const connection = await inTransaction(scene.db, asWorker, (tx) =>
    tx.connection.findFirstOrThrow({ where: { organisationId }, select: { id: true } }),
  )
  const held = new Map<string, number>()
  await withGrant(deps, connection.id, async (grant, connector) => {
    for await (const page of connector.changes(grant, null))
      for (const { reference, status } of page.documents)
        if (reference && status !== 'voided' && status !== 'deleted')
          held.set(reference, (held.get(reference) ?? 0) + 1)
  })
  const { rows } = await scene.db.pool.query<{ reference: string; kind: string; state: string }>(
    'select reference, kind, state from delivery where organisation_id = $1',
    [organisationId],
  )
  const promised = new Map(rows.map((row) => [row.reference, row]))
  const found: string[] = []
  for (const [reference, count] of held) {
    const row = promised.get(reference)
    if (!row) found.push(`${firm.bookId}: nobody promised ${reference}`)
    else if (count > 1) found.push(`${firm.bookId}: ${reference} stands ${count} times`)
    else if (row.state !== 'delivered' && row.state !== 'parked')
      found.push(`${firm.bookId}: ${reference} is ${row.state}`)
  }
  for (const row of rows)
    if (row.state === 'delivered' && row.kind !== 'contact' && row.kind !== 'allocation' && !held.has(row.reference))
      found.push(`${firm.bookId}: ${row.reference} is not there`)
  const run = await reconcileBook(deps, { networkId: scene.networkId, organisationId, actor: 'quits' })
  if (run.driftMinor !== 0n || run.discrepancies !== 0)
    found.push(`${firm.bookId}: drift ${run.driftMinor}, ${run.discrepancies} discrepancies`)
  return found
}
