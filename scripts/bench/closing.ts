/** What has to be gone when the bench ends, by itself or by a signal: programs, databases, folders; the newest first, once. */

export type Closing = {
  /** Of something that is being opened: it is waited for, and then closed. */
  add<Opened extends { end(): Promise<void> }>(opening: Promise<Opened>): Promise<Opened>
  all(): Promise<void>
}

export function closingList(): Closing {
  const open: (() => Promise<void>)[] = []
  let isOver: Promise<void> | null = null
  return {
    add(opening) {
      const close = () =>
        opening.then(
          (opened) => opened.end(),
          // What could not be opened has closed itself.
          () => undefined,
        )
      if (isOver) isOver = Promise.all([isOver, close()]).then(() => undefined)
      else open.push(close)
      return opening
    },
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
