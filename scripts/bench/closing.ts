/** What has to be gone when the bench ends, by itself or by a signal: programs, databases, folders; the newest first, once. */

export type Closing = {
  add(close: () => Promise<void>): void
  all(): Promise<void>
}

export function closingList(): Closing {
  const open: (() => Promise<void>)[] = []
  let isOver: Promise<void> | null = null
  return {
    add: (close) => void open.push(close),
    all: () => {
      isOver ??= closeEach(open)
      return isOver
    },
  }
}

async function closeEach(open: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (let close = open.pop(); close; close = open.pop()) await close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
