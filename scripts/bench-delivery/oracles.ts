/** What must hold after a long run, asked of every pair of books: a line for each thing that is not as it must be. */
import { brokenOracles } from '../simulate/oracles.ts'
import type { Scene } from './scene.ts'

export async function brokenIn(scene: Scene): Promise<string[]> {
  const firms = scene.pairs.flatMap(({ seller, buyer }) => [seller, buyer])
  const books = firms.flatMap(({ bookId, organisationId }) => (bookId ? [{ name: bookId, organisationId }] : []))
  const broken = await brokenOracles({ deps: scene.deps(), networkId: scene.networkId, books })
  return broken.map(({ oracle, says }) => `${oracle} ${says}`)
}
