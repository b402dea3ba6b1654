/**
 * One property: whatever is asked, and however the asks are grouped into calls, verdicts, balances, holds and versions are the
 * model's, and every truth of the audit holds. Throws where they part.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { again, aimed, ask, type ClockStep, clock, type LimitStep, limits, rulesOf } from './ledger-steps.ts'
import { accountsIn, accountsSaid, askOf, type Ground, heardFrom, moveClock, pair, setRules } from './model-ground.ts'
import { type Asked, balanceOf, type Heard, judge } from './plain-ledger.ts'

const steps = fc.array(
  fc.oneof(
    { weight: 16, arbitrary: ask },
    { weight: 3, arbitrary: again },
    { weight: 2, arbitrary: limits },
    { weight: 1, arbitrary: clock },
  ),
  { minLength: 10, maxLength: 60 },
)
const callSizes = fc.array(fc.integer({ min: 1, max: 14 }), { minLength: 1, maxLength: 6 })

export function groupedAsks(ground: () => Ground) {
  return fc.asyncProperty(steps, callSizes, async (todo, sizes) => {
    const on = await pair(ground())
    const before: Asked[] = []
    let waiting: { asked: Asked; wanted: Heard }[] = []
    let calls = 0
    const send = async () => {
      if (waiting.length === 0) return
      const verdicts = await on.ledger.together(waiting.map((one) => askOf(on, one.asked)))
      expect(verdicts.map((verdict) => heardFrom(on, verdict))).toEqual(waiting.map((one) => one.wanted))
      waiting = []
      calls += 1
    }
    const change = async (step: LimitStep | ClockStep) => {
      await send()
      if (step.what === 'clock') on.world = await moveClock(ground(), on.world, step.hours)
      else on.world = await setRules(ground(), on, step.name, rulesOf(step, balanceOf(on.world.stood, step.name)))
    }
    for (const step of todo) {
      if (step.what === 'clock' || step.what === 'limits') {
        await change(step)
        continue
      }
      const asked = step.what === 'again' ? before.at(-step.back) : aimed(step, on.world)
      if (!asked) continue
      before.push(asked)
      const { heard, next } = judge(on.world, asked)
      on.world = next
      waiting.push({ asked, wanted: heard.ok ? { ...heard, warnings: [...heard.warnings].sort() } : heard })
      if (waiting.length >= (sizes[calls % sizes.length] as number)) await send()
    }
    await send()
    expect(await accountsIn(on)).toEqual(accountsSaid(on.world))
    expect(await on.ledger.brokenTruths()).toEqual([])
  })
}
