/**
 * What a mapping names by its id, and the book calls otherwise since: followed all the same, and shown until a person has looked.
 */
import type { BookProfile } from '../../connectors/port.ts'
import type { MappingFault } from './check-mapping.ts'
import type { Mapping } from './mapping.ts'

export function renamedSince(before: BookProfile, now: BookProfile, mapping: Mapping): MappingFault[] {
  const was = namesIn(before)
  const is = namesIn(now)
  return chosenIn(mapping).flatMap(([field, id]) => {
    const [old, name] = [was.get(id), is.get(id)]
    if (old === undefined || name === undefined || old === name) return []
    return [
      { field, why: `“${old}” is called “${name}” in the book now; it is used as before`, isNotice: true as const },
    ]
  })
}

function namesIn({ accounts, items, taxCodes }: BookProfile): Map<string, string> {
  return new Map([...accounts, ...items, ...taxCodes].map(({ id, name }) => [id, name]))
}

function chosenIn(mapping: Mapping): [field: string, id: string][] {
  const { vatCodes, ...rest } = mapping
  const codes = Object.entries(vatCodes).flatMap(([use, byTreatment]) =>
    Object.entries(byTreatment).map(([treatment, id]) => [`vatCodes.${use}.${treatment}`, id] as const),
  )
  return [...Object.entries(rest), ...codes].flatMap(([field, id]) =>
    typeof id === 'string' && /Id$|^vatCodes/.test(field) ? [[field, id] as [string, string]] : [],
  )
}
