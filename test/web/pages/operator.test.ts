/** The operator's page: a network in one step, from a template or copied, with its first convener. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idText } from '../../../src/kit/ids.ts'
import { type Browser, type PagesWorld, pagesWorld } from './pages-world.ts'

let world: PagesWorld
let olu: Browser
beforeAll(async () => {
  world = await pagesWorld()
  olu = await world.operator()
})
afterAll(() => world.end())

const form = {
  name: 'Tamar Credit',
  slug: 'tamar',
  from: 'template:uk-monthly',
  runBy: 'new',
  organisationName: 'Tamar Trading CIC',
  legalForm: 'cic',
  registrationNumber: '07654321',
  convenerEmail: 'cora@tamar.example',
  convenerName: 'Cora',
}

test('a stranger is asked to sign in, and nobody but an operator sees that the page exists', async () => {
  expect((await world.stranger.get('/networks/new')).status).toBe(401)
  expect((await world.asha.get('/networks/new')).status).toBe(404)
  expect((await world.asha.post('/networks/new', form)).status).toBe(404)
})

test('a network is made from a template with its convener, and its page opens', async () => {
  const made = await olu.send('/networks/new', form)
  expect(made.text).toContain('Tamar Credit is made')
  const found = await world.app.worker(async (tx) => {
    const network = await tx.network.findUniqueOrThrow({ where: { slug: 'tamar' } })
    const terms = await tx.networkTerms.findFirstOrThrow({ where: { networkId: network.id } })
    const serves = await tx.serves.findMany({ where: { networkId: network.id } })
    return { mode: terms.settlementMode, roles: serves.map((one) => one.role) }
  })
  expect(found).toEqual({ mode: 'periods', roles: ['convener'] })
})

test('a copy takes the terms of the network that works, and its legal person if that runs both', async () => {
  const { valley } = world
  const made = await olu.send('/networks/new', {
    ...form,
    slug: 'calder-two',
    from: `copy:${idText('network', valley.id)}`,
    runBy: idText('organisation', valley.organisationId),
  })
  expect(made.status).toBe(200)
  const two = await world.app.worker((tx) => tx.network.findUniqueOrThrow({ where: { slug: 'calder-two' } }))
  expect(two.organisationId).toBe(valley.organisationId)
})

test('a taken short name is refused in words, and what was typed stays', async () => {
  const again = await olu.post('/networks/new', { ...form, slug: 'valley' })
  expect(again.status).toBe(409)
  expect(again.text).toContain('The short name "valley" is taken.')
  expect(again.html).toContain('value="Tamar Trading CIC"')
  expect(again.html).toContain('<option value="template:uk-monthly" selected>')
})

test('what is not well formed is told at its field', async () => {
  const wrong = await olu.post('/networks/new', { ...form, slug: 'No Spaces', convenerEmail: 'nobody' })
  expect(wrong.status).toBe(400)
  expect(wrong.text).toContain('2 fields need mending')
  expect(wrong.html).toMatch(/class="wrong">The short name has 2 to 41/)
  expect(wrong.html).toMatch(/name="slug"[^>]*aria-invalid="true"/)
})
