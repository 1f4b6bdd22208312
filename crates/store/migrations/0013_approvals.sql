-- What waits for people and what they have decided. Each row is about one payload, by its hash; who has decided stands in
-- a row for each of them.
CREATE TABLE approvals (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  resource TEXT COLLATE "C" NOT NULL,
  payload_hash TEXT COLLATE "C" NOT NULL,
  -- What would be done, and the figures by which it was judged, as JSON.
  payload TEXT NOT NULL,
  facts TEXT NOT NULL,
  -- Nobody has asked yet where it was granted in advance.
  requested_by TEXT COLLATE "C" NOT NULL,
  requested_at BIGINT NOT NULL,
  rule TEXT,
  because TEXT NOT NULL,
  needs_count BIGINT NOT NULL,
  needs_role TEXT COLLATE "C" NOT NULL,
  -- What waits for it, if a run does.
  run UUID,
  state TEXT COLLATE "C" NOT NULL,
  changed_at BIGINT NOT NULL,
  changed_by TEXT,
  changed_because TEXT,
  expires_at BIGINT,
  -- Said of it by whoever granted it in advance, as JSON.
  remark TEXT,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT */;
-- One that is open for each payload and whoever asks: asking again finds it.
CREATE UNIQUE INDEX approvals_open ON approvals (tenant, kind, resource, payload_hash, requested_by)
  WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_by_state ON approvals (tenant, state, requested_at, id);
CREATE INDEX approvals_by_resource ON approvals (tenant, kind, resource, requested_at, id);

CREATE TABLE approval_votes (
  tenant TEXT COLLATE "C" NOT NULL,
  approval TEXT COLLATE "C" NOT NULL,
  voter TEXT COLLATE "C" NOT NULL,
  in_place_of TEXT COLLATE "C",
  decision TEXT COLLATE "C" NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, approval, voter),
  FOREIGN KEY (tenant, approval) REFERENCES approvals (tenant, id) ON DELETE CASCADE
) /* STRICT, WITHOUT ROWID */;
