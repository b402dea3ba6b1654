/** What a problem's `type` address tells: the code and where to read on. */
import { isRefusalCode, Refusal } from '../../kit/refusal.ts'
import { page } from '../layout.tsx'
import type { pages } from '../page.ts'

export function problemPage(serve: ReturnType<typeof pages>): void {
  serve.get('/problems/:code', async (visit) => {
    const code = visit.params.code ?? ''
    const known = isRefusalCode(code) ? new Refusal(code, {}) : null
    return page({
      deps: visit.deps,
      title: `Problem: ${code.replaceAll('_', ' ')}`,
      actor: visit.visitor?.actor ?? null,
      children: known ? (
        <>
          <p>A rule of Quits answers with this code (status {known.status}). The answer itself carries the numbers.</p>
          <p>The way out: {known.fix}</p>
        </>
      ) : (
        <p>The answer that named this problem says what was wrong and how to mend it.</p>
      ),
    })
  })
}
