/** Where something sealed stands at rest. What is sealed only for minutes (a consent under way, a letter not sent) is not asked. */
export const sealedPlaces = [
  { table: 'book_grant', row: 'connection_id', column: 'sealed' },
  { table: 'book_grant', row: 'connection_id', column: 'previous_sealed' },
] as const
