/** How long and how large: by default, `--quick`, and `--toy`, which only shows that every part runs. */

export type Settings = {
  rounds: number
  /** Of each contender in each round, after it has warmed up. */
  forMs: number
  warmUpMs: number
  accounts: number
  entries: number
  largeEntries: number
  members: number
  /** Of the members; callers share them. */
  sellers: number
  buyersOfASeller: number
  tradesInABatch: number
  importRows: number
  /** After its start, until the service's memory at rest is read. */
  idleMs: number
  /** The whole audit of the large ledger, not only its cheap truths and the newest part of its chain. */
  wholeAudit: boolean
}

const usual: Settings = {
  rounds: 5,
  forMs: 2_000,
  warmUpMs: 500,
  accounts: 1_000,
  entries: 10_000,
  largeEntries: 5_000_000,
  members: 200,
  sellers: 32,
  buyersOfASeller: 12,
  tradesInABatch: 1_000,
  importRows: 10_000,
  idleMs: 60_000,
  wholeAudit: true,
}
const quick: Settings = { ...usual, rounds: 3, forMs: 1_000, warmUpMs: 300, tradesInABatch: 500, wholeAudit: false }
const toy: Settings = {
  rounds: 1,
  forMs: 120,
  warmUpMs: 40,
  accounts: 60,
  entries: 400,
  largeEntries: 45_000,
  members: 12,
  sellers: 4,
  buyersOfASeller: 3,
  tradesInABatch: 10,
  importRows: 250,
  idleMs: 1_000,
  wholeAudit: true,
}

export function settingsFor(asked: { quick?: boolean | undefined; toy?: boolean | undefined }): Settings {
  return asked.toy ? toy : asked.quick ? quick : usual
}
