/** Where something sealed stands at rest. What is sealed only for minutes (a consent under way, a letter not sent) is not asked. */
export const sealedPlaces = [
  { table: 'book_grant', row: 'connection_id', column: 'sealed' },
  { table: 'book_grant', row: 'connection_id', column: 'previous_sealed' },
] as const

/** All of them: what lives for minutes too has to be opened in those minutes, and a newer table is not in an older backup. */
export const everySealedPlace = [
  ...sealedPlaces,
  { table: 'consent', row: 'id', column: 'verifier_sealed' },
  { table: 'consent', row: 'id', column: 'grants_sealed' },
  { table: 'mail', row: 'id', column: 'body' },
  { table: 'webhook_address', row: 'id', column: 'secrets_sealed' },
] as const
