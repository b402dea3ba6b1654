/**
 * A person in a real Chromium. Each new kind of page it comes to is looked at: no fault that axe finds, no sideways scroll at
 * 320 pixels, no word of complaint in the console.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const phone = { width: 320, height: 640 }
const desk = { width: 1200, height: 900 }
/** A page that answers nothing for this long is a fault. */
const patienceMs = 20_000

export type Fault = { page: string; what: string }

/** What all walkers of one test have seen and found. */
export class Journey {
  readonly base: string
  readonly faults: Fault[] = []
  readonly seen = new Set<string>()
  readonly #browser: Browser

  constructor(browser: Browser, base: string) {
    this.#browser = browser
    this.base = base
  }

  async person(settings: { scripts?: boolean; with?: Walker } = {}): Promise<Walker> {
    const storageState = settings.with ? await settings.with.context.storageState() : undefined
    const context = await this.#browser.newContext({
      viewport: desk,
      javaScriptEnabled: settings.scripts ?? true,
      ...(storageState ? { storageState } : {}),
    })
    context.setDefaultTimeout(patienceMs)
    return new Walker(this, context, await context.newPage())
  }
}

export class Walker {
  readonly context: BrowserContext
  readonly page: Page
  readonly #journey: Journey

  constructor(journey: Journey, context: BrowserContext, page: Page) {
    this.#journey = journey
    this.context = context
    this.page = page
    const note = (what: string) => journey.faults.push({ page: page.url(), what })
    page.on('console', (said) => {
      if (said.type() === 'error' || said.type() === 'warning') note(`console: ${said.text()}`)
    })
    page.on('pageerror', (error) => note(`script: ${error.message}`))
    page.on('response', (answer) => {
      if (answer.status() >= 400) note(`${answer.status()} for ${answer.url()}`)
    })
  }

  async open(path: string): Promise<void> {
    await this.page.goto(new URL(path, this.#journey.base).href)
    await this.look()
  }

  async press(button: string): Promise<void> {
    await this.#away(() => this.page.getByRole('button', { name: button, exact: true }).first().click())
  }

  async follow(link: string | RegExp): Promise<void> {
    await this.#away(() => this.page.getByRole('link', { name: link, exact: true }).first().click())
  }

  /** Opens what is folded away under these words. */
  async unfold(summary: string): Promise<void> {
    await this.page.locator('summary').filter({ hasText: summary }).first().click()
  }

  /** Fields by their labels; what is chosen from a list is named by its text. */
  async fill(fields: Record<string, string>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) {
      const field = this.page.locator('main').getByLabel(label).first()
      const kind = await field.evaluate((node) => node.nodeName.toLowerCase())
      if (kind === 'select') await field.selectOption({ label: value })
      else await field.fill(value)
    }
  }

  async check(label: string): Promise<void> {
    await this.page.locator('main').getByLabel(label).first().check()
  }

  async text(): Promise<string> {
    return (await this.page.locator('body').innerText()).replace(/\s+/g, ' ')
  }

  /** Loads the page anew until it says this; the work behind it goes on by itself. */
  async waitFor(words: string | RegExp): Promise<void> {
    const until = performance.now() + patienceMs * 2
    const says = (text: string) => (typeof words === 'string' ? text.includes(words) : words.test(text))
    for (;;) {
      const text = await this.text()
      if (says(text)) return
      if (performance.now() > until) throw new Error(`${this.page.url()} never says ${words}: ${text.slice(0, 600)}`)
      await this.page.reload()
    }
  }

  async #away(step: () => Promise<void>): Promise<void> {
    try {
      await Promise.all([this.page.waitForEvent('load'), step()])
    } catch (error) {
      throw new Error(`stuck on ${this.page.url()}: ${(await this.text()).slice(0, 800)}`, { cause: error })
    }
    await this.look()
  }

  /** Once for each kind of page: its address without ids, and its heading. */
  async look(): Promise<void> {
    const path = new URL(this.page.url()).pathname
      .replace(/\/(mem|trd|net|rec|dis|dlv)_\w+/g, '/:id')
      .replace(/(join|sign-in)\/[\w-]{20,}/, '$1/:token')
    const kind = `${new URL(this.page.url()).port} ${path} ${await this.page.locator('h1').first().innerText()} ${await this.page.locator('form').count()}`
    if (this.#journey.seen.has(kind)) return
    this.#journey.seen.add(kind)
    const note = (what: string) => this.#journey.faults.push({ page: kind, what })
    for (const fault of await this.#accessibilityFaults()) note(fault)
    await this.page.setViewportSize(phone)
    const [wide, seen] = (await this.page.evaluate(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    )) as [number, number]
    if (wide > seen) note(`scrolls sideways: ${wide} pixels wide on a phone of ${seen}`)
    await this.page.setViewportSize(desk)
  }

  async #accessibilityFaults(): Promise<string[]> {
    await this.page.evaluate(axe)
    const found = (await this.page.evaluate(
      'axe.run(document).then((found) => found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html).join(" ").slice(0, 300)))',
    )) as string[]
    return found.map((one) => `axe: ${one}`)
  }
}
