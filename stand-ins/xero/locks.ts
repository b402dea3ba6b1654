/**
 * Lock dates: what may not be written on or before them.
 *
 * An adviser's connection is not stopped by the period lock, only by the year-end lock.
 */
import { Invalid, longDay } from './answers.ts'
import type { XeroBook } from './book.ts'

/** The documents' own wording. */
export function refuseLockedDocument(book: XeroBook, day: string): void {
  const { periodLockDate, endOfYearLockDate, adviser } = book.settings
  const messages: string[] = []
  if (periodLockDate !== undefined && day <= periodLockDate && !adviser)
    messages.push(
      `The document date cannot be before the period lock date, currently set at ${longDay(periodLockDate)}`,
    )
  if (endOfYearLockDate !== undefined && day <= endOfYearLockDate)
    messages.push(
      `The document date cannot be before the end of year lock date, currently set at ${longDay(endOfYearLockDate)}`,
    )
  if (messages.length > 0) throw new Invalid(...messages)
}

/** The payments' wording. */
export function refuseLockedPayment(book: XeroBook, day: string): void {
  const { periodLockDate, endOfYearLockDate, adviser } = book.settings
  const byPeriod = periodLockDate !== undefined && day <= periodLockDate && !adviser
  const byYear = endOfYearLockDate !== undefined && day <= endOfYearLockDate
  if (byPeriod || byYear) throw new Invalid('Organisation accounts are locked on the specified payment date')
}
