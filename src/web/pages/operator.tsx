/** The operator makes a network in one step: from a template or copied from one that works, with its first convener. */
import { z } from 'zod'
import { idFromText, idText, type Uuid } from '../../kit/ids.ts'
import { Refusal } from '../../kit/refusal.ts'
import { createNetwork, type Network, networksSeen } from '../../networks/network.ts'
import { templates } from '../../networks/templates.ts'
import { email, words } from '../api/shapes.ts'
import { guard } from '../guard.ts'
import { page } from '../layout.tsx'
import { type pages, saidOf, type Visit } from '../page.ts'
import { Choose, Field } from '../parts.tsx'
import { LegalFormFields, legalFormShape, shownForm } from './legal-form-fields.tsx'
import { Form, formAt, maybe, maybeWords, Refused } from './typed-form.tsx'
import { worker } from './whereabouts.ts'

const path = '/networks/new'

export function operatorPages(serve: ReturnType<typeof pages>): void {
  serve.get(path, show)
  serve.post(path, make, show)
}

const shape = z.object({
  name: words(100),
  slug: z
    .string()
    .trim()
    .regex(
      /^[a-z0-9][a-z0-9-]{1,40}$/,
      'The short name has 2 to 41 small letters, digits and hyphens, and begins with a letter or digit.',
    )
    .refine((slug) => slug !== 'new', 'This short name is taken by this page.'),
  from: z.string().regex(/^(template|copy):/, 'Choose what the network starts from.'),
  runBy: z.string(),
  organisationName: maybeWords(200),
  ...legalFormShape,
  convenerEmail: email,
  convenerName: maybeWords(100),
  timeZone: maybe(words(60)),
})

async function make(visit: Visit) {
  const actor = visit.actor()
  guard(actor, 'make_network', {}, 'page')
  const given = visit.form(shape)
  const network = await worker(visit, (tx) =>
    createNetwork(tx, visit.deps.clock, {
      slug: given.slug,
      name: given.name,
      from: startNamed(given.from),
      timeZone: given.timeZone,
      organisation: runnerNamed(given),
      convener: { email: given.convenerEmail, name: given.convenerName ?? null },
      actor: actor.id,
    }),
  )
  return { goTo: `/networks/${network.slug}`, said: `${network.name} is made. Its convener can sign in.` }
}

function startNamed(from: string): { template: string } | { networkId: Uuid } {
  const [kind, name = ''] = from.split(/:(.*)/)
  if (kind === 'template') return { template: name }
  const networkId = idFromText('network', name)
  if (!networkId) throw new Refusal('not_found', { thing: 'network to copy' })
  return { networkId }
}

function runnerNamed(given: z.output<typeof shape>) {
  const organisationId = idFromText('organisation', given.runBy)
  if (organisationId) return { organisationId }
  const form = shownForm(given)
  if (!form) throw new Refusal('evidence_missing', { wanted: 'the legal form of who runs the network' })
  return { name: given.organisationName ?? given.name, form }
}

async function show(visit: Visit): Promise<string> {
  const actor = visit.actor()
  guard(actor, 'make_network', {}, 'page')
  const { networks, runners } = await worker(visit, async (tx) => {
    const networks = await networksSeen(tx)
    const runners = await tx.organisation.findMany({
      where: { id: { in: networks.map((one) => one.organisationId) } },
      orderBy: { name: 'asc' },
      select: { id: true, name: true },
    })
    return { networks, runners }
  })
  const form = formAt(visit, path)
  return page({
    deps: visit.deps,
    title: 'Make a network',
    actor,
    crumbs: [{ href: '/', text: 'Your places' }],
    said: saidOf(visit),
    children: (
      <>
        <Refused visit={visit} />
        <p>
          A network has one unit, its own terms and its own ledger. Its convener brings the members in; the terms can be
          changed later, in versions.
        </p>
        <Form form={form} button="Make the network">
          <Field {...form.of('name')} label="Name" required maxLength={100} />
          <Field
            {...form.of('slug')}
            label="Short name"
            hint="It stands in addresses: small letters, digits and hyphens, such as calder-valley."
            required
          />
          <Choose {...form.of('from')} label="Starts from" required choices={starts(networks)} />
          <dl class="facts">
            {Object.values(templates).flatMap((template) => [
              <dt key={template.name}>{template.name}</dt>,
              <dd key={template.says}>{template.says}</dd>,
            ])}
          </dl>
          <Field
            {...form.of('timeZone')}
            label="Time zone"
            hint="Decides which day it is in the ledger. Left out: as in the template."
          />
          <Choose
            {...form.of('runBy')}
            label="Run by"
            hint="The legal person that runs the network, and to whom its fees go."
            required
            choices={[
              { value: 'new', text: 'A legal person not known here yet (fill in below)' },
              ...runners.map((one) => ({ value: idText('organisation', one.id), text: one.name })),
            ]}
          />
          <Field
            {...form.of('organisationName')}
            label="Name of the legal person"
            hint="Left out: the same as the network’s."
          />
          <LegalFormFields form={form} />
          <Field {...form.of('convenerEmail')} type="email" label="E-mail of the first convener" required />
          <Field {...form.of('convenerName')} label="Name of the first convener" />
        </Form>
      </>
    ),
  })
}

function starts(networks: Network[]) {
  return [
    ...Object.entries(templates).map(([name, template]) => ({
      value: `template:${name}`,
      text: `Template: ${template.name}`,
    })),
    ...networks.map((one) => ({ value: `copy:${idText('network', one.id)}`, text: `Copy of ${one.name}` })),
  ]
}
