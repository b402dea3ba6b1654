/**
 * A person with a browser, without the browser: opens pages, fills forms, presses buttons, keeps cookies. It sees only what
 * the pages say, so that what it can do, a person can do.
 */

const mostRedirects = 10

export type Form = {
  action: string
  method: string
  fields: Record<string, string>
  buttons: { name: string; value: string; text: string }[]
  html: string
}

export class Visitor {
  #cookies = new Map<string, Map<string, string>>()
  url = ''
  html = ''

  async open(url: string): Promise<void> {
    await this.#go(url, { method: 'GET' })
  }

  /** The form that holds this text or field; throws when the page has none. */
  form(holding: string): Form {
    const found = formsIn(this.html).find((form) => form.html.includes(holding))
    if (!found) throw new Error(`${this.url} has no form with ${holding}`)
    return found
  }

  /** Fills the form in and presses its button. Gives the address of the page that answers. */
  async send(form: Form, filled: Record<string, string>, button?: string): Promise<string> {
    return this.#go(this.#actionOf(form), post(form, filled, button))
  }

  /** The same, but only says where the answer leads: an address of another program. */
  async sendAway(form: Form, filled: Record<string, string>, button?: string): Promise<string> {
    const answer = await this.#ask(this.#actionOf(form), post(form, filled, button))
    const to = answer.headers.get('location')
    if (!to) throw new Error(`${form.action} led nowhere (${answer.status})`)
    return new URL(to, answer.url).href
  }

  #actionOf(form: Form): string {
    return new URL(form.action || this.url, this.url).href
  }

  async #go(url: string, init: RequestInit): Promise<string> {
    let [at, how] = [url, init]
    for (let hops = 0; hops < mostRedirects; hops += 1) {
      const answer = await this.#ask(at, how)
      const to = answer.headers.get('location')
      if (!to) {
        this.url = at
        this.html = await answer.text()
        if (!answer.ok) throw new Error(`${at} answered ${answer.status}: ${plainText(this.html).slice(0, 400)}`)
        return at
      }
      await answer.body?.cancel()
      at = new URL(to, at).href
      how = { method: 'GET' }
    }
    throw new Error(`${url} leads round in circles`)
  }

  async #ask(url: string, init: RequestInit): Promise<Response> {
    const { origin } = new URL(url)
    const jar = this.#cookies.get(origin) ?? new Map<string, string>()
    this.#cookies.set(origin, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(init.headers as Record<string, string>), ...(cookie ? { cookie } : {}) }
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', ...value] = (line.split(';')[0] ?? '').split('=')
      jar.set(name.trim(), value.join('='))
    }
    return answer
  }
}

function post(form: Form, filled: Record<string, string>, button?: string): RequestInit {
  const pressed = button === undefined ? undefined : form.buttons.find((one) => one.text === button)
  if (button !== undefined && !pressed) throw new Error(`${form.action} has no button "${button}"`)
  const sent = { ...form.fields, ...filled, ...(pressed?.name ? { [pressed.name]: pressed.value } : {}) }
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(sent).toString(),
  }
}

function formsIn(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([whole, head = '', inner = '']) => ({
    action: attribute(head, 'action'),
    method: attribute(head, 'method') || 'get',
    fields: fieldsIn(inner),
    buttons: [...inner.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/g)].map(([, of = '', text = '']) => ({
      name: attribute(of, 'name'),
      value: attribute(of, 'value'),
      text: plainText(text),
    })),
    html: whole,
  }))
}

/** The value that a labelled choice (a box or a dot) stands for. */
function choiceLabelled(form: Form, label: string): string {
  for (const [, text = ''] of form.html.matchAll(/<label\b[^>]*>([\s\S]*?)<\/label>/g))
    if (plainText(text).startsWith(label)) return attribute(/<input\b([^>]*)>/.exec(text)?.[1] ?? '', 'value')
  throw new Error(`${form.action} offers no "${label}"`)
}

/** What a page says, without its marks. */
export function plainText(html: string): string {
  return unescaped(html.replace(/<(style|script)\b[\s\S]*?<\/\1>/g, ' ').replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()
}

function fieldsIn(html: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [, of = ''] of html.matchAll(/<input\b([^>]*)>/g)) {
    const [name, type] = [attribute(of, 'name'), attribute(of, 'type') || 'text']
    const isChoice = type === 'checkbox' || type === 'radio'
    if (name && (!isChoice || /\schecked(\s|=|\/|$)/.test(of))) fields[name] = attribute(of, 'value')
  }
  for (const [, of = '', options = ''] of html.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
    const all = [...options.matchAll(/<option\b([^>]*)>/g)].map(([, option = '']) => option)
    const chosen = all.find((option) => /\sselected(\s|=|$)/.test(option)) ?? all[0] ?? ''
    fields[attribute(of, 'name')] = attribute(chosen, 'value')
  }
  for (const [, of = '', text = ''] of html.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g))
    fields[attribute(of, 'name')] = unescaped(text)
  return fields
}

function attribute(of: string, name: string): string {
  return unescaped(new RegExp(`\\s${name}="([^"]*)"`).exec(` ${of}`)?.[1] ?? '')
}

function unescaped(text: string): string {
  const marks: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'", amp: '&' }
  return text.replace(/&(lt|gt|quot|#39|#x27|amp);/g, (_whole, mark: string) => marks[mark] ?? '')
}

/** Says yes on a vendor's consent page for one organisation. Gives the address that the vendor sends the browser to. */
export async function giveConsent(consentUrl: string, organisation: string): Promise<string> {
  const person = new Visitor()
  await person.open(consentUrl)
  const form = person.form('name="decision"')
  const field = form.html.includes('name="company"') ? 'company' : 'organisation'
  const allow = form.buttons.find((one) => one.value === 'allow')
  return person.sendAway(form, { [field]: choiceLabelled(form, organisation) }, allow?.text)
}
