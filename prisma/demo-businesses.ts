/** The twelve businesses of the demonstration: invented, of several legal forms, each with its place in the network. */
import type { ShownForm } from '../src/networks/evidence.ts'

export type DemoBusiness = {
  name: string
  email: string
  owner: string
  form: ShownForm
  vat: string | null
  address: string
  /** In pounds and pence; null: the network's usual ones. */
  creditLimit: string | null
  standing: 'admitted' | 'suspended' | 'applied' | 'invited'
  /** What it sells, for the texts of trades. */
  sells: string[]
}

const registered = (legalForm: ShownForm['legalForm'], number: string): ShownForm => ({
  legalForm,
  partners: null,
  evidence: { kind: 'registration_number', number },
})
const stated = (legalForm: ShownForm['legalForm'], text: string, partners: number | null = null): ShownForm => ({
  legalForm,
  partners,
  evidence: { kind: 'statement', text, on: '2025-09-01' },
})

export const timber = 'Mill Lane Timber Ltd'
export const bakery = "Rosa's Bakery Ltd"
export const cafe = 'The Corner Café'

export const demoBusinesses: DemoBusiness[] = [
  {
    name: timber,
    email: 'timber@demo.example',
    owner: 'Tom Miller',
    form: registered('company', '04417001'),
    vat: '384729156',
    address: 'Mill Lane, Lancaster',
    creditLimit: '5000.00',
    standing: 'admitted',
    sells: ['Shelving', 'Oak boards', 'A garden gate'],
  },
  {
    name: bakery,
    email: 'bakery@demo.example',
    owner: 'Rosa Delgado',
    form: registered('company', '05511002'),
    vat: '293847561',
    address: '12 Market Street, Lancaster',
    creditLimit: '5000.00',
    standing: 'admitted',
    sells: ['Bread for the week', 'Catering', 'Wedding cake'],
  },
  {
    name: cafe,
    email: 'cafe@demo.example',
    owner: 'Ines Corner',
    form: stated('partnership', 'Four partners, by the deed of 2019.', 4),
    vat: null,
    address: '3 Penny Street, Lancaster',
    creditLimit: '1500.00',
    standing: 'admitted',
    sells: ['Lunches', 'Room for a meeting'],
  },
  {
    name: 'Harbour Street Books',
    email: 'books@demo.example',
    owner: 'Hana Street',
    form: registered('company', '06622003'),
    vat: null,
    address: '8 Harbour Street, Glasson',
    creditLimit: '1000.00',
    standing: 'admitted',
    sells: ['Cook books', 'School books'],
  },
  {
    name: 'Nell Ashworth Ceramics',
    email: 'ceramics@demo.example',
    owner: 'Nell Ashworth',
    form: stated('sole_trader', 'Nell Ashworth trades alone under her own name.'),
    vat: null,
    address: 'The Old Forge, Caton',
    creditLimit: null,
    standing: 'admitted',
    sells: ['Mugs', 'Plates for the café', 'A glazed sign'],
  },
  {
    name: 'Lune Valley Growers',
    email: 'growers@demo.example',
    owner: 'Greta Lund',
    form: registered('registered_society', 'RS007654'),
    vat: null,
    address: 'Halton Road, Lancaster',
    creditLimit: '2000.00',
    standing: 'admitted',
    sells: ['Vegetables', 'Apples', 'Salad boxes'],
  },
  {
    name: 'Quay Arts CIC',
    email: 'arts@demo.example',
    owner: 'Omar Quay',
    form: registered('cic', '07733005'),
    vat: null,
    address: 'St Georges Quay, Lancaster',
    creditLimit: '800.00',
    standing: 'admitted',
    sells: ['A mural', 'Workshop', 'Posters'],
  },
  {
    name: 'Bright Wash LLP',
    email: 'wash@demo.example',
    owner: 'Bela White',
    form: registered('llp', 'OC301234'),
    vat: '718293645',
    address: 'Unit 4, White Lund',
    creditLimit: '2500.00',
    standing: 'admitted',
    sells: ['Laundry', 'Window cleaning'],
  },
  {
    name: 'Moorside Trust',
    email: 'trust@demo.example',
    owner: 'Mary Moor',
    form: registered('cio', '1123456'),
    vat: null,
    address: 'Moor Lane, Lancaster',
    creditLimit: '600.00',
    standing: 'admitted',
    sells: ['Room hire', 'A training day'],
  },
  {
    name: 'Castle Cycles Ltd',
    email: 'cycles@demo.example',
    owner: 'Colin Castle',
    form: registered('company', '08844006'),
    vat: null,
    address: '1 Castle Hill, Lancaster',
    creditLimit: '1200.00',
    standing: 'suspended',
    sells: ['Repairs', 'Cargo bike hire'],
  },
  {
    name: 'Fell & Daughters',
    email: 'fell@demo.example',
    owner: 'Freya Fell',
    form: stated('partnership', 'Two partners, mother and daughter.', 2),
    vat: null,
    address: 'Fell View, Quernmore',
    creditLimit: null,
    standing: 'applied',
    sells: ['Fencing'],
  },
  {
    name: 'Dolphinholme Hall Committee',
    email: 'hall@demo.example',
    owner: 'Dora Hall',
    form: stated('unincorporated_association', 'A committee of villagers without incorporation.'),
    vat: null,
    address: 'Dolphinholme',
    creditLimit: null,
    standing: 'invited',
    sells: ['Hall hire'],
  },
]
