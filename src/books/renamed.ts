/**
 * What a mapping names by its id, and the book calls otherwise since a person confirmed it: followed all the same, and shown
 * until a person has looked.
 *
 * Keeps: a name is looked for in the list of its own kind only; ids of two lists may be alike.
 */
import type { BookProfile } from '../../connectors/port.ts'
import type { MappingFault } from './check-mapping.ts'
import type { Mapping } from './mapping.ts'

/** What each choice was called when a person confirmed it, by its field. */
export type ChosenNames = Record<string, { id: string; name: string }>

/** The names that are kept; for a choice without one, what the book calls it. `notThese`: fields that are told already. */
export function chosenNames(
  profile: BookProfile,
  mapping: Mapping,
  kept: ChosenNames = {},
  notThese: readonly string[] = [],
): ChosenNames {
  const names: ChosenNames = {}
  for (const [field, id] of chosenIn(mapping)) {
    const before = kept[field]
    if (before?.id === id) names[field] = before
    else if (!notThese.includes(field)) {
      const name = nameIn(profile, field, id)
      if (name !== undefined) names[field] = { id, name }
    }
  }
  return names
}

export function renamedSince(names: ChosenNames, now: BookProfile, mapping: Mapping): MappingFault[] {
  return chosenIn(mapping).flatMap(([field, id]) => {
    const [was, name] = [names[field], nameIn(now, field, id)]
    if (was?.id !== id || name === undefined || was.name === name) return []
    const why = `“${was.name}” is called “${name}” in the book now; it is used as before`
    return [{ field, why, isNotice: true as const }]
  })
}

function nameIn({ accounts, items, taxCodes }: BookProfile, field: string, id: string): string | undefined {
  const list = /AccountId$/.test(field) ? accounts : field === 'salesItemId' ? items : taxCodes
  return list.find((one) => one.id === id)?.name
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
