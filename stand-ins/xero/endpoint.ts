/**
 * What one endpoint of the accounting API is, and what it is given.
 */
import type { Fault } from '../kit/faults.ts'
import type { XeroBook } from './book.ts'

export interface Bell {
  category: 'INVOICE' | 'CONTACT' | 'CREDITNOTE'
  type: 'CREATE' | 'UPDATE'
  resource: string
  id: string
  about?: { Type: string; Status: string }
}

export interface Call {
  book: XeroBook
  appId: string
  params: Record<string, string>
  query: Record<string, string>
  headers: Record<string, string | string[] | undefined>
  body: unknown
  now: Date
  bells: Bell[]
  /** Uses up a fault that waits for this request. */
  fault(knob: string): Fault | undefined
  /** How long a new document stays out of lists, in milliseconds. */
  readLagMs: number
  /** Whether a payment rings the bell of its invoice: undocumented, so it can be switched. */
  paymentsRing: boolean
}

export interface Endpoint {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  path: string
  /** The granular scope; a GET is content with its `.read` twin too. */
  scope: string
  /** The plural of the body's elements and the schema each must fit. */
  body?: { plural: string; schema: string; required?: string[]; oneOf?: string[] }
  act(call: Call): Record<string, unknown>
}
