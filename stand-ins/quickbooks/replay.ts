/**
 * Answers kept by requestid: the same id gets the first answer again, and nothing is done twice.
 */
export interface KeptAnswer {
  status: number
  body: unknown
}

const mostKept = 10_000
/** So many survive a restart. */
const mostFiled = 500

export class Replay {
  #answers = new Map<string, KeptAnswer>()

  find(companyId: string, requestId: string): KeptAnswer | undefined {
    return this.#answers.get(`${companyId} ${requestId}`)
  }

  keep(companyId: string, requestId: string, answer: KeptAnswer): void {
    this.#answers.set(`${companyId} ${requestId}`, answer)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > mostKept && oldest !== undefined) this.#answers.delete(oldest)
  }

  forget(): void {
    this.#answers.clear()
  }

  kept(): [string, KeptAnswer][] {
    return [...this.#answers].slice(-mostFiled)
  }

  restore(kept: [string, KeptAnswer][]): void {
    this.#answers = new Map(kept)
  }
}
