/**
 * The double-entry book of one organisation in a stand-in.
 *
 * Keeps: every journal sums to zero, and nothing is ever taken out: undoing a journal posts its opposite on the same day,
 * so balances at any day are as the vendor's reports would show them.
 * Amounts are signed minor units: debit above zero, credit below.
 */
import { randomUUID } from 'node:crypto'

export interface JournalLine {
  accountId: string
  amountMinor: bigint
  text?: string
}

export interface JournalSource {
  kind: string
  id: string
}

export interface Journal {
  id: string
  on: string
  source: JournalSource
  lines: JournalLine[]
  /** The journal that this one undoes. */
  undoes?: string
}

export class UnbalancedJournal extends Error {}

export class Books {
  #journals: Journal[] = []
  #undone = new Set<string>()

  /** Posts one journal on a day (YYYY-MM-DD) and gives its id. Lines of zero are left out. */
  journal(on: string, lines: JournalLine[], source: JournalSource): string {
    return this.#post({ id: randomUUID(), on, source, lines: lines.filter((line) => line.amountMinor !== 0n) })
  }

  /** Undoes a journal once; a second time does nothing. */
  undo(journalId: string): void {
    const found = this.#journals.find((journal) => journal.id === journalId)
    if (found === undefined || this.#undone.has(journalId)) return
    this.#undone.add(journalId)
    const lines = found.lines.map((line) => ({ ...line, amountMinor: -line.amountMinor }))
    this.#post({ id: randomUUID(), on: found.on, source: found.source, lines, undoes: journalId })
  }

  /** Undoes all that one document posted. */
  undoSource(kind: string, id: string): void {
    for (const journal of [...this.#journals]) {
      if (journal.source.kind === kind && journal.source.id === id && journal.undoes === undefined)
        this.undo(journal.id)
    }
  }

  /** The balance up to and including a day; without one, of everything. */
  balanceOf(accountId: string, onDay?: string): bigint {
    return this.#sum(accountId, undefined, onDay)
  }

  /** What moved from one day to another, both included. */
  movementOf(accountId: string, fromDay: string, toDay: string): bigint {
    return this.#sum(accountId, fromDay, toDay)
  }

  /** The lines of one account with their journals, oldest day first. */
  entriesOf(accountId: string): { journal: Journal; line: JournalLine }[] {
    const found = this.#journals.flatMap((journal) =>
      journal.lines.filter((line) => line.accountId === accountId).map((line) => ({ journal, line })),
    )
    return found.sort((a, b) => (a.journal.on < b.journal.on ? -1 : a.journal.on > b.journal.on ? 1 : 0))
  }

  /** All journals as they stand, for reports and for the kept file. */
  journals(): readonly Journal[] {
    return this.#journals
  }

  restore(journals: Journal[]): void {
    this.#journals = journals
    this.#undone = new Set(journals.flatMap((journal) => (journal.undoes === undefined ? [] : [journal.undoes])))
  }

  #post(journal: Journal): string {
    const sum = journal.lines.reduce((total, line) => total + line.amountMinor, 0n)
    if (sum !== 0n) throw new UnbalancedJournal(`${journal.source.kind} ${journal.source.id}: lines sum to ${sum}`)
    this.#journals.push(journal)
    return journal.id
  }

  #sum(accountId: string, fromDay: string | undefined, toDay: string | undefined): bigint {
    let sum = 0n
    for (const journal of this.#journals) {
      if (fromDay !== undefined && journal.on < fromDay) continue
      if (toDay !== undefined && journal.on > toDay) continue
      for (const line of journal.lines) if (line.accountId === accountId) sum += line.amountMinor
    }
    return sum
  }
}
