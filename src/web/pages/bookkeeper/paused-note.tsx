/** Whoever paused what goes to this book is told on its pages: the book's own pause, and that of the whole network. */
import { openConnectionOf } from '../../../books/connection.ts'
import { type Pause, pauseOf, sendingPauseOf } from '../../../books/pause.ts'
import type { Tx } from '../../../kit/db.ts'
import type { AtMember } from '../../api/place.ts'
import { When } from '../../parts.tsx'
import { pathOf } from '../member/member-frame.tsx'
import { type Here, namesOf } from '../whereabouts.ts'

export type Pauses = { book: Pause | null; network: Pause | null }
type NameOf = (actor: string | null) => string

/** Runs as the worker: names of people are nobody else's to read. */
export async function pausesOver(tx: Tx, here: AtMember): Promise<{ pauses: Pauses; nameOf: NameOf }> {
  const connection = await openConnectionOf(tx, here.member.organisationId)
  const pauses = {
    book: connection && pauseOf(connection),
    network: await sendingPauseOf(tx, here.networkId),
  }
  return { pauses, nameOf: await namesOf(tx, [pauses.book?.by ?? null, pauses.network?.by ?? null]) }
}

export function PausedNote({ here, pauses, nameOf }: { here: Here<AtMember>; pauses: Pauses; nameOf: NameOf }) {
  const zone = here.network.timeZone
  return (
    <>
      {pauses.network && (
        <p class="warn">
          Nothing of {here.network.name} leaves for any book.{' '}
          <Told pause={pauses.network} zone={zone} nameOf={nameOf} /> Trades and promises go on; what is promised waits,
          and nothing is lost.
        </p>
      )}
      {pauses.book && (
        <p class="warn">
          This book is paused. <Told pause={pauses.book} zone={zone} nameOf={nameOf} /> What is promised waits, and
          nothing is lost. <a href={`${pathOf(here)}/connection`}>Let it go on</a>
        </p>
      )}
    </>
  )
}

/** By whom, when and why. */
function Told({ pause, zone, nameOf }: { pause: Pause; zone: string; nameOf: NameOf }) {
  return (
    <>
      Paused by {nameOf(pause.by) || 'somebody unknown'}
      {pause.at && (
        <>
          , <When at={pause.at} zone={zone} />
        </>
      )}
      : {pause.reason ?? 'no reason was given'}.
    </>
  )
}
