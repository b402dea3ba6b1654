/** One thing that goes to the book: its state, its age, the link there, and, where it needs a person, words and one button. */
import { addDays } from '../../../kit/clock.ts'
import { idText, type Uuid } from '../../../kit/ids.ts'
import type { Delivery } from '../../../outbox/delivery.ts'
import { troubleOf } from '../../../outbox/find-deliveries.ts'
import { candidatesOf } from '../../../outbox/move-delivery.ts'
import { buttons, type Words, wordsFor } from '../../../outbox/words.ts'
import type { AtMember } from '../../api/place.ts'
import type { Visit } from '../../page.ts'
import { Amount, Badge, Field, OnDay, When } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import type { Told } from '../member/own-side.ts'
import { spanWords } from '../state-words.ts'
import { Form, type FormAt, formAt } from '../typed-form.tsx'
import type { Here } from '../whereabouts.ts'
import { documentWords } from './document-words.ts'

export type Attempt = {
  deliveryId: Uuid
  number: number
  verb: string
  startedAt: Date
  outcome: string | null
  cause: string | null
  said: string | null
  status: number | null
  callId: string | null
}

type Props = {
  visit: Visit
  here: Here<AtMember>
  delivery: Delivery
  counterpart: string
  told: Told
  attempts: Attempt[]
  mayMove: boolean
}

