-- Why runs failed, and what became of it: the tenant's memory of failures.
CREATE TABLE triages (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  -- What failed: the job, and which build of it.
  job TEXT COLLATE "C" NOT NULL,
  build TEXT COLLATE "C" NOT NULL,
  -- The run, where it was one.
  run UUID,
  step TEXT NOT NULL,
  -- What it printed, as far as it is kept.
  text TEXT NOT NULL,
  cause TEXT COLLATE "C" NOT NULL,
  -- In thousandths.
  confidence BIGINT NOT NULL,
  summary TEXT NOT NULL,
  advice TEXT NOT NULL,
  recurrence TEXT COLLATE "C" NOT NULL,
  -- heuristic, or model.
  source TEXT COLLATE "C" NOT NULL,
  -- The version of what the model was told.
  prompt TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  -- What mended it, where that is known.
  fixed_by TEXT,
  fixed_at BIGINT,
  told_by TEXT,
  PRIMARY KEY (tenant, id)
) /* STRICT, WITHOUT ROWID */;

CREATE UNIQUE INDEX triages_run ON triages (tenant, run) WHERE run IS NOT NULL;
CREATE INDEX triages_job ON triages (tenant, job, created_at);
CREATE INDEX triages_at ON triages (tenant, created_at);

-- Runs that failed, for whoever looks why.
CREATE INDEX ends_failed ON ends (finished_at) WHERE outcome = 'failed' OR outcome = 'dead';
