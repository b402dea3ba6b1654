/** The demonstration's mail box: every letter, newest first, with its links. Not served anywhere else. */
import { asWorker, inTransaction } from '../../kit/db.ts'
import { textOf } from '../../networks/mail.ts'
import { page } from '../layout.tsx'
import type { pages } from '../page.ts'
import { When } from '../parts.tsx'

export function demoMailPage(serve: ReturnType<typeof pages>): void {
  serve.get('/demo/mail', async (visit) => {
    const letters = await inTransaction(visit.deps.db, asWorker, (tx) =>
      tx.mail.findMany({ orderBy: [{ madeAt: 'desc' }, { id: 'desc' }], take: 50 }),
    )
    return page({
      deps: visit.deps,
      title: 'Mail box of the demonstration',
      actor: visit.visitor?.actor ?? null,
      children: (
        <>
          {letters.length === 0 && <p>No mail yet.</p>}
          {letters.map((letter) => (
            <article class="card" key={letter.id}>
              <h2>{letter.subject}</h2>
              <p class="small">
                To {letter.recipient}, <When at={letter.madeAt} />
              </p>
              {textOf(visit.deps.seal, letter)
                .split('\n')
                .map((line, place) => {
                  const link = /^(https?:\/\/\S+)$/.exec(line.trim())?.[1]
                  return <p key={place}>{link ? <a href={link}>{link}</a> : line}</p>
                })}
            </article>
          ))}
        </>
      ),
    })
  })
}
