/**
 * A member proposes a trade, as seller or as buyer: typed, looked at once more, then sent.
 *
 * The look changes nothing, so it is no redirect; only the last button does, and pressed twice it is one trade.
 */

import { dayIn } from '../../../kit/clock.ts'
import type { Tx } from '../../../kit/db.ts'
import { idText, newId } from '../../../kit/ids.ts'
import { headroom } from '../../../ledger/rules.ts'
import { type Member, memberOf, membersOf } from '../../../networks/member.ts'
import type { Network } from '../../../networks/network.ts'
import { currentTerms, type Terms } from '../../../networks/terms.ts'
import { feesOf } from '../../../trades/documents.ts'
import { type Price, priceOf } from '../../../trades/price.ts'
import { proposalOf, type TradeAsk } from '../../../trades/proposal.ts'
import { partiesOf, propose } from '../../../trades/propose.ts'
import type { AtMember } from '../../api/place.ts'
import type { pages, Shown, Visit } from '../../page.ts'
import { Amount, Choose, Field } from '../../parts.tsx'
import { traceOf } from '../../trace.ts'
import { type FormAt, formAt } from '../typed-form.tsx'
import { type Here, memberHere, see } from '../whereabouts.ts'
import { memberPage, pathOf } from './member-frame.tsx'
import { fieldNames, proposalTyped, rowNumbers, treatments } from './proposal-form.ts'
import { TradeTold } from './trade-told.tsx'

/** Lines that stand open at first; the others behind one click. */
const openRows = 3
const mostMembers = 500

export function proposePages(serve: ReturnType<typeof pages>): void {
  serve.get('/members/:mem/trades/new', show)
  serve.post('/members/:mem/trades/new', step, show)
}

async function step(visit: Visit): Promise<Shown> {
  const here = await memberHere(visit, 'propose_trade')
  if (visit.typed.step === 'edit') return show(visit)
  const ask = proposalTyped(visit, here)
  if (visit.typed.step !== 'propose') return look(visit, here, ask)
  const trade = await propose(visit.deps, { ...ask, trace: traceOf(visit.answer) })
  return {
    goTo: `/trades/${idText('trade', trade.id)}`,
    said:
      trade.state === 'accepted'
        ? 'It is accepted already, by a standing consent of the other side.'
        : 'Proposed. Nothing is owed until the other side says yes.',
  }
}

/** The trade as it would stand. Every rule that can be asked now is asked now. */
async function look(visit: Visit, here: Here<AtMember>, ask: TradeAsk): Promise<string> {
  const { networkId } = here
  const parties = await see(visit, (tx) => partiesOf(tx, ask))
  const proposal = proposalOf(parties, ask, visit.deps.clock.now())
  const { network, terms, seller, buyer } = parties
  const price = priceOf(ask, {
    sellerRegistered: seller.organisation.vat.registered,
    buyerRegistered: buyer.organisation.vat.registered,
    scale: network.scale,
    terms,
  })
  const action = `${pathOf(here)}/trades/new`
  const isSeller = ask.proposedBy === 'seller'
  const key = visit.typed.key || idText('call', newId(visit.deps.clock.now()))
  const fees = feesOf({ networkId, id: ask.id, fees: terms.fees, creditMinor: price.creditMinor })
  return memberPage(visit, here, {
    title: 'Look at it once more',
    children: (
      <>
        <p>
          {isSeller ? 'You sell to ' : 'You buy from '}
          <strong>{(isSeller ? buyer : seller).organisation.name}</strong>.
        </p>
        <TradeTold
          agreed={{ ...price, ...ask, lines: price.lines, dueOn: String(proposal.due_on) }}
          network={network}
        />
        {fees
          .filter((fee) => fee.side === ask.proposedBy)
          .map((fee) => (
            <p key={fee.transferId}>
              {fee.words}: <Amount minor={fee.amountMinor} unit={network} /> in {fee.mode}, paid by you.
            </p>
          ))}
        <After member={isSeller ? seller : buyer} isSeller={isSeller} price={price} network={network} />
        {isSeller && <p>By proposing you confirm the VAT treatment, and that the invoice is issued in your name.</p>}
        <p>
          The other side has {terms.proposalLifeDays} days to answer. Nothing is owed until it says yes
          {ask.reserve ? '; until then the part in credits is reserved' : ''}.
        </p>
        <form method="post" action={action}>
          {fieldNames.map((name) => (
            <input key={name} type="hidden" name={name} value={visit.typed[name] ?? ''} disabled={!visit.typed[name]} />
          ))}
          <input type="hidden" name="key" value={key} />
          <div class="buttons">
            <button type="submit" name="step" value="propose">
              Propose
            </button>
            <button type="submit" name="step" value="edit" class="second">
              Change something
            </button>
          </div>
        </form>
      </>
    ),
  })
}

