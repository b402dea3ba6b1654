-- A bell of a book that was looked at a moment ago waits until the book's rest is over.

-- include src/inbox/ring.sql
