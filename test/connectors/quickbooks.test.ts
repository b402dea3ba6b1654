/** The QuickBooks connector keeps the contract before its stand-in; what is peculiar to it stands in quickbooks-*.test.ts. */
import { connectorContract } from './contract.ts'
import { makeQuickBooksHarness } from './quickbooks-harness.ts'

connectorContract('QuickBooks', makeQuickBooksHarness)
