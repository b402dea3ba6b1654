/**
 * Rows out of the database and into it by COPY, over one connection of `pg`: it knows the protocol's messages, and asks of
 * a query only these few calls.
 *
 * Keeps: memory is bounded. Whoever takes the rows slowly holds up the database, and a slow database holds up who brings them.
 */
import type { Socket } from 'node:net'
import type pg from 'pg'
import { InvariantError } from './invariant.ts'

type Wire = {
  stream: Socket
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(why: string): void
}
type Asked = {
  submit(wire: Wire): void
  handleCopyInResponse?(wire: Wire): void
  handleCopyData?(message: { chunk: Buffer }, wire: Wire): void
  handleCommandComplete(message: { text: string }): void
  handleReadyForQuery(): void
  handleError(error: Error): void
}

/** Rows are handed on in pieces of about this size. */
const pieceBytes = 256 * 1024

/** `copy … to stdout`: each piece is waited for before more is read. Gives the number of rows. */
export function copyOut(client: pg.Client, statement: string, take: (piece: Buffer) => Promise<void>): Promise<bigint> {
  return asked(client, (tell) => {
    let rows: Buffer[] = []
    let length = 0
    let taking: Promise<void> = Promise.resolve()
    const handOn = () => {
      const piece = Buffer.concat(rows)
      rows = []
      length = 0
      taking = taking.then(() => (tell.failed() ? undefined : take(piece))).catch(tell.fail)
    }
    return {
      submit: (wire) => wire.query(statement),
      handleCopyData({ chunk }, wire) {
        // The parser uses its memory again.
        rows.push(Buffer.from(chunk))
        length += chunk.length
        if (length < pieceBytes) return
        handOn()
        wire.stream.pause()
        void taking.then(() => wire.stream.resume())
      },
      async rest() {
        if (length > 0) handOn()
        await taking
      },
    }
  })
}

/** `copy … from stdin`, fed from pieces. Gives the number of rows. */
export function copyIn(client: pg.Client, statement: string, pieces: AsyncIterable<Buffer>): Promise<bigint> {
  return asked(client, (tell) => ({
    submit: (wire) => wire.query(statement),
    handleCopyInResponse(wire) {
      send(wire, pieces, tell.failed).catch((error: unknown) => {
        tell.fail(error)
        wire.sendCopyFail('the rows could not be read')
      })
    },
  }))
}

type Tell = { fail(error: unknown): void; failed(): boolean }
type Part = Pick<Asked, 'submit' | 'handleCopyInResponse' | 'handleCopyData'> & { rest?(): Promise<void> }

/** The first thing that went wrong is what is told; it is told once the connection is free again. */
function asked(client: pg.Client, part: (tell: Tell) => Part): Promise<bigint> {
  return new Promise((done, failed) => {
    let trouble: { error: unknown } | null = null
    let tag = ''
    const fail = (error: unknown) => {
      trouble ??= { error }
    }
    const { rest, ...handlers } = part({ fail, failed: () => trouble !== null })
    const end = async () => {
      await rest?.()
      if (trouble) failed(trouble.error)
      else done(rowsIn(tag))
    }
    const query: Asked = {
      ...handlers,
      handleCommandComplete: ({ text }) => {
        tag = text
      },
      handleReadyForQuery: () => void end(),
      handleError(error) {
        fail(error)
        // Without a connection no "ready" follows.
        failed((trouble as { error: unknown } | null)?.error ?? error)
      },
    }
    client.query(query as unknown as pg.Submittable)
  })
}

function rowsIn(tag: string): bigint {
  const rows = /^COPY (\d+)$/.exec(tag)?.[1]
  if (rows === undefined) throw new InvariantError(`a COPY that ended with "${tag}"`)
  return BigInt(rows)
}

async function send(wire: Wire, pieces: AsyncIterable<Buffer>, isOver: () => boolean): Promise<void> {
  for await (const piece of pieces) {
    if (isOver()) return
    for (let from = 0; from < piece.length; from += pieceBytes) {
      wire.sendCopyFromChunk(piece.subarray(from, from + pieceBytes))
      if (wire.stream.writableNeedDrain) await drained(wire.stream)
    }
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
