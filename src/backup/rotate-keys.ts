/**
 * Another master key: every secret at rest is opened with the key that sealed it and sealed with the newest one, row by row,
 * beside a running service.
 *
 * Keeps: at every moment each row opens with a listed key, so a rotation that dies is begun again and does only what is left;
 * what somebody has written meanwhile is never overwritten with what stood there before.
 */
import { asWorker, type Db, inTransaction, type Tx } from '../kit/db.ts'
import { InvariantError } from '../kit/invariant.ts'
import type { Seal } from '../kit/seal.ts'
import { everySealedPlace } from './sealed-places.ts'

type SealedPlace = (typeof everySealedPlace)[number]
type Row = { id: string; sealed: string }
/** A row that no listed key opens, and the key that sealed it. */
export type Unopened = { table: string; row: string; column: string; keyId: string }
export type Rotation = { keyId: string; resealed: number; unopened: Unopened[] }
export type Verified = { rows: number; byKey: Record<string, number>; unopened: Unopened[]; unused: string[] }
type Deps = { db: Db; seal: Seal }

const pageSize = 200
/** Whoever still seals with an older key may write behind us. If that goes on, it is a service that was never told the new key. */
const mostRounds = 5
/** Whoever refreshes a grant has its row in its hand while the vendor answers. */
const longestMs = 120_000
const mostTries = 20
/** A letter's text may also stand there open. */
const isSealed = "~ '^v1[.][^[:space:]]+$'"

export async function rotateKeys(deps: Deps): Promise<Rotation> {
  const keyId = deps.seal.keyIds[0] ?? ''
  const told: Rotation = { keyId, resealed: 0, unopened: [] }
  for (let round = 0; round < mostRounds; round += 1) {
    const before = told.resealed
    told.unopened = []
    for (const place of everySealedPlace) {
      for await (const row of rowsOf(deps.db, place, keyId)) {
        const outcome = await reseal(deps, place, row)
        if (outcome === 'resealed') told.resealed += 1
        if (outcome === 'unopened') told.unopened.push(unopenedAt(place, row))
      }
    }
    if (told.resealed === before) return told
  }
  throw new InvariantError('secrets are still being sealed with an older key: give every process the new one first')
}

/** Opens every row once. */
export async function verifyKeys({ db, seal }: Deps): Promise<Verified> {
  const told: Verified = { rows: 0, byKey: {}, unopened: [], unused: [] }
  for (const place of everySealedPlace)
    for await (const row of rowsOf(db, place, null)) {
      const by = keyIdOf(row)
      told.rows += 1
      told.byKey[by] = (told.byKey[by] ?? 0) + 1
      if (opened(seal, place, row) !== null) continue
      // Written anew, or gone, since the page was read?
      const now = await inTransaction(db, asWorker, (tx) => rowAt(tx, place, row.id))
      if (now && opened(seal, place, now) === null) told.unopened.push(unopenedAt(place, now))
    }
  told.unused = seal.keyIds.filter((id) => !told.byKey[id])
  return told
}

/** Each row in a commit of its own; only what still says what was opened is replaced. */
async function reseal({ db, seal }: Deps, place: SealedPlace, found: Row): Promise<'resealed' | 'unopened' | 'left'> {
  const { table, row, column } = place
  let current: Row | null = found
  for (let tries = 0; tries < mostTries; tries += 1) {
    if (!current || keyIdOf(current) === seal.keyIds[0]) return 'left'
    const plain = opened(seal, place, current)
    if (plain === null) return 'unopened'
    const anew = seal.close({ table, row: current.id, column }, plain)
    const was: Row = current
    const changed = await inTransaction(
      db,
      asWorker,
      (tx) =>
        tx.$executeRawUnsafe(
          `update ${table} set ${column} = $1 where ${row} = $2::uuid and ${column} = $3`,
          ...[anew, was.id, was.sealed],
        ),
      longestMs,
    )
    if (changed === 1) return 'resealed'
    current = await inTransaction(db, asWorker, (tx) => rowAt(tx, place, was.id))
  }
  throw new InvariantError(`${table}.${column} never rests`)
}

function opened(seal: Seal, { table, column }: SealedPlace, { id, sealed }: Row): string | null {
  try {
    return seal.open({ table, row: id, column }, sealed)
  } catch {
    return null
  }
}

/** Page by page, in the order of their ids; `except` leaves out what that key has sealed. */
async function* rowsOf(db: Db, { table, row, column }: SealedPlace, except: string | null): AsyncGenerator<Row> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const page = await inTransaction(db, asWorker, (tx) =>
      tx.$queryRawUnsafe<Row[]>(
        `select ${row}::text as id, ${column} as sealed from ${table}
          where ${row} > $1::uuid and ${column} ${isSealed} and split_part(${column}, '.', 2) is distinct from $2
          order by ${row} limit ${pageSize}`,
        ...[after, except],
      ),
    )
    yield* page
    after = page.at(-1)?.id ?? after
    if (page.length < pageSize) return
  }
}

async function rowAt(tx: Tx, { table, row, column }: SealedPlace, id: string): Promise<Row | null> {
  const rows = await tx.$queryRawUnsafe<Row[]>(
    `select ${row}::text as id, ${column} as sealed from ${table} where ${row} = $1::uuid and ${column} ${isSealed}`,
    id,
  )
  return rows[0] ?? null
}

function keyIdOf({ sealed }: Row): string {
  return sealed.split('.')[1] ?? ''
}

function unopenedAt({ table, column }: SealedPlace, row: Row): Unopened {
  return { table, row: row.id, column, keyId: keyIdOf(row) }
}
