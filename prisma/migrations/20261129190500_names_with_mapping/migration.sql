-- What the book called the things that a person chose, kept with the yes: a rename shows until a person has looked, whatever was read since.

alter table mapping add column names jsonb;
