-- Both tables hold rows of the sample too, whose connection is another tenant's: they age out, and refer to nothing.

-- What queries took, by their shape: the statement without its literals. It says what the next one like it will take.
CREATE TABLE query_runs (
  tenant TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  shape TEXT COLLATE "C" NOT NULL,
  run UUID NOT NULL,
  at BIGINT NOT NULL,
  bytes BIGINT,
  elapsed_us BIGINT NOT NULL,
  PRIMARY KEY (tenant, connection, shape, run)
) /* STRICT, WITHOUT ROWID */;
CREATE INDEX query_runs_at ON query_runs (tenant, at);

-- Queries that wait until a person lets them run, exactly as they would.
CREATE TABLE query_previews (
  tenant TEXT COLLATE "C" NOT NULL,
  id UUID NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  asked_by TEXT NOT NULL,
  waits_for TEXT COLLATE "C" NOT NULL,
  sql TEXT NOT NULL,
  reasons TEXT NOT NULL,
  forecast TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
) /* STRICT */;
CREATE INDEX query_previews_at ON query_previews (tenant, created_at);
