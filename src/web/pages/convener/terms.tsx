/** The terms of a network: those that hold now, the versions before, and the form that makes the next version. */
import { z } from 'zod'
import { formatAmount } from '../../../kit/money.ts'
import type { Network } from '../../../networks/network.ts'
import { currentTerms, type Fee, newTerms, type Terms, termsHistory } from '../../../networks/terms.ts'
import { words } from '../../api/shapes.ts'
import { page } from '../../layout.tsx'
import { type pages, saidOf, type Visit } from '../../page.ts'
import { Amount, Choose, Field, When } from '../../parts.tsx'
import {
  amountShape,
  Form,
  type FormAt,
  formAt,
  LongField,
  maybe,
  maybeWords,
  percentShape,
  percentText,
  Refused,
} from '../typed-form.tsx'
import { namesOf, networkHere, worker } from '../whereabouts.ts'

const feeRows = [1, 2, 3, 4] as const

export function termsPages(serve: ReturnType<typeof pages>): void {
  serve.get('/networks/:slug/terms', show)
  serve.post('/networks/:slug/terms', change, show)
}

function shapeFor(scale: number) {
  const day = z.coerce.number('Give a whole number.').int('Give a whole number.')
  return z.object({
    defaultCreditLimit: amountShape(scale),
    defaultExposureLimit: amountShape(scale),
    maxCreditLimit: amountShape(scale),
    maxExposureLimit: amountShape(scale),
    softLimit: percentShape(),
    largestShare: percentShape(),
    vatIn: z.enum(['money', 'credits']),
    proposalLife: day.min(1, 'At least one day.').max(365, 'At most 365 days.'),
    feesBack: z.enum(['yes', 'no']),
    settlementMode: z.enum(['running', 'periods']),
    settlementDay: maybe(day.min(1, 'From 1 to 28.').max(28, 'From 1 to 28.')),
    words: words(20_000),
  })
}

/** The fields of one row, numbered in the form. */
function feeShape(row: number, scale: number) {
  return z.object({
    [`feeSide${row}`]: maybe(z.enum(['seller', 'buyer'])),
    [`feePercent${row}`]: maybe(percentShape()),
    [`feeFixed${row}`]: maybe(amountShape(scale)),
    [`feeMode${row}`]: maybe(z.enum(['credits', 'money'])),
    [`feeWords${row}`]: maybeWords(200),
  })
}

async function change(visit: Visit) {
  const { network, actor } = await networkHere(visit, 'change_terms')
  const given = visit.form(shapeFor(network.scale))
  const terms = await worker(visit, (tx) =>
    newTerms(tx, visit.deps.clock, {
      networkId: network.id,
      actor: actor.id,
      change: {
        defaultCreditLimitMinor: given.defaultCreditLimit,
        defaultExposureLimitMinor: given.defaultExposureLimit,
        maxCreditLimitMinor: given.maxCreditLimit,
        maxExposureLimitMinor: given.maxExposureLimit,
        softLimitBasisPoints: given.softLimit,
        largestCreditShareBasisPoints: given.largestShare,
        vatIn: given.vatIn,
        proposalLifeDays: given.proposalLife,
        feesBackOnReversal: given.feesBack === 'yes',
        settlementMode: given.settlementMode,
        settlementDay: given.settlementMode === 'periods' ? (given.settlementDay ?? null) : null,
        words: given.words,
        fees: feeRows.flatMap((row) => feeIn(visit.form(feeShape(row, network.scale)), row)),
      },
    }),
  )
  return {
    goTo: `/networks/${network.slug}/terms`,
    said: `Version ${terms.version} holds from now on. Trades keep the terms they were made under.`,
  }
}

/** A row without a side is no fee. */
function feeIn(given: Record<string, unknown>, row: number): Fee[] {
  const side = given[`feeSide${row}`] as Fee['side'] | undefined
  if (!side) return []
  return [
    {
      side,
      basisPoints: (given[`feePercent${row}`] as number | undefined) ?? 0,
      fixedMinor: String((given[`feeFixed${row}`] as bigint | undefined) ?? 0n),
      mode: (given[`feeMode${row}`] as Fee['mode'] | undefined) ?? 'credits',
      words: (given[`feeWords${row}`] as string | undefined) ?? '',
    },
  ]
}

