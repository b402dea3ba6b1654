/** As much of Postgres' wire protocol as a gate needs: where a message ends, which statements it runs, what it says was done. */
export type Message = { type: string; bytes: Buffer }
export type Reading = { named: Map<string, string> }

/** One letter, four bytes of length, and the rest. */
export function wholeMessages(bytes: Buffer): { messages: Message[]; rest: Buffer } {
  const messages: Message[] = []
  let at = 0
  while (bytes.length - at >= 5) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) break
    messages.push({ type: String.fromCharCode(bytes[at] as number), bytes: bytes.subarray(at, end) })
    at = end
  }
  return { messages, rest: bytes.subarray(at) }
}

/** The texts that this message runs: of a simple query, or of a prepared statement that is bound to its values. */
export function statementsOf({ type, bytes }: Message, { named }: Reading): string[] {
  if (type === 'Q') return [textAt(bytes, 5).text]
  if (type === 'P') {
    const name = textAt(bytes, 5)
    named.set(name.text, textAt(bytes, name.end).text)
  }
  if (type !== 'B') return []
  const portal = textAt(bytes, 5)
  return [named.get(textAt(bytes, portal.end).text) ?? '']
}

/** `UPDATE 1`, `SELECT 0`, … */
export function tagsIn({ type, bytes }: Message): string[] {
  return type === 'C' ? [textAt(bytes, 5).text] : []
}

function textAt(bytes: Buffer, from: number): { text: string; end: number } {
  const end = bytes.indexOf(0, from)
  return { text: bytes.toString('utf8', from, end), end: end + 1 }
}
