/** A form of another site cannot act for who is signed in here: the browser says where it comes from, and we ask. */
import type { RequestHandler } from 'express'
import { Malformed } from './errors.ts'

export function sameOrigin(publicUrl: string): RequestHandler {
  const own = new URL(publicUrl).origin
  return (ask, _answer, next) => {
    if (ask.method === 'GET' || ask.method === 'HEAD') return next()
    const site = ask.get('sec-fetch-site')
    const origin = ask.get('origin')
    const foreign = site
      ? site !== 'same-origin' && site !== 'none'
      : origin !== undefined && origin !== own && origin !== `http://${ask.get('host')}`
    if (foreign)
      throw new Malformed(
        'other_origin',
        'This form was sent from another site; nothing was done.',
        'Open the page here and send it from there.',
        [],
        403,
      )
    next()
  }
}
