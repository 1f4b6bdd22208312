-- Written in PostgreSQL's words; for SQLite, BIGINT, BYTEA, the collation and the bracketed table options are replaced
-- by its own (see src/migrations.rs). Times are microseconds since 1970 UTC; yes and no are 1 and 0.

CREATE TABLE tenants (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE tokens (
  tenant TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id TEXT COLLATE "C" NOT NULL,
  public_id TEXT COLLATE "C" NOT NULL UNIQUE,
  secret_hash BYTEA NOT NULL,
  subject TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,
  revoked_at BIGINT,
  PRIMARY KEY (tenant, id)
) /* STRICT */;

CREATE TABLE sessions (
  id_hash BYTEA NOT NULL PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  subject TEXT NOT NULL,
  role TEXT NOT NULL,
  token_id TEXT COLLATE "C",
  csrf TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) /* STRICT */;
CREATE INDEX sessions_token ON sessions (token_id) WHERE token_id IS NOT NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE connections (
  tenant TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('files', 'postgres')),
  location TEXT NOT NULL,
  sealed BYTEA,
  key_id TEXT,
  status TEXT NOT NULL,
  error_code TEXT,
  error_message TEXT,
  sample BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  checked_at BIGINT,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name)
) /* STRICT */;

CREATE TABLE catalogs (
  tenant TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  json TEXT NOT NULL,
  put_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, connection),
  FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, id) ON DELETE CASCADE
) /* STRICT */;

CREATE TABLE semantic_models (
  tenant TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  yaml TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant, connection, version),
  FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, id) ON DELETE CASCADE
) /* STRICT */;

CREATE TABLE runs (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  subject TEXT NOT NULL,
  title TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'dead')),
  input TEXT NOT NULL,
  output TEXT,
  error_code TEXT,
  error_message TEXT,
  attempt BIGINT NOT NULL,
  max_attempts BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT,
  lease_owner TEXT,
  lease_until BIGINT,
  idem_key TEXT COLLATE "C",
  conversation TEXT COLLATE "C",
  cancel_requested BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
) /* STRICT */;
CREATE UNIQUE INDEX runs_idem ON runs (tenant, kind, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX runs_newest ON runs (tenant, created_at, id);
CREATE INDEX runs_conversation ON runs (tenant, conversation, created_at, id) WHERE conversation IS NOT NULL;
-- The two that do not begin with the tenant: workers take and rescue the work of all tenants.
CREATE INDEX runs_due ON runs (due_at, id) WHERE status = 'queued';
CREATE INDEX runs_leased ON runs (lease_owner) WHERE status = 'running';

CREATE TABLE steps (
  tenant TEXT COLLATE "C" NOT NULL,
  run TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  name TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed')),
  input_hash TEXT NOT NULL,
  output TEXT,
  error TEXT,
  started_at BIGINT NOT NULL,
  finished_at BIGINT,
  PRIMARY KEY (tenant, run, seq),
  FOREIGN KEY (tenant, run) REFERENCES runs (tenant, id) ON DELETE CASCADE
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE events (
  tenant TEXT COLLATE "C" NOT NULL,
  run TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL,
  json TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, run, seq),
  FOREIGN KEY (tenant, run) REFERENCES runs (tenant, id) ON DELETE CASCADE
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE audit (
  scope TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  subject TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  outcome TEXT NOT NULL,
  code TEXT NOT NULL,
  request_id TEXT NOT NULL,
  count BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (scope, seq)
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE audit_heads (
  scope TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash BYTEA NOT NULL
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE nodes (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  started_at BIGINT NOT NULL,
  beat_at BIGINT NOT NULL,
  key_id TEXT NOT NULL,
  version TEXT NOT NULL
) /* STRICT, WITHOUT ROWID */;
