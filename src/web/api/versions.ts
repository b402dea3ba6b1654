/** ETag and If-Match: whoever changes what somebody else changed meanwhile is told so (412), and nothing is done. */
import { Malformed } from '../errors.ts'

export function etag(version: number | string): string {
  return `"${version}"`
}

/** Without If-Match the change is made on whatever stands. */
export function mustMatch(ifMatch: string | null, version: number | string): void {
  if (ifMatch === null || ifMatch === '*' || ifMatch === String(version)) return
  throw new Malformed(
    'changed_meanwhile',
    'It was changed since you read it; nothing was done.',
    'Read it again, and send your change with the new ETag in If-Match.',
    [],
    412,
  )
}
