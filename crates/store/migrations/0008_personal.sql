-- What people have decided about columns that may hold personal data. It outlives the catalog, which is read anew.
CREATE TABLE personal_reviews (
  tenant TEXT COLLATE "C" NOT NULL,
  connection TEXT COLLATE "C" NOT NULL,
  table_name TEXT COLLATE "C" NOT NULL,
  column_name TEXT COLLATE "C" NOT NULL,
  is_personal BIGINT NOT NULL,
  reviewed_at BIGINT NOT NULL,
  reviewed_by TEXT NOT NULL,
  PRIMARY KEY (tenant, connection, table_name, column_name),
  FOREIGN KEY (tenant, connection) REFERENCES connections (tenant, id) ON DELETE CASCADE
) /* STRICT, WITHOUT ROWID */;
