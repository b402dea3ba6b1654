/** Open holds on the ledger's page: how old, between whom, how much, until when, what for; and the button that frees one. */

import { z } from 'zod'
import { reasonsOfHolds, releaseHeld } from '../../../fees/hold-credits.ts'
import type { Tx } from '../../../kit/db.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import { holdOf, type OpenHold, openHolds } from '../../../ledger/hold.ts'
import type { Network } from '../../../networks/network.ts'
import { mustBeAllowed } from '../../../networks/roles.ts'
import { yesOf } from '../../../outbox/post-and-promise.ts'
import type { Visit } from '../../page.ts'
import { Amount, Field, Table, When } from '../../parts.tsx'
import { Form, formAt, reasonShape } from '../typed-form.tsx'
import { idNamed, networkHere, worker } from '../whereabouts.ts'

const holdsAPage = 50

export type HoldsShown = {
  holds: OpenHold[]
  hasMore: boolean
  nameOf: (accountId: Uuid) => string
  reasonOf: Map<Uuid, string>
}

/** `after` is the number of the last one seen, as it stood in the address. */
export async function readOpenHolds(tx: Tx, networkId: Uuid, after: string | undefined): Promise<HoldsShown> {
  const asked = { after: after && /^\d{1,18}$/.test(after) ? BigInt(after) : null }
  const found = await openHolds(tx, networkId, holdsAPage + 1, asked)
  const holds = found.slice(0, holdsAPage)
  const ids = [...new Set(holds.flatMap(({ debit, credit }) => [debit, credit]))]
  const accounts = await tx.account.findMany({
    where: { networkId, id: { in: ids } },
    select: { id: true, kind: true },
  })
  const members = await tx.member.findMany({
    where: { networkId, accountId: { in: ids } },
    select: { accountId: true, organisationId: true },
  })
  const organisations = await tx.organisation.findMany({
    where: { id: { in: members.map((one) => one.organisationId) } },
    select: { id: true, name: true },
  })
  const nameOfOrganisation = new Map(organisations.map((one) => [one.id, one.name]))
  const names = new Map(accounts.map((one) => [one.id, one.kind.replaceAll('_', ' ')]))
  for (const one of members) names.set(one.accountId, nameOfOrganisation.get(one.organisationId) ?? 'a member')
  return {
    holds,
    hasMore: found.length > holdsAPage,
    nameOf: (accountId) => names.get(accountId) ?? '',
    reasonOf: await reasonsOfHolds(
      tx,
      networkId,
      holds.map(({ id }) => id),
    ),
  }
}

export async function releaseFromPage(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'hold_credits')
  const given = visit.form(z.object({ reason: reasonShape }))
  const hold = await worker(visit, (tx) => holdOf(tx, network.id, idNamed(visit, 'hold', 'transfer')))
  if (hold.promised) mustBeAllowed(actor, 'promise_hold', { networkId: network.id })
  yesOf(await releaseHeld(visit.deps, { networkId: network.id, hold, reason: given.reason, actor: actor.id }))
  return { goTo: `/networks/${network.slug}/ledger`, said: 'The hold is released; nothing moved.' }
}

export function OpenHolds({
  visit,
  network,
  shown,
  mayRelease,
}: {
  visit: Visit
  network: Network
  shown: HoldsShown
  /** May this person free holds, and promised ones? */
  mayRelease: { plain: boolean; promised: boolean }
}) {
  const { holds, nameOf, reasonOf } = shown
  const path = `/networks/${network.slug}/ledger`
  const last = holds.at(-1)
  return (
    <section aria-labelledby="holds">
      <h2 id="holds">Open holds</h2>
      {holds.length === 0 ? (
        <p>Nothing is held.</p>
      ) : (
        <Table caption="Oldest first; each counts in both limits until it ends">
          <thead>
            <tr>
              <th scope="col">Since</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col" class="amount">
                Amount
              </th>
              <th scope="col">Until</th>
              <th scope="col">What for</th>
            </tr>
          </thead>
          <tbody>
            {holds.map((hold) => (
              <tr key={hold.id}>
                <td>
                  <When at={hold.recordedAt} zone={network.timeZone} />
                  <p class="small">{ageWords(hold.recordedAt, visit.deps.clock.now())}</p>
                </td>
                <td>{nameOf(hold.debit)}</td>
                <td>{nameOf(hold.credit)}</td>
                <td class="amount">
                  <Amount minor={hold.amountMinor} unit={network} />
                </td>
                <td>
                  {hold.promised ? (
                    'promised: does not run out'
                  ) : hold.expiresAt ? (
                    <When at={hold.expiresAt} zone={network.timeZone} />
                  ) : (
                    'released'
                  )}
                </td>
                <td>
                  {hold.causeKind === 'trade' ? (
                    <a href={`/trades/${idText('trade', hold.causeId)}`}>a proposed trade, which it ends with</a>
                  ) : (
                    (reasonOf.get(hold.id) ?? hold.causeKind)
                  )}
                  {hold.causeKind !== 'trade' && (hold.promised ? mayRelease.promised : mayRelease.plain) && (
                    <ReleaseForm visit={visit} action={`${path}/holds/${idText('transfer', hold.id)}/release`} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {shown.hasMore && last && (
        <p>
          <a href={`${path}?holdsAfter=${last.number}#holds`}>Newer ones</a>
        </p>
      )}
    </section>
  )
}

function ReleaseForm({ visit, action }: { visit: Visit; action: string }) {
  const form = formAt(visit, action)
  return (
    <Form form={form} button="Release" tone="second">
      <Field label="Why it is released" {...form.of('reason')} required />
    </Form>
  )
}

function ageWords(since: Date, now: Date): string {
  const hours = Math.floor((now.getTime() - since.getTime()) / 3_600_000)
  if (hours < 1) return 'less than an hour old'
  const [count, unit] = hours < 48 ? [hours, 'hour'] : [Math.floor(hours / 24), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'} old`
}
