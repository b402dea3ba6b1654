/**
 * QuickBooks' own words when something is refused: the fault of the accounting service, and the other shape that its gateway has.
 */
export interface FaultError {
  Message: string
  Detail: string
  code: string
  element?: string
}

export class QuickBooksFault extends Error {
  readonly status: number
  readonly type: string
  readonly errors: FaultError[]

  constructor(errors: FaultError[], type = 'ValidationFault', status = 400) {
    super(errors.map((error) => `${error.code} ${error.Detail}`).join('; '))
    this.errors = errors
    this.type = type
    this.status = status
  }

  body(time: string): { Fault: { Error: FaultError[]; type: string }; time: string } {
    return { Fault: { Error: this.errors, type: this.type }, time }
  }
}

const messages: Record<string, string> = {
  '120': 'Authorization Failure',
  '140': 'Company locked',
  '500': 'Unsupported Operation',
  '600': 'Duplicate Request Id',
  '610': 'Object Not Found',
  '2010': 'Request has invalid or unsupported property',
  '2020': 'Required param missing, need to supply the required value for the API',
  '2030': 'Invalid ID',
  '2050': 'Invalid String Length',
  '2060': 'Invalid Date',
  '2110': 'Invalid Number',
  '2130': 'Invalid Request Id',
  '2170': 'Invalid Enumeration',
  '2210': 'Invalid Email Address',
  '2300': 'Unbalanced Transaction',
  '2500': 'Invalid Reference Id',
  '4000': 'Error parsing query',
  '4001': 'Invalid query',
  '5010': 'Stale Object Error',
  '5020': 'Permission Denied Error',
  '5030': 'Feature Not Supported Error',
  '6000': 'A business validation error has occurred while processing your request',
  '6010': 'Invalid Account Type',
  '6070': 'Amount is not equal to UnitPrice * Qty',
  '6100': 'Invalid Tax Code',
  '6140': 'Duplicate Document Number Error',
  '6170': 'Invalid Tax Detail',
  '6190': 'Invalid Company Status',
  '6200': 'Account Period Closed, Cannot Update Through Services API',
  '6210': 'Account Period Closed, Cannot Update Through Services API',
  '6240': 'Duplicate Name Exists Error',
  '6540': 'Deposited Transaction Cannot Be Changed',
}

/** A refusal by one code of the published list. */
export function refuse(code: keyof typeof messages & string, detail: string, element = ''): QuickBooksFault {
  const type = code === '5020' || code === '120' ? 'AuthorizationFault' : 'ValidationFault'
  const status = code === '120' ? 401 : code === '5020' || code === '5030' ? 403 : 400
  return new QuickBooksFault([{ Message: messages[code] ?? 'Error', Detail: detail, code, element }], type, status)
}

export const businessRule = (sentence: string, element = '') =>
  refuse('6000', `Business Validation Error: ${sentence}`, element)

export const inactive = (element: string) =>
  refuse(
    '610',
    "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.",
    element,
  )

export const gone = () => refuse('610', 'Object Not Found : This transaction was deleted or never existed.')

export const unknownReference = (kind: string, id: string, element: string) =>
  refuse('2500', `Invalid Reference Id : ${kind}s element id ${id} not found`, element)

export interface GatewayFault {
  status: number
  body: Record<string, unknown>
  xml: string
}

/** The gateway stands before the service and answers in lower case, or in XML. */
export function gatewayFault(
  status: number,
  code: string,
  message: string,
  detail: string,
  type: string,
  at: Date,
): GatewayFault {
  const words = `message=${message}; errorCode=00${code}; statusCode=${status}`
  return {
    status,
    body: {
      warnings: null,
      intuitObject: null,
      fault: { error: [{ message: words, detail, code, element: null }], type },
      report: null,
      queryResponse: null,
      batchItemResponse: [],
      attachableResponse: [],
      syncErrorResponse: null,
      requestId: null,
      time: at.getTime(),
      status: null,
      cdcresponse: [],
    },
    xml:
      `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse time="${at.toISOString()}" xmlns="http://schema.intuit.com/finance/v3">` +
      `<Fault type="${type}"><Error code="${code}"><Message>${words}</Message><Detail>${detail}</Detail></Error></Fault></IntuitResponse>`,
  }
}
