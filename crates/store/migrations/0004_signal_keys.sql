-- A signal may bear the key that its sender gave it, so that whoever got no answer can send it again: a run hears each
-- key once.

ALTER TABLE signals ADD COLUMN idem_key TEXT COLLATE "C";
CREATE UNIQUE INDEX signals_idem ON signals (tenant, run, idem_key) WHERE idem_key IS NOT NULL;