export function DeliveryCard({ visit, here, delivery, counterpart, told, attempts, mayMove }: Props) {
  const id = idText('delivery', delivery.id)
  const { document, receipt } = delivery
  const now = visit.deps.clock.now().getTime()
  const minor = amountOf(delivery)
  const trouble = troubleOf(delivery, attempts.at(-1))
  const number = receipt?.number ?? ('number' in document ? document.number : null)
  return (
    <article class="card" aria-labelledby={id}>
      <h2 id={id}>
        {documentWords[delivery.kind]} {number ?? ''} · {counterpart}
      </h2>
      <p>
        <Badge tone={told.tone}>{told.text.split(':')[0]}</Badge>{' '}
        {delivery.state !== 'parked' && told.text.includes(':') && <span>{told.text.replace(/^[^:]*: /, '')}</span>}{' '}
        <span class="small">
          promised {spanWords(delivery.promisedAt.getTime(), now)} ago
          {delivery.settledAt && <>, settled {spanWords(delivery.settledAt.getTime(), now)} ago</>}
          {delivery.attempts > 0 && <>, {delivery.attempts === 1 ? 'one try' : `${delivery.attempts} tries`}</>}
        </span>
      </p>
      {delivery.state === 'parked' && (
        <Parked visit={visit} here={here} delivery={delivery} attempts={attempts} mayMove={mayMove} />
      )}
      {trouble && delivery.state === 'waiting' && (
        <div class="small">
          <p>
            {trouble.words} {trouble.who === 'nobody' ? '' : trouble.fix} Next try{' '}
            <When at={delivery.dueAt} zone={here.network.timeZone} />.
          </p>
          <BookSaid attempts={attempts} />
        </div>
      )}
      {delivery.state === 'dropped' && mayMove && (
        <Form form={formAt(visit, `${pathOf(here)}/deliveries/${id}/undo`)} button="Take it back" tone="second">
          <p class="small">It then waits again, with what was dropped along with it.</p>
        </Form>
      )}
      <dl class="facts">
        <dt>Reference</dt>
        <dd>
          {delivery.reference}
          {delivery.tradeId && (
            <>
              , <a href={`/trades/${idText('trade', delivery.tradeId)}`}>its trade</a>
            </>
          )}
        </dd>
        {minor !== null && (
          <>
            <dt>Amount</dt>
            <dd>
              <Amount minor={minor} unit={here.network} />
            </dd>
          </>
        )}
        {'datedOn' in document && document.datedOn && (
          <>
            <dt>Dated</dt>
            <dd>
              <OnDay day={document.datedOn} />
            </dd>
          </>
        )}
        {receipt?.deepLink && (
          <>
            <dt>In the book</dt>
            <dd>
              <a href={receipt.deepLink} rel="noreferrer">
                Open {number ?? delivery.reference}
              </a>
            </dd>
          </>
        )}
        {delivery.droppedReason && (
          <>
            <dt>Why not</dt>
            <dd>{delivery.droppedReason}</dd>
          </>
        )}
      </dl>
      {delivery.warnings.length > 0 && (
        <ul class="warn">
          {delivery.warnings.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      {attempts.length > 0 && <Attempts attempts={attempts} zone={here.network.timeZone} />}
    </article>
  )
}

function Parked({ visit, here, delivery, attempts, mayMove }: Omit<Props, 'counterpart' | 'told'>) {
  const told = wordsFor(delivery.parkedCause ?? '', delivery.parkedFacts ?? {})
  const at = (name: string) => formAt(visit, `${pathOf(here)}/deliveries/${idText('delivery', delivery.id)}/${name}`)
  const drop = at('drop')
  return (
    <div class="alert">
      <p>{told.says}</p>
      <p>
        {told.means} {told.fix}
      </p>
      <p class="small">{whoWords[told.who]}</p>
      {mayMove && <OneButton told={told} here={here} delivery={delivery} at={at} />}
      <BookSaid attempts={attempts} />
      {mayMove && (
        <details open={drop.refused || told.button === 'drop'}>
          <summary>Drop it</summary>
          <p>Nothing more is sent for it, nor for what depends on it.</p>
          <Form form={drop} button="Drop it" tone="danger">
            <Field {...drop.of('reason')} label="Reason" required maxLength={400} />
          </Form>
        </details>
      )}
    </div>
  )
}

/** What the book itself said last, with what its support asks for. */
function BookSaid({ attempts }: { attempts: Attempt[] }) {
  const last = attempts.filter((one) => one.said || one.callId).at(-1)
  if (!last) return null
  const support = [last.status === null ? null : `status ${last.status}`, last.callId && `call ${last.callId}`]
  return (
    <details>
      <summary>The book’s own words</summary>
      <pre>{last.said || 'It said nothing.'}</pre>
      <p class="small">{support.filter(Boolean).join(', ')}</p>
    </details>
  )
}

const whoWords: Record<Words['who'], string> = {
  bookkeeper: 'For the bookkeeper.',
  owner: 'For an owner of the business.',
  convener: 'For the convener of the network.',
  operator: 'For whoever runs this installation.',
  nobody: '',
}

/** The words of a button stand in the table; here is only what else its form asks. */
function OneButton({
  told,
  here,
  delivery,
  at,
}: {
  told: Words
  here: Here<AtMember>
  delivery: Delivery
  at(name: string): FormAt
}) {
  const base = pathOf(here)
  const { text } = buttons[told.button]
  switch (told.button) {
    case 'retry':
      return <Form form={at('retry')} button={text} />
    case 'ask_anew':
      return <Form form={at('anew')} button={text} />
    case 'use_next_number':
      return <Form form={at('next-number')} button={text} />
    case 'link_bill':
      return (
        <div class="buttons">
          <Form form={at('link')} button={text} />
          <Form form={at('retry')} button="This is another one" tone="second" />
        </div>
      )
    case 'mapping':
      return (
        <p>
          <a class="button" href={`${base}/connection/mapping`}>
            {text}
          </a>
        </p>
      )
    case 'reconnect':
      return (
        <p>
          <a class="button" href={`${base}/connection`}>
            {text}
          </a>
        </p>
      )
    case 'redate': {
      const form = at('redate')
      const locked = delivery.parkedFacts?.lockedThrough
      return (
        <Form form={form} button={text}>
          <Field
            {...form.of('to', typeof locked === 'string' ? addDays(locked, 1) : '')}
            type="date"
            label="Day"
            hint="The first open day, unless you choose another."
          />
        </Form>
      )
    }
    case 'choose_contact': {
      const candidates = candidatesOf(delivery)
      if (candidates.length === 0)
        return (
          <p>
            <a class="button" href={`${base}/deliveries/${idText('delivery', delivery.id)}/pick-contact`}>
              {text}
            </a>
          </p>
        )
      return (
        <Form form={at('contact')} button="It is this one">
          <fieldset>
            <legend>Contacts in the book</legend>
            {candidates.map((one) => (
              <label class="check" key={one.id}>
                <input type="radio" name="contact" value={one.id} required />{' '}
                <span>
                  {one.name} {one.email && <span class="hint">{one.email}</span>}
                </span>
              </label>
            ))}
          </fieldset>
        </Form>
      )
    }
    case 'drop':
    case 'none':
      return null
  }
}

const outcomeWords: Record<string, string> = {
  done: 'done',
  refused: 'refused',
  unknown: 'no answer came',
  found: 'found in the book',
  absent: 'not in the book yet',
  waiting: 'told to wait',
}
const verbWords: Record<string, string> = {
  look: 'looked for it',
  contacts: 'sent the contact',
  documents: 'sent the document',
  payments: 'sent the payment',
}

/** As a list and not as a table: on a phone five columns cannot be read. */
function Attempts({ attempts, zone }: { attempts: Attempt[]; zone: string }) {
  return (
    <details>
      <summary>{attempts.length === 1 ? 'One try' : `${attempts.length} tries`}</summary>
      <ol>
        {attempts.map((one) => (
          <li key={one.number}>
            <When at={one.startedAt} zone={zone} />: {verbWords[one.verb] ?? one.verb},{' '}
            <strong>{one.outcome ? (outcomeWords[one.outcome] ?? one.outcome) : 'on its way'}</strong>
            {one.cause && <> ({one.cause.replaceAll('_', ' ')})</>}
            {one.said && <>; in the book’s own words: “{one.said}”</>}
            {(one.callId || one.status) && (
              <span class="small">
                {' '}
                {one.callId && <>Id of the call, for its support: {one.callId}. </>}
                {one.status && <>Status {one.status}.</>}
              </span>
            )}
          </li>
        ))}
      </ol>
    </details>
  )
}

function amountOf({ document }: Delivery): bigint | null {
  if ('totalMinor' in document) return BigInt(document.totalMinor)
  if ('amountMinor' in document && document.amountMinor !== 'open') return BigInt(document.amountMinor)
  return null
}
