/** One line of the catalogue: what happened, what it means for the book, the way out, whose it is, and the one button. */
export type Button =
  | 'retry'
  | 'choose_contact'
  | 'mapping'
  | 'redate'
  | 'use_next_number'
  | 'link_bill'
  | 'ask_anew'
  | 'reconnect'
  | 'drop'
  | 'none'
/** `operator`: whoever runs the installation; what is our own mistake reaches us by way of them. */
export type Who = 'bookkeeper' | 'owner' | 'convener' | 'operator' | 'nobody'
export type Facts = Record<string, unknown>
export type Entry = {
  says: (facts: Facts) => string
  means: string
  fix: string
  button: Button
  who: Who
}
export type Entries = Record<string, Entry>

/** A fact in words, or what is said where it is not known. */
export function told(facts: Facts, name: string, otherwise: string): string {
  const value = facts[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise
}

/** What it means for the book, said alike wherever it is alike. */
export const notInBook = 'It is not in the book. Only what belongs to it waits; everything else goes on.'
export const notPaid = 'The document stands in the book, its payment does not.'
export const bookWaits = 'Everything for this book waits; nothing is lost.'
export const later = 'Nothing is lost; it arrives a little later.'
export const mayBeThere = 'It may stand in the book already, so it is looked for before it is ever sent again.'
