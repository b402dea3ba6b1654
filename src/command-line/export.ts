/** A ledger, or one member's account, written to a file or to standard output. */
import { open, rename, rm } from 'node:fs/promises'
import type { Day } from '../kit/clock.ts'
import { asWorker } from '../kit/db.ts'
import { codeOf } from '../kit/system.ts'
import { type ExportFormat, exportLedger, formatNames, type Sink } from '../ledger/export/export-ledger.ts'
import { memberNamed, networkNamed } from './find.ts'
import { inWork, withHouse } from './house.ts'
import { type Answer, type Asking, BadUse, mustHave, type Options, textOf } from './terminal.ts'

export async function exportNow(
  asking: Asking,
  options: Options,
  { from, to }: { from: Day | null; to: Day | null },
): Promise<Answer> {
  const format = formatNames.find((one) => one === mustHave(options, 'format'))
  if (!format)
    throw new BadUse(`There is no format "${textOf(options, 'format')}"; there are ${formatNames.join(', ')}.`)
  if (from && to && to < from) throw new BadUse('The period ends before it begins.')
  const out = textOf(options, 'out')
  if (asking.json && out === undefined) throw new BadUse('--json tells about the file: name one with --out.')
  return withHouse(asking, async (deps) => {
    const { network, accountId } = await inWork(deps, async (tx) => {
      const network = await networkNamed(tx, options)
      const name = textOf(options, 'member')
      return { network, accountId: name === undefined ? null : (await memberNamed(tx, network, name)).accountId }
    })
    const made = (sink: Sink) =>
      exportLedger(deps.db, asWorker, { networkId: network.id, accountId, from, to, format }, sink)
    if (out === undefined) return { json: null, text: await toTerminal(asking, made) }
    const { transfers, last } = await toFile(out, made)
    const json = { network: network.slug, format: format satisfies ExportFormat, file: out, from, to, transfers, last }
    return { json, text: `${out}: ${transfers} transfers, up to ${last.number} ${last.hash}` }
  })
}

/** The last piece is the command's answer, and so is not printed when something failed before it. */
async function toTerminal(asking: Asking, made: (sink: Sink) => Promise<unknown>): Promise<string> {
  let last: string | null = null
  await made(async (lines) => {
    if (last !== null) {
      asking.out(withoutEnd(last))
      await asking.drained?.()
    }
    last = lines
  })
  return withoutEnd(last ?? '')
}

const withoutEnd = (lines: string) => lines.replace(/\n$/, '')

/** Under its name only when it is whole. */
async function toFile<Told>(path: string, made: (sink: Sink) => Promise<Told>): Promise<Told> {
  const half = `${path}.half`
  const file = await open(half, 'w').catch((error: unknown) => {
    throw new BadUse(`${path} cannot be written (${codeOf(error) ?? 'unknown'}).`)
  })
  try {
    const told = await made(async (lines) => void (await file.writeFile(lines)))
    await file.sync()
    await rename(half, path)
    return told
  } catch (error) {
    await rm(half, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
