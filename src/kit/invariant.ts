/** What must hold whatever anyone asked. A broken one is our own fault: roll back, stop this task, alarm. */
export class InvariantError extends Error {
  constructor(said: string) {
    super(said)
    this.name = 'InvariantError'
  }
}

export function invariant(holds: unknown, said: string): asserts holds {
  if (!holds) throw new InvariantError(said)
}

export function unreachable(value: never): never {
  throw new InvariantError(`no case for ${JSON.stringify(value)}`)
}
