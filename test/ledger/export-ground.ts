/** A ledger with everything in it that an export can meet, and the two programs that read journals. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { asWorker, type Db } from '../../src/kit/db.ts'
import { idOfCause } from '../../src/kit/ids.ts'
import { formatAmount } from '../../src/kit/money.ts'
import { networkAccountId } from '../../src/ledger/account.ts'
import { type ExportAsk, exportLedger } from '../../src/ledger/export/export-ledger.ts'
import { holdTransfer, postHold, releaseHold } from '../../src/ledger/hold.ts'
import { type SmallLedger, smallLedger } from './small-ledger.ts'

export const hostileNames: Record<string, string> = {
  ada: 'Ada\'s Café & "Söhne"; \\end',
  mill: '=1+1',
  farm: '北京烤鸭店',
  forge: 'Evil\n2026-01-01 * "x"\n  Assets:Members:X  5.00 GBP\n; ',
  barn: ' (virtual)  two blanks: colon\t; comment {x} @ 5 [y]',
  twin: '北京烤鸭店',
  // Nobody trades with it.
  idle: '\u202eRight to left, -5',
}

export type Unit = { currency: string; scale: number }

/** Sales, a fee, a reversal, a write-off, holds placed, posted in part and released, over three months. */
export async function richLedger(db: Db, unit: Unit = { currency: 'GBP', scale: 2 }) {
  const ledger = await smallLedger(db, Object.fromEntries(Object.keys(hostileNames).map((name) => [name, {}])))
  await db.pool.query('update network set currency = $2, scale = $3, name = $4 where id = $1', [
    ...[ledger.networkId, unit.currency, unit.scale],
    'Café "Network"\n; comment',
  ])
  for (const [place, [name, words]] of Object.entries(hostileNames).entries()) {
    const memberId = idOfCause('member', ledger.networkId, name)
    const organisationId = idOfCause('organisation', ledger.networkId, name)
    await db.pool.query(
      `insert into organisation (id, name, legal_form, created_at) values ($1, $2, 'company', now())`,
      [organisationId, words],
    )
    await db.pool.query(
      `insert into member (network_id, id, organisation_id, account_id, standing, invoice_prefix, invited_at)
       values ($1, $2, $3, $4, 'admitted', $5, now())`,
      [ledger.networkId, memberId, organisationId, ledger.account(name), `AB${place}`],
    )
  }
  const on = (bookedOn: string) => ({ bookedOn })
  await ledger.sale('first', 'ada', 'mill', 12_345n, {}, on('2026-01-05'))
  await ledger.post(
    ledger.posting(
      'with fee',
      [ledger.transfer('second', 'mill', 'farm', 1n), { ...ledger.transfer('fee', 'farm', 'fees', 7n), kind: 'fee' }],
      on('2026-01-31'),
    ),
  )
  const second = ledger.transfer('second', 'mill', 'farm', 1n)
  await ledger.sale(
    'back',
    'farm',
    'mill',
    1n,
    { kind: 'reversal', reversesId: second.id, causeId: second.causeId },
    on('2026-02-01'),
  )
  const holdOf = (name: string, amountMinor: bigint) => {
    const { id, debit, credit, causeKind, causeId } = ledger.transfer(name, 'forge', 'barn', amountMinor)
    return { id, debit, credit, causeKind, causeId, amountMinor }
  }
  const until = { expiresAt: new Date('2026-04-01T00:00:00.123Z'), promised: true }
  const posted = holdOf('posted', 5_000n)
  const released = holdOf('released', 6_000n)
  const step = (name: string, transfer: Parameters<SmallLedger['posting']>[1][0], day: string) =>
    ledger.post(ledger.posting(name, [transfer], on(day)))
  await step('hold 1', holdTransfer(posted, until), '2026-02-10')
  await step('hold 2', holdTransfer(released, { expiresAt: null, promised: false }), '2026-02-10')
  await step('post 1', postHold(posted, 4_999n), '2026-02-11')
  await step('release 2', releaseHold(released), '2026-02-12')
  const reserve = networkAccountId(ledger.networkId, 'write_off_reserve')
  await step(
    'write off',
    {
      ...ledger.transfer('write off', 'ada', 'ada', 345n),
      ...{ kind: 'write_off', debit: reserve, credit: ledger.account('ada'), causeKind: 'member' },
    },
    '2026-02-12',
  )
  await ledger.sale('last', 'barn', 'twin', 100_000n, {}, on('2026-03-01'))
  return { ...ledger, unit }
}

export async function exported(
  ledger: Pick<SmallLedger, 'db' | 'networkId'>,
  ask: Pick<ExportAsk, 'format'> & Partial<ExportAsk>,
  pageSize?: number,
): Promise<string> {
  const pieces: string[] = []
  const whole = { networkId: ledger.networkId, accountId: null, from: null, to: null, ...ask }
  const sink = async (lines: string) => void pieces.push(lines)
  await exportLedger(ledger.db, asWorker, whole, sink, pageSize)
  return pieces.join('')
}

/** Balances as the ledger's own rows have them at the end of a day; those of nought are left out. */
export async function balancesOf(
  ledger: SmallLedger & { unit: Unit },
  to = '9999-12-31',
): Promise<Record<string, string>> {
  const { rows } = await ledger.db.pool.query(
    `select account_id as id, sum(amount_minor)::text as minor from entry where network_id = $1 and booked_on <= $2
      group by account_id having sum(amount_minor) <> 0`,
    [ledger.networkId, to],
  )
  return Object.fromEntries(rows.map((row) => [row.id, formatAmount(BigInt(row.minor), ledger.unit.scale)]))
}

const asked = promisify(execFile)

/** Gives a program a file; its words, or an error with what it said. */
export async function read(program: string, text: string, args: (path: string) => string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'quits-export-'))
  try {
    const path = join(folder, 'ledger.txt')
    writeFileSync(path, text)
    const { stdout } = await asked(program, args(path), {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
      maxBuffer: 2 ** 26,
    })
    return stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
