-- A connection may be an object store. A check cannot be changed on SQLite, so the column moves to one with another
-- check, and takes its name.

ALTER TABLE connections ADD COLUMN source TEXT NOT NULL DEFAULT 'files'
  CHECK (source IN ('files', 'object_store', 'postgres'));
UPDATE connections SET source = kind;
ALTER TABLE connections DROP COLUMN kind;
ALTER TABLE connections RENAME COLUMN source TO kind;
