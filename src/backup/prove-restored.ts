/**
 * What was read back is proven before anybody may use it: the head of each ledger is the one the backup names, its chain
 * runs from the first transfer to that head, and every named truth of the audit holds.
 *
 * Runs inside the transaction that read the rows, so that what does not hold never was.
 */
import type pg from 'pg'
import type { Manifest } from '../kit/archive.ts'
import { dateOf } from '../kit/clock.ts'
import { invariant } from '../kit/invariant.ts'
import { Refusal } from '../kit/refusal.ts'
import type { Seal } from '../kit/seal.ts'
import { firstHash } from '../ledger/account.ts'
import { truths } from '../ledger/audit.ts'
import { type ChainedTransfer, isSame, nextHash } from '../ledger/chain.ts'
import { sealedPlaces } from './sealed-places.ts'

export async function proveRestored(
  client: pg.Client,
  manifest: Manifest,
  seal: Seal | null,
  say: (line: string) => void,
): Promise<void> {
  await proveSealed(client, seal)
  const { rows } = await client.query<{ networkId: string; number: string; hash: string }>(
    `select network_id as "networkId", number::text as number, encode(hash, 'hex') as hash from ledger_head`,
  )
  if (rows.length !== manifest.ledgers.length)
    throw untrue(`there are ${rows.length} ledgers, not ${manifest.ledgers.length}`)
  for (const ledger of manifest.ledgers) {
    const head = rows.find((row) => row.networkId === ledger.networkId)
    if (head?.number !== ledger.number || head.hash !== ledger.hash)
      throw untrue(`the head of the ledger of ${ledger.slug} is another`)
    await proveChain(client, ledger)
    say(`${ledger.slug}: the chain holds up to ${ledger.number} ${ledger.hash}`)
  }
  await proveTruths(client, manifest)
  say('every truth about the ledgers holds')
}

const pageSize = 5_000
type Row = Omit<ChainedTransfer, 'number' | 'amountMinor' | 'bookedOn'> & {
  number: string
  amountMinor: string
  bookedOn: string
}

async function proveChain(client: pg.Client, ledger: Manifest['ledgers'][number]): Promise<void> {
  let hash: Uint8Array = firstHash(ledger.networkId)
  let number = 0n
  for (;;) {
    const { rows } = await client.query<Row>({
      name: 'chain',
      text: `select network_id as "networkId", number, id, posting_id as "postingId", kind, debit_account_id as "debitAccountId",
                    credit_account_id as "creditAccountId", amount_minor as "amountMinor", cause_kind as "causeKind",
                    cause_id as "causeId", reverses_id as "reversesId", hold_id as "holdId", hold_expires_at as "holdExpiresAt",
                    hold_promised as "holdPromised", booked_on::text as "bookedOn", recorded_at as "recordedAt", hash
               from transfer where network_id = $1 and number > $2 order by number limit ${pageSize}`,
      values: [ledger.networkId, number.toString()],
    })
    for (const row of rows) {
      const transfer = {
        ...row,
        number: BigInt(row.number),
        amountMinor: BigInt(row.amountMinor),
        bookedOn: dateOf(row.bookedOn),
      }
      hash = nextHash(hash, transfer)
      if (transfer.number !== number + 1n || !isSame(hash, transfer.hash))
        throw untrue(`the chain of ${ledger.slug} breaks at transfer number ${transfer.number}`)
      number = transfer.number
    }
    if (rows.length < pageSize) break
  }
  if (number.toString() !== ledger.number || Buffer.from(hash).toString('hex') !== ledger.hash)
    throw untrue(`the chain of ${ledger.slug} does not end at its head`)
}

async function proveTruths(client: pg.Client, { ledgers }: Manifest): Promise<void> {
  // As in the audit itself: each truth reads a whole ledger once.
  await client.query("select set_config('enable_nestloop', 'off', true)")
  for (const { networkId, slug } of ledgers)
    for (const truth of truths) {
      const { rows } = await client.query<{ offender: string }>(`select offender from (${truth.offenders}) o limit 1`, [
        networkId,
      ])
      if (rows[0]) throw untrue(`in ${slug} it does not hold that "${truth.says}" (${rows[0].offender})`)
    }
  await client.query("select set_config('enable_nestloop', 'on', true)")
}

/** A key may bear the right name and still not open what was moved or changed: each is opened once. */
async function proveSealed(client: pg.Client, seal: Seal | null): Promise<void> {
  for (const { table, row, column } of sealedPlaces) {
    const { rows } = await client.query<{ id: string; sealed: string }>(
      `select ${row}::text as id, ${column} as sealed from ${table} where ${column} is not null order by 1`,
    )
    for (const { id, sealed } of rows) {
      try {
        invariant(seal, 'no key at all')
        seal.open({ table, row: id, column }, sealed)
      } catch {
        const given = seal?.keyIds.join(', ') ?? 'none'
        throw new Refusal('backup_needs_key', { keyIds: sealed.split('.')[1] ?? '?', given })
      }
    }
  }
}

function untrue(why: string): Refusal {
  return new Refusal('backup_not_true', { why })
}
