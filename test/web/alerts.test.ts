/** Rules and dashboard ask only for what the service tells, and each alert has its section in the runbook. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openMetrics } from '../../src/kit/metrics.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const rules = read('ops/alerts.yml')
  .split(/^ {6}- alert: /m)
  .slice(1)
  .map((text) => {
    const field = (name: string) =>
      new RegExp(`^ +${name}: (.+)$`, 'm').exec(text)?.[1]?.replace(/^(['"])(.*)\1$/, '$2') ?? ''
    return {
      name: text.split('\n')[0] ?? '',
      ...Object.fromEntries(['expr', 'for', 'severity', 'summary', 'runbook'].map((one) => [one, field(one)])),
    }
  }) as { name: string; expr: string; for: string; severity: string; summary: string; runbook: string }[]
type Panel = { title: string; targets: { expr: string }[] }
const panels = (JSON.parse(read('ops/dashboard.json')) as { panels: Panel[] }).panels

/** Every name in an expression that could be a figure of ours, with the labels it is asked by. */
function asked(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:quits|process)_\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', given = '']) => ({
    name,
    labels: [...given.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label),
  }))
}

async function told(): Promise<Map<string, string[]>> {
  const metrics = openMetrics()
  const names = new Map<string, string[]>()
  for (const { name, type, ...more } of metrics.registry.getMetricsAsArray() as unknown as {
    name: string
    type: string
    labelNames?: string[]
  }[]) {
    const labels = more.labelNames ?? []
    names.set(name, labels)
    if (type === 'histogram')
      for (const end of ['bucket', 'sum', 'count']) names.set(`${name}_${end}`, [...labels, 'le'])
  }
  metrics.close()
  return names
}

test('each figure that a rule or the dashboard asks for is one that /metrics tells, with those labels', async () => {
  const names = await told()
  const all = [
    ...rules.map((rule) => rule.expr),
    ...panels.flatMap((panel) => panel.targets.map((target) => target.expr)),
  ]
  const wrong = all
    .flatMap(asked)
    .filter(({ name, labels }) => labels.some((label) => !names.get(name)?.includes(label)) || !names.has(name))
  expect(wrong).toEqual([])
  expect(all.flatMap(asked).length).toBeGreaterThan(40)
})

test('every figure is on the dashboard, so that none is told to nobody', async () => {
  const shown = new Set(
    panels.flatMap((panel) =>
      panel.targets.flatMap(({ expr }) => asked(expr).map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''))),
    ),
  )
  const bare = [...(await told()).keys()].map((name) => name.replace(/_(bucket|sum|count)$/, ''))
  expect([...new Set(bare)].filter((name) => !shown.has(name))).toEqual([])
})

test('each alert has a section of its own in the runbook, which names it, and each section an alert', () => {
  const runbook = read('docs/RUNBOOK.md')
  const part = runbook.slice(runbook.indexOf('## When an alert fires'), runbook.indexOf('\n## Proving the ledger'))
  const sections = part
    .split(/^### /m)
    .slice(1)
    .map((text) => ({ heading: text.split('\n')[0] ?? '', text }))
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-')
  const bySlug = new Map(sections.map((one) => [`docs/RUNBOOK.md#${slug(one.heading)}`, one]))
  expect(
    rules
      .filter((rule) => !bySlug.get(rule.runbook)?.text.includes(`\`${rule.name}\` (${rule.severity})`))
      .map((rule) => rule.name),
  ).toEqual([])
  expect(sections.length).toBe(rules.length)
})

test('each rule is whole: how long, how urgent, and in words; no two have one name', () => {
  for (const rule of rules) {
    expect(rule.for, rule.name).toMatch(/^\d+[mh]$/)
    expect(['page', 'ticket'], rule.name).toContain(rule.severity)
    expect(rule.summary, rule.name).toMatch(/\.$/)
    const depth = [...rule.expr].reduce((open, letter) => open + (letter === '(' ? 1 : letter === ')' ? -1 : 0), 0)
    expect(depth, rule.name).toBe(0)
  }
  expect(new Set(rules.map((rule) => rule.name)).size).toBe(rules.length)
})
