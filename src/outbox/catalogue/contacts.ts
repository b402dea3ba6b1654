/** What the book says against a contact. */
import { type Entries, notInBook } from './entry.ts'

export const contacts: Entries = {
  contact_archived: {
    says: () => 'The contact was archived in the book.',
    means: notInBook,
    fix: 'Restore it in the book, or choose another contact.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  contact_gone: {
    says: () => 'The contact is no longer in the book.',
    means: notInBook,
    fix: 'Choose another contact.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  name_taken: {
    says: () => 'Another contact, supplier or employee in the book has this name.',
    means: 'No contact is made, so that nobody is mistaken for a namesake; what is meant for it waits.',
    fix: 'Choose that contact, or rename it in the book.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  contact_number_taken: {
    says: () => 'Another contact in the book, perhaps an archived one, bears this contact’s number.',
    means: 'No contact is made; what is meant for it waits.',
    fix: 'Choose that contact, or change its number in the book.',
    button: 'choose_contact',
    who: 'bookkeeper',
  },
  email_refused: {
    says: () => 'The book does not take this mail address for a contact.',
    means: 'No contact is made; what is meant for it waits.',
    fix: 'Correct the address of that member, then try again.',
    button: 'retry',
    who: 'bookkeeper',
  },
}
