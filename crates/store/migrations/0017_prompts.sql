-- What models are told to do. A version is never changed.
CREATE TABLE prompts (
  -- Empty means of the installation.
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  -- As its author calls it.
  version TEXT NOT NULL,
  text TEXT NOT NULL,
  -- Where it comes from: built_in, file or tenant.
  source TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant, name, hash)
) /* STRICT, WITHOUT ROWID */;

-- Which version is in force as what. Rows are added and never changed: of each label the last one holds.
CREATE TABLE prompt_labels (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  -- 1, 2, 3 …
  number BIGINT NOT NULL,
  -- None where the label was taken away.
  hash TEXT COLLATE "C",
  -- For how many in a hundred.
  percent BIGINT NOT NULL,
  at BIGINT NOT NULL,
  moved_by TEXT NOT NULL,
  because TEXT NOT NULL,
  PRIMARY KEY (tenant, name, label, number)
) /* STRICT, WITHOUT ROWID */;
