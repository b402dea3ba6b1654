/**
 * Goes through a vendor's consent page as a person would: reads the form, chooses, presses a button, follows the way back.
 */
export type ConsentChoice = {
  press: RegExp /** Words beside the book to choose; every other box is left empty. */
  book: string
}

const mostPages = 5

/** The address the browser would be sent to at the end, at `redirectUri`. */
export async function throughConsentPage(
  consentUrl: string,
  redirectUri: string,
  choice: ConsentChoice,
): Promise<string> {
  let answer = await fetch(consentUrl, { redirect: 'manual' })
  let at = consentUrl
  for (let page = 0; page < mostPages; page++) {
    const location = answer.headers.get('location')
    if (location) {
      at = new URL(location, at).href
      if (at.startsWith(redirectUri)) return at
      answer = await fetch(at, { redirect: 'manual' })
      continue
    }
    const html = await answer.text()
    const form = formIn(html, choice)
    if (answer.status !== 200 || !form) throw new Error(`the consent page says ${answer.status}: ${wordsOf(html)}`)
    at = new URL(form.action, at).href
    answer = await fetch(at, {
      method: 'POST',
      body: form.fields,
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin', origin: new URL(at).origin },
    })
  }
  throw new Error('the consent page leads nowhere')
}

function formIn(html: string, { press, book }: ConsentChoice): { action: string; fields: URLSearchParams } | null {
  for (const [, attributes = '', inside = ''] of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const buttons = [...inside.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)].map(
      ([, attributes = '', text = '']) => {
        return { name: attribute(attributes, 'name'), value: attribute(attributes, 'value') ?? '', text: wordsOf(text) }
      },
    )
    const button = buttons.find((one) => press.test(one.text))
    if (!button) continue
    const fields = new URLSearchParams()
    for (const { name, value } of chosen(inside, book)) fields.append(name, value)
    if (button.name) fields.append(button.name, button.value)
    return { action: attribute(attributes, 'action') ?? '', fields }
  }
  return null
}

/** The hidden fields, and of boxes and circles only the one whose words name the book. */
function chosen(inside: string, book: string): { name: string; value: string }[] {
  return [...inside.matchAll(/<input\b([^>]*)>([^<]*(?:<(?!input|\/form)[^>]*>[^<]*)*)/gi)].flatMap(
    ([, attributes = '', beside = '']) => {
      const name = attribute(attributes, 'name')
      const value = attribute(attributes, 'value') ?? 'on'
      if (!name) return []
      const isChoice = /^(checkbox|radio)$/i.test(attribute(attributes, 'type') ?? '')
      return isChoice && !wordsOf(beside).includes(book) ? [] : [{ name, value }]
    },
  )
}

const attribute = (attributes: string, name: string): string | undefined => {
  const found = new RegExp(`\\b${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(attributes)
  const value = found?.[1] ?? found?.[2] ?? found?.[3]
  return value === undefined ? undefined : plain(value)
}
const plain = (text: string) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
const wordsOf = (html: string) =>
  plain(html.replace(/<[^>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()