async function show(visit: Visit): Promise<string> {
  const { network, actor, mayDo } = await networkHere(visit, 'see_network')
  const { terms, history, nameOf } = await worker(visit, async (tx) => {
    const history = await termsHistory(tx, network.id)
    const terms = await currentTerms(tx, network.id)
    const who = history.map((one) => one.madeBy)
    return { terms, history, nameOf: await namesOf(tx, who) }
  })
  return page({
    deps: visit.deps,
    title: `Terms of ${network.name}`,
    actor,
    crumbs: [
      { href: '/', text: 'Your places' },
      { href: `/networks/${network.slug}`, text: network.name },
    ],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        <section aria-labelledby="now">
          <h2 id="now">Version {terms.version}, which holds now</h2>
          <TermsTold terms={terms} network={network} />
        </section>
        {history.length > 1 && (
          <section aria-labelledby="before">
            <h2 id="before">Versions before</h2>
            {history.slice(1).map((one) => (
              <details key={one.version}>
                <summary>
                  Version {one.version}, from <When at={one.fromAt} zone={network.timeZone} />, by {nameOf(one.madeBy)}
                </summary>
                <TermsTold terms={one} network={network} />
              </details>
            ))}
          </section>
        )}
        {mayDo('change_terms') && <TermsForm visit={visit} terms={terms} network={network} />}
      </>
    ),
  })
}

export function TermsTold({ terms, network }: { terms: Terms; network: Network }) {
  return (
    <>
      <p>{terms.words}</p>
      <dl class="facts">
        <dt>Usual limits</dt>
        <dd>
          <Amount minor={terms.defaultCreditLimitMinor} unit={network} /> below zero,{' '}
          <Amount minor={terms.defaultExposureLimitMinor} unit={network} /> above
        </dd>
        <dt>Highest limits</dt>
        <dd>
          <Amount minor={terms.maxCreditLimitMinor} unit={network} /> below zero,{' '}
          <Amount minor={terms.maxExposureLimitMinor} unit={network} /> above
        </dd>
        <dt>Warned at</dt>
        <dd>{percentText(terms.softLimitBasisPoints)} % of a limit</dd>
        <dt>Most in credits</dt>
        <dd>
          {percentText(terms.largestCreditShareBasisPoints)} % of the {terms.vatIn === 'money' ? 'net price' : 'total'}
        </dd>
        <dt>VAT is paid</dt>
        <dd>{terms.vatIn === 'money' ? 'in money' : 'in credits'}</dd>
        <dt>A proposal lives</dt>
        <dd>{terms.proposalLifeDays} days</dd>
        <dt>Fees</dt>
        <dd>
          {terms.fees.length === 0
            ? 'none'
            : terms.fees
                .map(
                  (fee) =>
                    `${fee.words} (${fee.side}, ${percentText(fee.basisPoints)} % + ${formatAmount(BigInt(fee.fixedMinor), network.scale)}, in ${fee.mode})`,
                )
                .join('; ')}
          {terms.fees.length > 0 && (terms.feesBackOnReversal ? '; given back on reversal' : '; kept on reversal')}
        </dd>
        <dt>Settlement</dt>
        <dd>
          {terms.settlementMode === 'running' ? 'running' : `in periods, on day ${terms.settlementDay} of the month`}
        </dd>
      </dl>
    </>
  )
}

