-- What each run's queries read of a tenant's data, for the limit of an hour: first what was expected, then what it was.
CREATE TABLE reads (
  tenant TEXT COLLATE "C" NOT NULL,
  run UUID NOT NULL,
  at BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (tenant, run)
) /* STRICT, WITHOUT ROWID */;
CREATE INDEX reads_at ON reads (tenant, at);
