/**
 * "Create the mutual-credit account for me": made in the member's book once, however often it is asked.
 *
 * Keeps: looked up by name first, made under one key for this connection and network, looked up again when no answer came.
 */
import { type BookAccount, type BookConnector, BookError, type BookProfile, type Grant } from '../../connectors/port.ts'
import { asWorker, inTransaction } from '../kit/db.ts'
import { idOfCause, type Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'
import { networkOf } from '../networks/network.ts'
import { recordDeed } from '../networks/record-deed.ts'
import { connectionOf } from './connection.ts'
import { creditAccountName } from './credit-account-name.ts'
import { type GrantDeps, withGrant } from './grants.ts'
import { type MappingKept, mappingOf, writeDraft } from './mapping.ts'

type Kind = 'bank' | 'current_liability'

export async function makeCreditAccount(
  deps: GrantDeps,
  ask: { connectionId: Uuid; networkId: Uuid; kind: Kind; actor: string },
): Promise<{ account: BookAccount; made: boolean; mapping: MappingKept }> {
  const { connection, network } = await inTransaction(deps.db, asWorker, async (tx) => ({
    connection: await connectionOf(tx, ask.connectionId),
    network: await networkOf(tx, ask.networkId),
  }))
  const name = creditAccountName(network.name, connection.kind)
  const key = idOfCause('credit_account', connection.id, network.id, ask.kind)
  let done: { account: BookAccount; made: boolean; profile: BookProfile }
  try {
    done = await withGrant(deps, connection.id, (grant, connector) =>
      findOrOpen(grant, connector, { name, key, kind: ask.kind, currency: network.currency }),
    )
  } catch (error) {
    if (error instanceof BookError) throw new Refusal('book_does_not_answer', { cause: error.facts.cause })
    throw error
  }
  const { account, made, profile } = done
  return inTransaction(deps.db, asWorker, async (tx) => {
    const profileReadAt = deps.clock.now()
    await tx.connection.update({ where: { id: connection.id }, data: { profile, profileReadAt } })
    const held = await mappingOf(tx, connection.id, network.id)
    // A confirmed mapping is changed by a person's yes only.
    const change = { creditAccountId: account.id, creditAccountKind: ask.kind }
    const isThere = held.mapping !== null || held.draft.creditAccountId === account.id
    const mapping = isThere ? held : await writeDraft(tx, held, change)
    const { organisationId } = connection
    const facts = { account: account.name, made }
    await recordDeed(tx, deps.clock, {
      networkId: network.id,
      organisationId,
      actor: ask.actor,
      what: 'credit_account_made',
      facts,
    })
    return { account, made, mapping }
  })
}

type Wanted = { name: string; key: string; kind: Kind; currency: string }

async function findOrOpen(grant: Grant, connector: BookConnector, wanted: Wanted) {
  const before = await connector.describe(grant)
  const known = accountNamed(before, wanted)
  if (known) return { account: known, made: false, profile: before }
  const { name, kind, currency } = wanted
  try {
    const code = freeCode(before)
    await connector.openAccount(grant, { key: wanted.key, thing: { name, kind, code, currency } })
  } catch (error) {
    // It may be there all the same: no answer came, or another ask of ours was quicker.
    if (!(error instanceof BookError) || (error.kind !== 'unclear' && error.kind !== 'conflicting')) throw error
    const profile = await connector.describe(grant)
    const account = accountNamed(profile, wanted)
    if (!account) throw error
    return { account, made: true, profile }
  }
  const profile = await connector.describe(grant)
  const account = accountNamed(profile, wanted)
  if (!account)
    throw new BookError('unclear', {
      cause: 'account_not_listed',
      said: '',
      status: null,
      vendorCode: null,
      callId: null,
    })
  return { account, made: true, profile }
}

function accountNamed(profile: BookProfile, wanted: Wanted): BookAccount | undefined {
  return profile.accounts.find(
    (one) => one.name === wanted.name && one.kind === wanted.kind && one.active && !one.reserved,
  )
}

/** A code nobody uses, in a book that codes its accounts; the liabilities' range of a usual UK chart. */
function freeCode(profile: BookProfile): string | null {
  const taken = new Set(profile.accounts.flatMap((one) => one.code ?? []))
  if (taken.size === 0) return null
  for (let code = 880; code < 10_000; code += 1) if (!taken.has(String(code))) return String(code)
  return null
}
