-- Charges are found by their ids alone, so they lie in that order.
DROP VIEW ai_usage;
ALTER TABLE charges RENAME TO charges_before;
DROP INDEX charges_at;
DROP INDEX charges_open;
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
  CONSTRAINT charges_key PRIMARY KEY (tenant, id),
  CONSTRAINT charges_tenant FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT, WITHOUT ROWID */;
INSERT INTO charges SELECT tenant, id, state, at, expires_at, ended_at, kind, project, repository, token, subject, task, run, step,
  provider, model, prompt, held_nano, held_tokens, nano, tokens_in, tokens_out, tokens_cached, latency_us, error, accounts
  FROM charges_before;
DROP TABLE charges_before;
CREATE INDEX charges_at ON charges (tenant, at, id);
CREATE INDEX charges_open ON charges (tenant, expires_at) WHERE state = 'open';

-- What models were asked for, to be queried by hand.
CREATE VIEW ai_usage AS
  SELECT tenant AS tenant_id, subject AS user_id, repository AS repository_id, task AS usage_type,
    tokens_in + tokens_out AS tokens_used, model, id AS request_id, nano / 1000000000.0 AS cost_estimate,
    to_timestamp(at / 1000000.0) AS created_at
  FROM charges WHERE kind = 'ai' AND state = 'settled';
