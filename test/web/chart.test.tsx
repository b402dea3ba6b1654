import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import { Chart, type ChartLine } from '../../src/web/chart.tsx'

const unit = { currency: 'GBP', scale: 2 }

function drawn(figures: bigint[], lines: ChartLine[] = [], shape: 'steps' | 'bars' = 'steps'): string {
  const points = figures.map((minor, place) => ({ from: `2026-03-0${place + 1}`, to: `2026-03-0${place + 1}`, minor }))
  return renderToString(<Chart id="c" title="Balance" points={points} unit={unit} lines={lines} shape={shape} />)
}

test('the picture says its figures in a sentence and in a table, and needs no script', () => {
  const html = drawn([1000n, -500n, 250n])
  expect(html).toContain('Highest £10.00 on 1 Mar 2026, lowest −£5.00 on 2 Mar 2026, last £2.50 on 3 Mar 2026.')
  expect(html.match(/<tr/g)).toHaveLength(4)
  expect(html).toMatch(/role="img" aria-labelledby="c-title c-says"/)
  expect(html).not.toMatch(/<script|style=/)
})

test('each figure stands at its height for the whole of its step', () => {
  // 260 high with 6 kept free above and below: the highest at 6, the lowest at 254, zero at a third from below.
  expect(drawn([1000n, -500n])).toContain('d="M0 6H500V254H1000"')
  expect(drawn([1000n, -500n])).toMatch(/class="zero" x1="0" x2="1000" y1="171.3" y2="171.3"/)
})

test('bars stand on zero, those below it hang', () => {
  const html = drawn([1000n, -500n], [], 'bars')
  expect(html).toMatch(/y="6" height="165.3/)
  expect(html).toMatch(/y="171.3" height="82.7/)
})

test('nothing but zeros is a line in the middle', () => {
  expect(drawn([0n, 0n])).toContain('d="M0 130H500V130H1000"')
})

test('a limit that is near is drawn, one that would flatten everything is only named', () => {
  const html = drawn(
    [1000n, 500n],
    [
      { name: 'credit limit', minor: -4000n },
      { name: 'exposure limit', minor: 4001n },
    ],
  )
  expect(html.match(/class="limit"/g)).toHaveLength(1)
  expect(html).toContain('Dashed: credit limit −£40.00.')
  expect(html).toContain('Far outside the picture: exposure limit £40.01.')
})

test('a period without steps has no picture', () => {
  expect(drawn([])).toContain('There is nothing to draw in this period.')
})

test('amounts beyond what a number holds are drawn where they belong', () => {
  expect(drawn([9_007_199_254_740_993n, 0n])).toContain('d="M0 6H500V254H1000"')
})
