/**
 * The stand-ins' own clock: real time plus an offset that the control plane moves; held, it moves only when it is told to.
 *
 * Keeps: every expiry, limit window and time stamp of a stand-in follows this clock and nothing else.
 */
export class StandInClock {
  #offsetMs = 0
  #heldAt: number | undefined

  now(): Date {
    return new Date(this.#heldAt ?? Date.now() + this.#offsetMs)
  }

  advance(ms: number): void {
    if (this.#heldAt === undefined) this.#offsetMs += ms
    else this.#heldAt += ms
  }

  set(iso: string): void {
    const wanted = Date.parse(iso)
    if (Number.isNaN(wanted)) throw new RangeError(`not an instant: ${iso}`)
    if (this.#heldAt === undefined) this.#offsetMs = wanted - Date.now()
    else this.#heldAt = wanted
  }

  /** Time stands still until it is advanced or set: whoever measures owns it. */
  hold(): void {
    this.#heldAt = this.now().getTime()
  }

  /** Runs on from where it stands. */
  release(): void {
    if (this.#heldAt !== undefined) this.#offsetMs = this.#heldAt - Date.now()
    this.#heldAt = undefined
  }

  reset(): void {
    this.#offsetMs = 0
    this.#heldAt = undefined
  }

  get offsetMs(): number {
    return this.#heldAt === undefined ? this.#offsetMs : this.#heldAt - Date.now()
  }
}
