/**
 * Rows into a table by COPY, over a connection of `pg`: it knows the protocol's messages, and asks of a query only these few
 * calls. Text is sent as the database takes it in.
 */
import type { Socket } from 'node:net'
import type pg from 'pg'

type Wire = {
  stream: Socket
  query(text: string): void
  sync(): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(why: string): void
}
type Asked = {
  submit(wire: Wire): void
  handleCopyInResponse(wire: Wire): void
  handleCommandComplete(): void
  handleReadyForQuery(): void
  handleError(error: Error): void
}

/** Sent in pieces, so that a slow database holds us up instead of filling our memory. */
const pieceBytes = 256 * 1024

/** One COPY is one commit; CSV without a head line, an absent value is nothing between commas. */
export function copyIn(client: pg.Client, table: string, columns: readonly string[], csv: string): Promise<void> {
  return new Promise((done, failed) => {
    let error: Error | null = null
    const asked: Asked = {
      submit: (wire) => wire.query(`copy ${table} (${columns.join(', ')}) from stdin with (format csv)`),
      handleCopyInResponse: (wire) => {
        send(wire, Buffer.from(csv), () => error !== null).catch((why: unknown) => wire.sendCopyFail(String(why)))
      },
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => (error ? failed(error) : done()),
      handleError: (why) => {
        error = why
        // Without a connection no "ready" follows.
        failed(why)
      },
    }
    client.query(asked as unknown as pg.Submittable)
  })
}

async function send(wire: Wire, rows: Buffer, isOver: () => boolean): Promise<void> {
  for (let from = 0; from < rows.length && !isOver(); from += pieceBytes) {
    wire.sendCopyFromChunk(rows.subarray(from, from + pieceBytes))
    if (wire.stream.writableNeedDrain) await drained(wire.stream)
  }
  if (!isOver()) wire.endCopyFrom()
}

function drained(stream: Socket): Promise<void> {
  return new Promise((done) => {
    const on = () => {
      stream.off('drain', on)
      stream.off('close', on)
      done()
    }
    stream.on('drain', on)
    stream.on('close', on)
  })
}
