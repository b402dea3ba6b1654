/**
 * Xero behind the port: puts the parts of this folder together.
 *
 * Keeps: nothing between calls but addresses, accounts and short codes; never a token.
 *
 * @path trade 6/7 writes the documents into a Xero organisation
 * @path reconcile 3/6 reads a Xero organisation back
 */
import type { BookConnector } from '../port.ts'
import { bellsFrom } from './bells.ts'
import { xeroCancel } from './cancel.ts'
import { xeroFind } from './find.ts'
import { xeroLimits } from './limits.ts'
import { scopes, type XeroSettings, xeroConsent } from './oauth.ts'
import { xeroReads } from './read.ts'
import { xeroSheets } from './sheet.ts'
import { xeroWire } from './wire.ts'
import { xeroWrites } from './write.ts'

export type { XeroSettings } from './oauth.ts'

export function xeroConnector(settings: XeroSettings): BookConnector {
  const { now } = settings
  const { connections, ...consent } = xeroConsent(settings)
  const wire = xeroWire(settings, connections)
  const sheets = xeroSheets(wire, now)
  const find = xeroFind(wire, sheets)

  return {
    kind: 'xero',
    limits: xeroLimits,
    // A payment on the credit note gives it back in one step.
    refundsInTwoSteps: false,
    know: sheets.know,
    wants: scopes,
    ...consent,
    ...xeroReads(wire, sheets, now),
    find: find.find,
    ...xeroWrites(wire, sheets, now),
    cancel: xeroCancel(wire, sheets, find, now),
    bells: bellsFrom,
  }
}
