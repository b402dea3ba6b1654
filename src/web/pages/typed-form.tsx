/**
 * Forms as people type them: amounts with commas, per cents, left-out fields; what was wrong is told at its field, and
 * nothing typed is lost.
 *
 * A page may hold several forms; what was typed belongs to the one whose address it was sent to.
 */
import type { ComponentChildren } from 'preact'
import { z } from 'zod'
import { largestAmountMinor, parseAmount } from '../../kit/money.ts'
import { words } from '../api/shapes.ts'
import type { Visit } from '../page.ts'
import { Labelled } from '../parts.tsx'

export type FormAt = {
  action: string
  /** Was it this form that was refused? */
  refused: boolean
  /** The value and the trouble of one field; `otherwise` stands there before anything was typed. */
  of(name: string, otherwise?: string): { name: string; value: string; error: string | undefined }
}

export function formAt(visit: Visit, action: string): FormAt {
  const isThis = visit.ask.method === 'POST' && visit.ask.path === action
  return {
    action,
    refused: isThis && visit.trouble !== null,
    of: (name, otherwise = '') => ({
      name,
      value: isThis ? (visit.typed[name] ?? '') : otherwise,
      error: isThis ? visit.trouble?.errors.find((one) => one.pointer === `/${name}`)?.detail : undefined,
    }),
  }
}

/** At the top of a page that is shown again: the rule's words, or that fields below are to be mended. */
export function Refused({ visit }: { visit: Pick<Visit, 'trouble'> }) {
  const { trouble } = visit
  if (!trouble) return null
  return (
    <div class="alert" role="alert">
      {trouble.errors.length === 0 ? (
        <>
          <p>{trouble.says}</p>
          <p>{trouble.fix}</p>
        </>
      ) : (
        <>
          <p>
            {trouble.errors.length === 1
              ? 'One field needs mending; nothing was done.'
              : `${trouble.errors.length} fields need mending; nothing was done.`}
          </p>
          <ul>
            {[...new Set(trouble.errors.map((one) => one.detail))].map((detail) => (
              <li key={detail}>{detail}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}

/** A form that does one thing, with one button. */
export function Form({
  form,
  button,
  tone = 'first',
  children,
}: {
  form: FormAt
  button: string
  tone?: 'first' | 'second' | 'danger'
  children?: ComponentChildren
}) {
  return (
    <form method="post" action={form.action} class="stack">
      {children}
      <div class="buttons">
        <button type="submit" class={tone === 'first' ? undefined : tone}>
          {button}
        </button>
      </div>
    </form>
  )
}

export function LongField({
  name,
  label,
  hint,
  value,
  error,
  required = false,
  rows = 3,
  maxLength,
}: {
  name: string
  label: string
  hint?: string
  value?: string
  error?: string | undefined
  required?: boolean
  rows?: number
  maxLength?: number
}) {
  return (
    <Labelled label={label} hint={hint} error={error} required={required}>
      <textarea
        name={name}
        rows={rows}
        required={required}
        maxLength={maxLength}
        aria-invalid={error ? 'true' : undefined}
      >
        {value ?? ''}
      </textarea>
    </Labelled>
  )
}

/** '' is a field left out. */
export const maybe = <T extends z.ZodType>(shape: T) =>
  z.preprocess((typed) => (typeof typed === 'string' && typed.trim() === '' ? undefined : typed), shape.optional())
export const maybeWords = (most: number) => maybe(words(most))

/** '1,000.00' and '1000' alike; commas only where thousands have them. Null when it is no amount. */
function amountTyped(text: string, scale: number): bigint | null {
  const plain = text.trim()
  if (!/^(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/.test(plain)) return null
  return parseAmount(plain.replaceAll(',', ''), scale)
}

/** An amount from `least` up to what the ledger takes. Left out where that is allowed: undefined. */
export function amountShape(scale: number, least: 0n | 1n = 0n) {
  return z
    .string()
    .trim()
    .transform((text, context) => {
      const minor = amountTyped(text, scale)
      const wrong =
        minor === null
          ? `"${text.slice(0, 30)}" is no amount: write it as ${scale === 0 ? '1,000' : `1,000.${'0'.repeat(scale)}`}.`
          : minor < least
            ? 'The amount must be above zero.'
            : minor > largestAmountMinor
              ? 'This is more than the ledger takes at once.'
              : null
      if (wrong === null && minor !== null) return minor
      context.addIssue({ code: 'custom', message: wrong ?? '' })
      return z.NEVER
    })
}

/** '12.5' → 1250: hundredths of a per cent, from `least` to 100 %. */
export function percentShape(least = 1) {
  return z
    .string()
    .trim()
    .transform((text, context) => {
      const basisPoints = parseAmount(text.replace(/\s*%$/, ''), 2)
      if (basisPoints !== null && basisPoints >= BigInt(least) && basisPoints <= 10_000n) return Number(basisPoints)
      context.addIssue({ code: 'custom', message: `"${text.slice(0, 30)}" is no per cent from 0.01 to 100.` })
      return z.NEVER
    })
}

/** 1250 → '12.5'. */
export function percentText(basisPoints: number): string {
  return (basisPoints / 100).toString()
}

export const reasonShape = words(400)
