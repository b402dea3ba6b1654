/** What is going on, on standard error, with the seconds since the start, so that the answer alone stands on standard output. */

export type Say = (line: string) => void
export type Progress = { say: Say; stop(): void }

const quietForMs = 2_000

/** After two seconds without a word it says that it is still at what it said last. */
export function progress(): Progress {
  const began = performance.now()
  let [last, lastAt] = ['starting', began]
  const write = (line: string) => {
    lastAt = performance.now()
    process.stderr.write(`${((lastAt - began) / 1000).toFixed(1).padStart(5)} s  ${line}\n`)
  }
  const beat = setInterval(() => {
    if (performance.now() - lastAt >= quietForMs) write(`  still at it: ${last}`)
  }, quietForMs / 4)
  beat.unref()
  return {
    say(line) {
      last = line.trim()
      write(line)
    },
    stop: () => clearInterval(beat),
  }
}
