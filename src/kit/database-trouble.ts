/**
 * What an error of the database says of its cause, whoever brought it: the plain client, or Prisma around it.
 *
 * Keeps: decided by codes, never by words; the one exception is a connection that ends without any.
 */

/** Two transactions stood in each other's way and the database ended this one: all of it may be done again. */
export function isTornApart(error: unknown): boolean {
  return codesIn(error).some((code) => torn.has(code))
}

/** It cannot be reached, is shutting down, is full, takes no writes, or has no connection left: not ours to mend, and it passes. */
export function isDatabaseAway(error: unknown): boolean {
  return codesIn(error).some((code) => away.test(code)) || endedWithoutCode(error)
}

/** Serialization failure, deadlock; and what Prisma calls both. */
const torn = new Set(['40001', '40P01', 'P2034'])
/**
 * 08 connection · 53 disk, memory, connections · 57P server ends sessions · 25006 read-only · 55P03 no lock in time · sockets;
 * P10… cannot be reached, P2024 and P2028 no connection in time.
 */
const away =
  /^(08|53|57P|25006|55P03|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOST|ENET|EAI_|P1001|P1002|P1008|P1017|P2024|P2028)/

function codesIn(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > deepest) return []
  const told = error as Record<string, unknown>
  const own = [told.code, told.originalCode].filter((one): one is string => typeof one === 'string')
  return [...own, ...inside.flatMap((name) => codesIn(told[name], depth + 1))]
}
const inside = ['cause', 'meta', 'driverAdapterError']
const deepest = 6

/** `pg` gives no code to a connection that ended under its feet. */
function endedWithoutCode(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth <= deepest; at = at.cause, depth += 1)
    if (
      /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/.test(
        at.message,
      )
    )
      return true
  return false
}
