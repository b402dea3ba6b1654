/**
 * The granular scopes Xero gives to apps made since 2 March 2026; the broad ones are refused.
 */
const sets = ['contacts', 'invoices', 'payments', 'banktransactions', 'manualjournals', 'settings', 'attachments']
const reports = [
  'trialbalance',
  'balancesheet',
  'banksummary',
  'profitandloss',
  'aged',
  'executivesummary',
  'budgetsummary',
]

export const knownScopes = new Set([
  'offline_access',
  'openid',
  'profile',
  'email',
  ...sets.flatMap((name) => [`accounting.${name}`, `accounting.${name}.read`]),
  ...reports.map((name) => `accounting.reports.${name}.read`),
])

/** A GET is content with the reading twin; reports have no other. */
export function isCovered(scopes: string[], wanted: string, method: string): boolean {
  if (scopes.includes(wanted)) return true
  return method === 'GET' && scopes.includes(`${wanted}.read`)
}
