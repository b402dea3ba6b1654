/**
 * Sends a file while it is being made, however long it is.
 *
 * Keeps: what was begun and failed ends by breaking the connection, so that half a file never looks like a whole one. A reader
 * who takes nothing for a while is let go, and only a few files are made at once: each holds a moment of the database.
 */
import type { Response } from 'express'
import { Refusal } from '../kit/refusal.ts'

export type StreamedFile = {
  fileName: string
  contentType: string
  /** Hands over pieces, and waits for each. */
  into(write: (piece: string) => Promise<void>): Promise<void>
}

const mostAtOnce = 2
const longestWaitMs = 60_000
const longestFileMs = 30 * 60_000
let underWay = 0

export function isStreamedFile(shown: unknown): shown is StreamedFile {
  return typeof shown === 'object' && shown !== null && 'into' in shown && typeof shown.into === 'function'
}

export async function streamFile(answer: Response, file: StreamedFile, waitMs = longestWaitMs): Promise<void> {
  if (underWay >= mostAtOnce) throw new Refusal('try_again_soon', {})
  underWay += 1
  const tooLong = setTimeout(() => answer.destroy(), longestFileMs)
  try {
    await file.into(async (piece) => {
      if (!answer.headersSent) answer.attachment(file.fileName).type(`${file.contentType}; charset=utf-8`)
      if (answer.destroyed) throw new ReaderGone()
      if (!answer.write(piece)) await drained(answer, waitMs)
    })
    answer.end()
  } catch (error) {
    // Nothing was sent yet: it can still be told in words.
    if (!answer.headersSent) throw error
    answer.destroy()
    if (!(error instanceof ReaderGone)) throw error
  } finally {
    clearTimeout(tooLong)
    underWay -= 1
  }
}

class ReaderGone extends Error {}

function drained(answer: Response, waitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (after: () => void) => () => {
      clearTimeout(timer)
      answer.off('drain', onDrain).off('close', onClose)
      after()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(new ReaderGone()))
    const timer = setTimeout(onClose, waitMs)
    answer.once('drain', onDrain).once('close', onClose)
  })
}
