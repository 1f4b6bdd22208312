-- What people think of what they were given: an answer, a memo, a dashboard.
CREATE TABLE feedback (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  user_id TEXT NOT NULL,
  artifact_id TEXT COLLATE "C" NOT NULL,
  artifact_version BIGINT NOT NULL,
  artifact_type TEXT COLLATE "C" NOT NULL,
  is_positive BIGINT NOT NULL,
  comment TEXT,
  prompt_hash TEXT COLLATE "C",
  provider TEXT COLLATE "C",
  model TEXT,
  channel TEXT,
  details TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  resolved_at BIGINT,
  resolved_by TEXT,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT */;

CREATE INDEX feedback_by_time ON feedback (tenant, created_at, id);