function After({
  member,
  isSeller,
  price,
  network,
}: {
  member: Member
  isSeller: boolean
  price: Price
  network: Network
}) {
  const { account } = member
  const { toBuyMinor, toSellMinor } = headroom({
    ...account,
    floorMinor: account.creditLimitMinor === null ? null : -account.creditLimitMinor,
    ceilingMinor: account.exposureLimitMinor,
  })
  const left = isSeller ? toSellMinor : toBuyMinor
  const after = account.balanceMinor + (isSeller ? price.creditMinor : -price.creditMinor)
  return (
    <>
      <p>
        Your balance would be <Amount minor={after} unit={network} />.
      </p>
      {left !== null && price.creditMinor > left && (
        <p class="warn">
          As things stand you can {isSeller ? 'sell' : 'buy'} for <Amount minor={left} unit={network} /> more, so an
          acceptance now would be refused.
        </p>
      )}
    </>
  )
}

async function read(tx: Tx, here: Here<AtMember>): Promise<{ others: Member[]; terms: Terms; member: Member }> {
  const { networkId } = here
  const members = await membersOf(tx, networkId, {
    limit: mostMembers,
    standings: ['admitted', 'suspended', 'leaving'],
  })
  return {
    others: members
      .filter((one) => one.id !== here.member.id)
      .sort((one, other) => one.organisation.name.localeCompare(other.organisation.name)),
    terms: await currentTerms(tx, networkId),
    member: await memberOf(tx, networkId, here.member.id),
  }
}

async function show(visit: Visit): Promise<string> {
  const here = await memberHere(visit, 'propose_trade')
  const { network } = here
  const { others, terms, member } = await see(visit, (tx) => read(tx, here))
  const form = formAt(visit, `${pathOf(here)}/trades/new`)
  return memberPage(visit, here, {
    title: 'Propose a trade',
    children:
      others.length === 0 ? (
        <p class="next">Nobody else has been admitted to {network.name} yet.</p>
      ) : (
        <form method="post" action={form.action} class="stack">
          <Choose
            {...form.of('side', visit.query.side)}
            label="You"
            required
            choices={[
              { value: 'seller', text: 'sell' },
              { value: 'buyer', text: 'buy' },
            ]}
          />
          <Choose
            {...form.of('other', visit.query.with)}
            label="To or from"
            required
            choices={others.map((one) => ({ value: idText('member', one.id), text: one.organisation.name }))}
          />
          <Field {...form.of('description')} label="What it is for" required maxLength={500} />
          <Field
            {...form.of('tradedOn', dayIn(network.timeZone, visit.deps.clock.now()))}
            type="date"
            label="Day of sale"
            required
          />
          {rowNumbers.slice(0, openRows).map((row) => (
            <LineFields key={row} form={form} row={row} member={member} />
          ))}
          <details open={rowNumbers.slice(openRows).some((row) => form.of(`net${row}`).value !== '')}>
            <summary>More lines</summary>
            <div class="stack">
              {rowNumbers.slice(openRows).map((row) => (
                <LineFields key={row} form={form} row={row} member={member} />
              ))}
            </div>
          </details>
          <PartFields form={form} terms={terms} />
          <Field
            {...form.of('dueOn')}
            type="date"
            label="The part in money is due"
            hint="Left out: thirty days after the day of sale."
          />
          <Field {...form.of('buyerReference')} label="The buyer’s own reference" maxLength={100} />
          <label class="check">
            <input type="checkbox" name="reserve" value="yes" checked={form.of('reserve').value === 'yes'} />{' '}
            <span>If you buy: reserve the part in credits until the seller answers.</span>
          </label>
          {form.of('key').value !== '' && <input type="hidden" name="key" value={form.of('key').value} />}
          <div class="buttons">
            <button type="submit" name="step" value="preview">
              Look at it
            </button>
          </div>
        </form>
      ),
  })
}

function LineFields({ form, row, member }: { form: FormAt; row: number; member: Member }) {
  const usual = member.organisation.vat.registered ? 'standard' : 'outside'
  return (
    <fieldset>
      <legend>Line {row}</legend>
      <Field {...form.of(`description${row}`)} label="Description" required={row === 1} maxLength={500} />
      <Field
        {...form.of(`net${row}`)}
        label="Net amount"
        hint="Such as 1,000.00, without VAT."
        required={row === 1}
        inputMode="decimal"
      />
      <Choose {...form.of(`treatment${row}`, usual)} label="VAT treatment" required choices={treatments} />
    </fieldset>
  )
}

function PartFields({ form, terms }: { form: FormAt; terms: Terms }) {
  const most = terms.largestCreditShareBasisPoints / 100
  return (
    <fieldset>
      <legend>The part in credits</legend>
      <Choose
        {...form.of('part', 'most')}
        label="How much"
        hint={`The terms allow up to ${most} % of the ${terms.vatIn === 'money' ? 'net price' : 'total'}.`}
        required
        choices={[
          { value: 'most', text: 'As much as the terms allow' },
          { value: 'amount', text: 'An amount' },
          { value: 'percent', text: 'A per cent of the net price' },
        ]}
      />
      <Field {...form.of('partValue')} label="Amount or per cent" inputMode="decimal" />
    </fieldset>
  )
}
