/**
 * The two companies of the demo: one with VAT and its own numbers, one without either.
 */
import type { QuickBooksCompanySeed } from './open-company.ts'

export const demoQuickBooksCompanies: QuickBooksCompanySeed[] = [
  {
    name: "Rosa's Bakery Ltd",
    vat: 'registered',
    customTxnNumbers: true,
    accounts: [
      { name: 'Bread and cake sales', type: 'Income', subType: 'SalesOfProductIncome' },
      { name: 'Flour and ingredients', type: 'Cost of Goods Sold', subType: 'SuppliesMaterialsCogs' },
    ],
    products: [
      { name: 'Catering', income: 'Sales', cost: 'Cost of sales' },
      { name: 'Bread', income: 'Bread and cake sales', cost: 'Flour and ingredients', price: 3.2 },
    ],
    customers: [
      { name: 'The Corner Café', email: 'orders@cornercafe.example' },
      { name: "St Brendan's School", email: 'bursar@stbrendans.example' },
      {
        name: 'Harbour Hotel Ltd',
        email: 'accounts@harbourhotel.example',
        companyNumber: '05512884',
        vatNumber: 'GB123456789',
      },
    ],
    vendors: [
      { name: 'Weald Flour Mill Ltd', email: 'sales@wealdflour.example', companyNumber: '03318821' },
      { name: 'Oven & Hood Services', email: 'office@ovenandhood.example' },
    ],
    employees: [{ name: 'Rosa Delgado' }],
  },
  {
    name: 'Green Fork Catering',
    vat: 'none',
    accounts: [
      { name: 'Catering income', type: 'Income', subType: 'ServiceFeeIncome' },
      { name: 'Food purchases', type: 'Cost of Goods Sold', subType: 'SuppliesMaterialsCogs' },
    ],
    products: [{ name: 'Catering', income: 'Catering income', cost: 'Food purchases' }],
    customers: [
      { name: 'Parish Hall Committee', email: 'hall@parish.example' },
      { name: 'Lantern Theatre', email: 'boxoffice@lantern.example' },
    ],
    vendors: [
      { name: 'Market Garden Growers', email: 'veg@marketgarden.example' },
      { name: 'Cash & Carry Direct', email: 'trade@cashcarry.example' },
    ],
  },
]
