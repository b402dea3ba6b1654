import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PagesWorld, pagesWorld } from './pages-world.ts'

let world: PagesWorld
beforeAll(async () => {
  world = await pagesWorld()
})
afterAll(() => world.end())

const path = '/networks/valley/import'
const head = 'day,seller,buyer,amount'

test('a convener tries a pasted file, mends it, and brings it in', async () => {
  const { asha } = world
  expect((await asha.get('/networks/valley')).html).toContain(`href="${path}"`)
  expect((await asha.get(path)).text).toContain('Members first, then trades')
  const form = (amount: string) => ({
    what: 'trades',
    fileName: 'past.csv',
    text: `${head}\r\n2020-01-01,Mill,Bakery,10\r\n2020-01-02,Mill,Bakery,${amount}\r\n`,
  })
  const refused = await asha.post(path, form('1,50'))
  expect(refused.status).toBe(200)
  expect(refused.text).toContain('This line has 5 fields')
  expect(refused.html).not.toContain(`action="${path}/now"`)
  expect(refused.html).toContain('2020-01-01,Mill,Bakery,10')

  const limits = await asha.post(path, form('2000'))
  expect(limits.text).toContain('1 refused')
  expect(limits.text).toContain('−£2,010.00')

  const tried = await asha.post(path, form('1.50'))
  expect(tried.text).toContain('2 rows: 2 would be made, 0 stood already, £11.50 in all')
  expect(tried.text).toContain('Mill £11.50')
  expect(tried.html).toContain('Bring in 2 trades')
  const hidden = /name="text" value="([^"]*)"/.exec(tried.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  expect(hidden).toBe(form('1.50').text)

  const done = await asha.send(`${path}/now`, { ...form('1.50'), text: hidden })
  expect(done.text).toContain('2 trades brought in.')
  expect(done.text).toContain('past.csv trades 2 no Asha')
  expect((await asha.post(path, form('1.50'))).text).toContain('0 would be made, 2 stood already')
})

test('a run that stops says where, and nothing is lost of what was pasted', async () => {
  const { asha } = world
  const text = `${head}\n2020-02-01,Mill,Bakery,1\n2020-02-02,Mill,Nobody,1\n`
  const stopped = await asha.post(`${path}/now`, { what: 'trades', fileName: 'b.csv', text })
  expect(stopped.text).toContain('It stopped before line 3')
  expect(stopped.html).toContain('2020-02-02,Mill,Nobody,1')
})

test('a field left out is told at its field, and nobody but a convener comes here', async () => {
  const { asha, mill, stranger } = world
  const empty = await asha.post(path, { what: 'trades', fileName: '', text: '' })
  expect(empty.status).toBe(400)
  expect(empty.text).toContain('Paste the file’s text here.')
  expect((await mill.owner.get(path)).status).toBeGreaterThanOrEqual(403)
  expect((await mill.owner.post(path, { what: 'trades', fileName: 'a', text: head })).status).toBeGreaterThanOrEqual(
    403,
  )
  expect((await stranger.get(path)).status).toBe(401)
})

test('a file longer than other forms is taken', async () => {
  const rows = Array.from({ length: 6000 }, () => '2020-03-01,Mill,Bakery,x').join('\n')
  const tried = await world.asha.post(path, { what: 'trades', fileName: 'long.csv', text: `${head}\n${rows}\n` })
  expect(tried.text).toContain('The first 100 of 6000 refused lines')
})
