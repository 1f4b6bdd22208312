-- What people write about a connection, as YAML, in versions that are never changed: what its tables mean, and who may see
-- what of them.
CREATE TABLE documents (
  tenant TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  yaml TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant, connection, kind, version),
  FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, id) ON DELETE CASCADE
) /* STRICT */;

INSERT INTO documents (tenant, connection, kind, version, yaml, created_at, created_by)
SELECT tenant, connection, 'semantic', version, yaml, created_at, created_by FROM semantic_models;

DROP TABLE semantic_models;
