/** Small parts that many pages share: trouble at the top, amounts, badges, days, fields. */
import type { ComponentChildren } from 'preact'
import { showAmount } from '../kit/money.ts'
import type { Visit } from './page.ts'

export function Trouble({ visit }: { visit: Pick<Visit, 'trouble'> }) {
  if (!visit.trouble) return null
  return (
    <div class="alert" role="alert">
      <p>{visit.trouble.says}</p>
      <p>{visit.trouble.fix}</p>
      {visit.trouble.errors.length > 0 && (
        <ul>
          {visit.trouble.errors.map((one) => (
            <li key={one.pointer}>
              <strong>{one.pointer.replace(/^\//, '')}</strong>: {one.detail}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

export type Unit = { currency: string; scale: number }

export function Amount({ minor, unit }: { minor: bigint; unit: Unit }) {
  return <span>{showAmount(minor, unit.currency, unit.scale)}</span>
}

export type Tone = 'good' | 'wait' | 'warn' | 'bad' | 'calm'
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={tone === 'calm' ? 'badge' : `badge ${tone}`}>{children}</span>
}

/** An instant as people here read it, in the network's zone. */
export function When({ at, zone = 'Europe/London' }: { at: Date; zone?: string }) {
  const text = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: zone }).format(at)
  return <time datetime={at.toISOString()}>{text}</time>
}

export function dayWords(day: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' }).format(
    Date.parse(`${day}T00:00:00Z`),
  )
}

/** A day that stands by itself; in a sentence, dayWords serves. */
export function OnDay({ day }: { day: string }) {
  return <time datetime={day}>{dayWords(day)}</time>
}

type Way = { href: string; text: string; isHere?: boolean }

/** The way to the pages that belong together. */
export function Ways({ label, ways }: { label: string; ways: Way[] }) {
  return (
    <nav aria-label={label} class="crumbs">
      <ul class="links">
        {ways.map((way) => (
          <li key={way.href}>
            <a href={way.href} aria-current={way.isHere ? 'page' : undefined}>
              {way.text}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** A table that is wider than the page scrolls by itself, by keyboard too. */
export function Table({ caption, children }: { caption: string; children: ComponentChildren }) {
  return (
    // Who has no mouse scrolls it by keys.
    <section class="table" aria-label={caption} tabindex={0}>
      <table>
        <caption>{caption}</caption>
        {children}
      </table>
    </section>
  )
}

/** What is asked, whether it may be left out, and what was wrong with it, above the control itself. */
export function Labelled({
  label,
  hint,
  error,
  required,
  children,
}: {
  label: string
  hint: string | undefined
  error: string | undefined
  required: boolean
  children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control stands among the children
    <label>
      <span>
        {label}
        {required ? '' : <span class="hint"> (may be left out)</span>}
      </span>
      {hint && <span class="hint">{hint}</span>}
      {error && <span class="wrong">{error}</span>}
      {children}
    </label>
  )
}

type FieldProps = {
  name: string
  label: string
  hint?: string | undefined
  value?: string | undefined
  required?: boolean
  type?: 'text' | 'email' | 'date' | 'number'
  autocomplete?: 'name' | 'email' | 'organization'
  pattern?: string
  maxLength?: number
  inputMode?: 'decimal' | 'numeric' | 'email'
  /** What is wrong with what was typed, told at the field. */
  error?: string | undefined
}

export function Field({ name, label, hint, value, error, required = false, type = 'text', ...more }: FieldProps) {
  return (
    <Labelled label={label} hint={hint} error={error} required={required}>
      <input
        name={name}
        value={value ?? ''}
        required={required}
        aria-invalid={error ? 'true' : undefined}
        {...more}
        {...({ type } as { type: 'text' })}
      />
    </Labelled>
  )
}

export type Choice = { value: string; text: string }
export function Choose({
  name,
  label,
  hint,
  value,
  choices,
  required = false,
  error,
}: {
  name: string
  label: string
  hint?: string | undefined
  value?: string | null | undefined
  choices: Choice[]
  required?: boolean
  error?: string | undefined
}) {
  return (
    <Labelled label={label} hint={hint} error={error} required={required}>
      <select name={name} required={required} aria-invalid={error ? 'true' : undefined}>
        {(!required || !value) && <option value="">{required ? 'Choose…' : '–'}</option>}
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value} selected={choice.value === value}>
            {choice.text}
          </option>
        ))}
      </select>
    </Labelled>
  )
}