function TermsForm({ visit, terms, network }: { visit: Visit; terms: Terms; network: Network }) {
  const form = formAt(visit, `/networks/${network.slug}/terms`)
  const amount = (minor: bigint) => formatAmount(minor, network.scale)
  return (
    <section aria-labelledby="next">
      <h2 id="next">The next version</h2>
      <details open={form.refused}>
        <summary>Change the terms</summary>
        <Form form={form} button={`Make version ${terms.version + 1}`}>
          <Field
            {...form.of('defaultCreditLimit', amount(terms.defaultCreditLimitMinor))}
            label="Usual credit limit"
            required
            inputMode="decimal"
          />
          <Field
            {...form.of('maxCreditLimit', amount(terms.maxCreditLimitMinor))}
            label="Highest credit limit"
            required
            inputMode="decimal"
          />
          <Field
            {...form.of('defaultExposureLimit', amount(terms.defaultExposureLimitMinor))}
            label="Usual exposure limit"
            required
            inputMode="decimal"
          />
          <Field
            {...form.of('maxExposureLimit', amount(terms.maxExposureLimitMinor))}
            label="Highest exposure limit"
            required
            inputMode="decimal"
          />
          <Field
            {...form.of('softLimit', percentText(terms.softLimitBasisPoints))}
            label="Warn at this per cent of a limit"
            required
            inputMode="decimal"
          />
          <Field
            {...form.of('largestShare', percentText(terms.largestCreditShareBasisPoints))}
            label="Largest per cent of a trade in credits"
            hint="Of the net price where VAT is paid in money, else of the total."
            required
            inputMode="decimal"
          />
          <Choose
            {...form.of('vatIn', terms.vatIn)}
            label="VAT is paid"
            required
            choices={[
              { value: 'money', text: 'in money' },
              { value: 'credits', text: 'in credits' },
            ]}
          />
          <Field
            {...form.of('proposalLife', String(terms.proposalLifeDays))}
            label="Days a proposal lives"
            required
            inputMode="numeric"
          />
          {feeRows.map((row) => (
            <FeeFields key={row} form={form} row={row} fee={terms.fees[row - 1]} scale={network.scale} />
          ))}
          <Choose
            {...form.of('feesBack', terms.feesBackOnReversal ? 'yes' : 'no')}
            label="Fees are given back on reversal"
            required
            choices={[
              { value: 'yes', text: 'Yes' },
              { value: 'no', text: 'No' },
            ]}
          />
          <Choose
            {...form.of('settlementMode', terms.settlementMode)}
            label="Settlement"
            required
            choices={[
              { value: 'running', text: 'Running' },
              { value: 'periods', text: 'In clearing periods' },
            ]}
          />
          <Field
            {...form.of('settlementDay', terms.settlementDay === null ? '' : String(terms.settlementDay))}
            label="Settlement day of the month"
            hint="1 to 28; clearing periods only."
            inputMode="numeric"
          />
          <LongField
            {...form.of('words', terms.words)}
            label="The terms in words"
            required
            rows={8}
            maxLength={20_000}
          />
        </Form>
      </details>
    </section>
  )
}

function FeeFields({ form, row, fee, scale }: { form: FormAt; row: number; fee: Fee | undefined; scale: number }) {
  return (
    <fieldset>
      <legend>Fee {row}</legend>
      <Choose
        {...form.of(`feeSide${row}`, fee?.side)}
        label="Paid by"
        choices={[
          { value: 'seller', text: 'the seller' },
          { value: 'buyer', text: 'the buyer' },
        ]}
      />
      <Field
        {...form.of(`feePercent${row}`, fee && fee.basisPoints > 0 ? percentText(fee.basisPoints) : '')}
        label="Per cent of the part in credits"
        inputMode="decimal"
      />
      <Field
        {...form.of(`feeFixed${row}`, fee && fee.fixedMinor !== '0' ? formatAmount(BigInt(fee.fixedMinor), scale) : '')}
        label="Plus a fixed amount"
        inputMode="decimal"
      />
      <Choose
        {...form.of(`feeMode${row}`, fee?.mode)}
        label="In"
        choices={[
          { value: 'credits', text: 'credits' },
          { value: 'money', text: 'money' },
        ]}
      />
      <Field {...form.of(`feeWords${row}`, fee?.words)} label="Its name on documents" maxLength={200} />
    </fieldset>
  )
}
