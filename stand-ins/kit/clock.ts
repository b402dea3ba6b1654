/**
 * The stand-ins' own clock: real time plus an offset that the control plane moves.
 *
 * Keeps: every expiry, limit window and time stamp of a stand-in follows this clock and nothing else.
 */
export class StandInClock {
  #offsetMs = 0

  now(): Date {
    return new Date(Date.now() + this.#offsetMs)
  }

  advance(ms: number): void {
    this.#offsetMs += ms
  }

  set(iso: string): void {
    const wanted = Date.parse(iso)
    if (Number.isNaN(wanted)) throw new RangeError(`not an instant: ${iso}`)
    this.#offsetMs = wanted - Date.now()
  }

  reset(): void {
    this.#offsetMs = 0
  }

  get offsetMs(): number {
    return this.#offsetMs
  }
}
