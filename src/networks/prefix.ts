/** The letters before the numbers of a member's invoices: taken from its name, one of a kind in its network. */
import type { Tx } from '../kit/db.ts'
import type { Uuid } from '../kit/ids.ts'
import { Refusal } from '../kit/refusal.ts'

const longest = 8
/** Words that say the legal form or nothing; not what people call it. */
const dull = new Set(['the', 'and', 'of', 'ltd', 'limited', 'llp', 'plc', 'cic', 'cio', 'co', 'company', 'uk'])

/** 'Hebden Bakery Ltd' → 'HB'; 'Millworks' → 'MILL'. */
export function prefixFrom(name: string): string {
  const words = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter((word) => word !== '' && !dull.has(word.toLowerCase()))
  const letters =
    words.length >= 2
      ? words
          .map((word) => word[0])
          .join('')
          .slice(0, 4)
      : (words[0] ?? '').slice(0, 4)
  return letters.length >= 2 ? letters : `${letters}INV`
}

/**
 * The first free one: HB, HB2, HB3… None that the same organisation has in another network: its invoices stand in one book,
 * and two runs under one prefix would give a number twice.
 */
export async function freePrefix(
  tx: Tx,
  networkId: Uuid,
  { id, name }: { id: Uuid; name: string },
  wanted?: string | null,
): Promise<string> {
  // The network's row is the lock, so that two members made at once do not get the same one.
  await tx.$queryRaw`select id from network where id = ${networkId}::uuid for update`
  const rows = await tx.member.findMany({
    where: { OR: [{ networkId }, { organisationId: id }] },
    select: { invoicePrefix: true },
  })
  const taken = new Set(rows.map((row) => row.invoicePrefix))
  if (wanted) {
    const prefix = wanted.trim().toUpperCase()
    if (!/^[A-Z0-9]{2,8}$/.test(prefix) || taken.has(prefix)) throw new Refusal('prefix_taken', { prefix })
    return prefix
  }
  const base = prefixFrom(name)
  for (let number = 1; ; number += 1) {
    const end = number === 1 ? '' : String(number)
    const prefix = base.slice(0, longest - end.length) + end
    if (!taken.has(prefix)) return prefix
  }
}
