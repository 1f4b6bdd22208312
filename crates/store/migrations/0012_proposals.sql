-- What people's corrections say about how their questions are to be read, until a steward has decided. What was proposed is
-- one row for each question and reading, however often it came up.
CREATE TABLE proposals (
  tenant TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  question TEXT NOT NULL,
  query TEXT NOT NULL,
  reading TEXT NOT NULL,
  learnt_from TEXT COLLATE "C" NOT NULL,
  times BIGINT NOT NULL,
  last_run UUID NOT NULL,
  last_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  decision TEXT COLLATE "C",
  decided_by TEXT,
  decided_at BIGINT,
  PRIMARY KEY (tenant, connection, key),
  FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, id) ON DELETE CASCADE
) /* STRICT */;
