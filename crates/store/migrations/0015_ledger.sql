-- By whose clocks a tenant's days and months are counted; the installation's where nobody has said.
ALTER TABLE tenants ADD COLUMN time_zone TEXT;

-- What may be spent. A limit is never changed: another takes its place, and it stays as it was until then.
CREATE TABLE spending_limits (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  level TEXT COLLATE "C" NOT NULL,
  -- Of whom; empty where each has their own.
  name TEXT COLLATE "C" NOT NULL,
  unit TEXT COLLATE "C" NOT NULL,
  span TEXT COLLATE "C" NOT NULL,
  -- None means as much as they like, 0 nothing at all.
  amount BIGINT,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  ended_at BIGINT,
  ended_by TEXT,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT */;
CREATE UNIQUE INDEX spending_limits_held ON spending_limits (tenant, level, unit, span, name) WHERE ended_at IS NULL;

-- What was spent, and what is held for what is under way.
CREATE TABLE charges (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  -- open, settled, released or expired
  state TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT,
  kind TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C",
  repository TEXT COLLATE "C",
  token TEXT COLLATE "C",
  subject TEXT COLLATE "C",
  task TEXT COLLATE "C",
  run TEXT COLLATE "C",
  step TEXT,
  provider TEXT,
  model TEXT,
  prompt TEXT,
  -- The most that it can take.
  held_nano BIGINT NOT NULL,
  held_tokens BIGINT NOT NULL,
  -- What it took.
  nano BIGINT NOT NULL,
  tokens_in BIGINT NOT NULL,
  tokens_out BIGINT NOT NULL,
  tokens_cached BIGINT NOT NULL,
  latency_us BIGINT,
  error TEXT,
  -- The accounts that hold it, as JSON.
  accounts TEXT NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT */;
CREATE INDEX charges_at ON charges (tenant, at, id);
CREATE INDEX charges_open ON charges (tenant, expires_at) WHERE state = 'open';

-- What is held and settled of each limit, by the part of its window. The part -1 says that it counts from the beginning.
CREATE TABLE accounts (
  tenant TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  bucket BIGINT NOT NULL,
  held BIGINT NOT NULL,
  PRIMARY KEY (tenant, account, bucket)
) /* STRICT, WITHOUT ROWID */;

-- Which shares of a limit were told already; 0 is that it will not be enough.
CREATE TABLE spending_alerts (
  tenant TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  bucket BIGINT NOT NULL,
  threshold BIGINT NOT NULL,
  used BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, account, bucket, threshold)
) /* STRICT, WITHOUT ROWID */;

-- What models were asked for, to be queried by hand.
CREATE VIEW ai_usage AS
  SELECT tenant AS tenant_id, subject AS user_id, repository AS repository_id, task AS usage_type,
    tokens_in + tokens_out AS tokens_used, model, id AS request_id, nano / 1000000000.0 AS cost_estimate,
    to_timestamp(at / 1000000.0) AS created_at
  FROM charges WHERE kind = 'ai' AND state = 'settled';
