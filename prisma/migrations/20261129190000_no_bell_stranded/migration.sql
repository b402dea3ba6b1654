-- A bell locks its book's lane before it asks whether a look is due: one that came while the last look ended was seen by nobody.

-- include src/inbox/ring.sql
