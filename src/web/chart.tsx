/**
 * A chart as a picture in the page, without any script, and the same figures in a table below it.
 *
 * Keeps: the lowest and the highest figure of the scale stand beside the picture as text, so that they stay readable on a phone.
 */
import type { Day } from '../kit/clock.ts'
import { showAmount } from '../kit/money.ts'
import { Amount, dayWords, OnDay, Table, type Unit } from './parts.tsx'

export type ChartPoint = { from: Day; to: Day; minor: bigint }
/** A level that is not to be passed, drawn across. */
export type ChartLine = { name: string; minor: bigint }

type Told = {
  /** Unique on its page. */
  id: string
  title: string
  points: ChartPoint[]
  unit: Unit
  lines?: ChartLine[]
  shape?: 'steps' | 'bars'
}

const width = 1000
const height = 260
/** Kept free above and below, so that a line on the edge is seen whole. */
const edge = 6

export function Chart({ id, title, points, unit, lines = [], shape = 'steps' }: Told) {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return <p>There is nothing to draw in this period.</p>
  const figures = points.map((one) => one.minor)
  const { near, far } = parted(lines, figures)
  const levels = [0n, ...figures, ...near.map((one) => one.minor)]
  const scale = { most: levels.reduce(larger), least: levels.reduce(smaller) }
  const amount = (minor: bigint) => showAmount(minor, unit.currency, unit.scale)
  const named = (one: ChartLine) => `${one.name} ${amount(one.minor)}`
  return (
    <figure class="chart">
      <figcaption id={`${id}-title`}>{title}</figcaption>
      <p class="small">{amount(scale.most)}</p>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-labelledby={`${id}-title ${id}-says`}
      >
        <title id={`${id}-says`}>{saysOf(points, amount)}</title>
        {shape === 'bars' ? <Bars points={points} scale={scale} /> : <path class="drawn" d={stepped(points, scale)} />}
        <line class="zero" x1="0" x2={width} y1={placeOf(0n, scale)} y2={placeOf(0n, scale)} />
        {near.map((one) => (
          <line
            key={one.name}
            class="limit"
            x1="0"
            x2={width}
            y1={placeOf(one.minor, scale)}
            y2={placeOf(one.minor, scale)}
          >
            <title>{`${one.name}: ${amount(one.minor)}`}</title>
          </line>
        ))}
      </svg>
      <p class="small">{amount(scale.least)}</p>
      <p class="ends small">
        <OnDay day={first.from} />
        <OnDay day={last.to} />
      </p>
      {near.length > 0 && <p class="small">{`Dashed: ${near.map(named).join(', ')}.`}</p>}
      {far.length > 0 && <p class="small">{`Far outside the picture: ${far.map(named).join(', ')}.`}</p>}
      <details>
        <summary>{`${title}, as a table`}</summary>
        <Table caption={title}>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col" class="amount">
                Amount
              </th>
            </tr>
          </thead>
          <tbody>
            {points.map((one) => (
              <tr key={one.to}>
                <td>
                  <OnDay day={one.from} />
                </td>
                <td>
                  <OnDay day={one.to} />
                </td>
                <td class="amount">
                  <Amount minor={one.minor} unit={unit} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      </details>
    </figure>
  )
}

type Scale = { most: bigint; least: bigint }

/** A level more than this many times as far from zero as any figure would press the figures into a flat line. */
const farTimes = 4n

function parted(lines: ChartLine[], figures: bigint[]): { near: ChartLine[]; far: ChartLine[] } {
  const furthest = figures.map(size).reduce(larger, 0n)
  const isNear = (one: ChartLine) => size(one.minor) <= farTimes * furthest
  return { near: lines.filter(isNear), far: lines.filter((one) => !isNear(one)) }
}

/** The picture in a sentence, for who hears it. */
function saysOf(points: ChartPoint[], amount: (minor: bigint) => string): string {
  const highest = points.reduce((best, one) => (one.minor > best.minor ? one : best))
  const lowest = points.reduce((best, one) => (one.minor < best.minor ? one : best))
  const last = points.at(-1) ?? highest
  const at = (one: ChartPoint) => `${amount(one.minor)} on ${dayWords(one.to)}`
  return `Highest ${at(highest)}, lowest ${at(lowest)}, last ${at(last)}.`
}

/** Each point fills its own slot, so that the balance is seen to stand still between two of them. */
function stepped(points: ChartPoint[], scale: Scale): string {
  const moves = points.map((one, place) => {
    const y = placeOf(one.minor, scale)
    return `${place === 0 ? `M0 ${y}` : `V${y}`}H${slotAt(place + 1, points.length)}`
  })
  return moves.join('')
}

function Bars({ points, scale }: { points: ChartPoint[]; scale: Scale }) {
  const zero = placeOf(0n, scale)
  const gap = width / points.length / 6
  return (
    <>
      {points.map((one, place) => {
        const y = placeOf(one.minor, scale)
        const [left, right] = [slotAt(place, points.length), slotAt(place + 1, points.length)]
        return (
          <rect
            key={one.to}
            class="bar"
            x={(left + gap).toFixed(1)}
            width={(right - left - 2 * gap).toFixed(1)}
            y={Math.min(y, zero)}
            height={Math.abs(zero - y).toFixed(1)}
          />
        )
      })}
    </>
  )
}

function slotAt(place: number, count: number): number {
  return Math.round((place * width * 10) / count) / 10
}

/** How far down; the amounts stay whole until the very last step. */
function placeOf(minor: bigint, { most, least }: Scale): number {
  const span = most - least
  if (span === 0n) return height / 2
  const tenths = ((most - minor) * BigInt((height - 2 * edge) * 10)) / span
  return edge + Number(tenths) / 10
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}
function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}
function size(minor: bigint): bigint {
  return minor < 0n ? -minor : minor
}
