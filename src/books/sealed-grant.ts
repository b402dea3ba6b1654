/** A grant at rest: sealed for its row and column, so that a blob moved elsewhere does not open. */
import type { Grant } from '../../connectors/port.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Place, Seal } from '../kit/seal.ts'

export type GrantColumn = 'sealed' | 'previous_sealed'

export function sealGrant(seal: Seal, connectionId: Uuid, column: GrantColumn, grant: Grant): string {
  return seal.close(placeOf(connectionId, column), JSON.stringify(grant))
}

export function openGrant(seal: Seal, connectionId: Uuid, column: GrantColumn, sealed: string): Grant {
  return JSON.parse(seal.open(placeOf(connectionId, column), sealed)) as Grant
}

function placeOf(connectionId: Uuid, column: GrantColumn): Place {
  return { table: 'book_grant', row: connectionId, column }
}
