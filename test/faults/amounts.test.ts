/**
 * Amounts at their edges, through the real connectors: refused before anything is written, or exact in both books to the penny.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { parseAmount } from '../../src/kit/money.ts'
import { type Ground, openGround, otherThan, vendors } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
}, 90_000)
afterEach(() => ground.calm())
afterAll(() => ground.end())

const countTrades = async () => (await ground.query<{ count: string }>('select count(*) from trade'))[0]?.count

test.each([
  [0n, 'lines_missing'],
  [-1n, 'lines_missing'],
  [2n ** 53n + 1n, 'amount_too_large'],
  [999_999_999_999n, 'amount_too_large'],
  [10n ** 30n, 'amount_too_large'],
])('fault 61: a net of %s pence is refused, and nothing of it is written', async (netMinor, code) => {
  const before = await countTrades()
  await expect(ground.proposeSale('xero', netMinor)).rejects.toMatchObject({ code })
  expect(await countTrades()).toBe(before)
})

test('fault 61: a third decimal is no amount in a currency of two, and exact in one of three', () => {
  expect(parseAmount('1.234', 2)).toBeNull()
  expect(parseAmount('1.234', 3)).toBe(1_234n)
})

test.each(vendors)(
  'fault 61: tax that ends in fractions of a penny on several lines comes to the ledger’s total in both books, sold from %s',
  async (vendor) => {
    // Lines whose VAT ends in fractions of a penny, one by one and together.
    const odd = (nets: bigint[]) => ground.sellLines(ground.firm(vendor), ground.firm(otherThan(vendor)), nets)
    const trades = [
      await odd([33n, 33n, 34n]),
      await odd([1_001n, 1_002n, 1_003n, 1_004n]),
      await odd([1n, 2n, 3n]),
      await odd([9_999n, 7n, 13n, 18n, 22n]),
    ]
    await ground.deliver()
    await ground.expectOnce(...trades)
    for (const trade of trades) {
      const [row] = await ground.query<{ total: string; vat: string }>(
        'select total_minor as total, vat_minor as vat from trade where id = $1',
        [trade],
      )
      for (const book of vendors) {
        const references = new Set((await ground.deliveries([trade], book)).map((one) => one.reference))
        const papers = (await ground.documents(book)).filter(
          (one) => references.has(one.reference ?? '') && /^(invoice|bill)$/.test(one.kind),
        )
        expect(papers.map((one) => [`${one.totalMinor}`, `${one.vatMinor}`])).toEqual([[row?.total, row?.vat]])
      }
    }
  },
)
