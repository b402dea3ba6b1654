/**
 * What the sources leave open about QuickBooks, each as a switch, so that a client can be proven against either answer.
 */
export interface Quirks {
  /** Does the name of an inactive customer, vendor or employee still block its reuse? */
  inactiveNamesBlock: boolean
  /** Is voiding or deleting a document that something settles refused, or does it leave the payment unapplied? */
  voidOfSettled: 'refused' | 'unapplies'
  /** Is a payment line above the open amount refused, or does the rest stay unapplied? */
  overpayment: 'refused' | 'unapplied'
  /** Do entries of days to come count in Account.CurrentBalance? */
  futureEntriesCount: boolean
  /** Does handing in an authorisation code twice revoke what the first time gave? */
  codeReuseRevokes: boolean
  /** Is an answer kept under its requestid? */
  requestIdsKept: boolean
}

export const usualQuirks: Quirks = {
  inactiveNamesBlock: true,
  voidOfSettled: 'refused',
  overpayment: 'refused',
  futureEntriesCount: true,
  codeReuseRevokes: false,
  requestIdsKept: true,
}
