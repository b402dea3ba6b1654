/** Does a bill in a book look like one that we are about to make? The same number, or the same total within a month. Pure. */
import type { BookDocument, Sought } from './port.ts'

const monthMs = 30 * 86_400_000

export function isLike(document: BookDocument, sought: Extract<Sought, { by: 'like' }>): boolean {
  if (document.kind !== sought.kind || document.status === 'voided' || document.status === 'deleted') return false
  if (document.contactId !== sought.contactId || sought.notIds.includes(document.id)) return false
  if (document.number !== null && document.number === sought.number) return true
  const apartMs = Math.abs(Date.parse(document.datedOn) - Date.parse(sought.datedOn))
  return document.totalMinor === sought.totalMinor && apartMs <= monthMs
}
