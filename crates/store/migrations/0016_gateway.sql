-- Where a tenant's models answer. Keys are sealed and never come out.
CREATE TABLE ai_providers (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  wire TEXT COLLATE "C" NOT NULL,
  base_url TEXT NOT NULL,
  -- What it is asked for, and what that is called there, as a JSON object.
  models TEXT NOT NULL,
  -- The lowest is asked first; those of one rank are asked by their weights.
  rank BIGINT NOT NULL,
  weight BIGINT NOT NULL,
  sealed BYTEA,
  key_id TEXT COLLATE "C",
  changed_at BIGINT NOT NULL,
  changed_by TEXT NOT NULL,
  PRIMARY KEY (tenant, name),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT, WITHOUT ROWID */;

-- What a million tokens cost from a day on, in nano-USD. A price is never changed: a later one takes its place.
CREATE TABLE ai_prices (
  tenant TEXT COLLATE "C" NOT NULL,
  -- Empty means of whichever provider.
  provider TEXT COLLATE "C" NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  input BIGINT NOT NULL,
  cached BIGINT,
  output BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant, provider, model, since),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT, WITHOUT ROWID */;
