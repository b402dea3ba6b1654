/** The Xero connector keeps the contract before its stand-in; what is peculiar to it stands in xero-*.test.ts. */
import { connectorContract } from './contract.ts'
import { makeXeroHarness } from './xero-harness.ts'

connectorContract('Xero', makeXeroHarness)
