-- The rules of each tenant about what waits for people, in versions that never change.
CREATE TABLE approval_rules (
  tenant TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  yaml TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (tenant, version),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT, WITHOUT ROWID */;

-- What the rules have said lately, so that others can be tried on it.
CREATE TABLE rulings (
  tenant TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  -- The figures of the action, as JSON.
  facts TEXT NOT NULL,
  effect TEXT NOT NULL,
  rule TEXT,
  PRIMARY KEY (tenant, at, id)
) /* STRICT, WITHOUT ROWID */;

-- Who decides for somebody else, and until when.
CREATE TABLE delegations (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  -- Whose decisions, and the role that they had when they handed them over.
  giver TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  -- Who decides in their place.
  taker TEXT COLLATE "C" NOT NULL,
  because TEXT NOT NULL,
  begins_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  -- Where it was ended before its time.
  ended_at BIGINT,
  ended_by TEXT,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES tenants (id)
) /* STRICT */;
CREATE INDEX delegations_by_taker ON delegations (tenant, taker, ends_at);

-- Approvals that one person gave alone in an emergency, and what somebody else thought of it afterwards.
CREATE TABLE approval_breaks (
  tenant TEXT COLLATE "C" NOT NULL,
  approval TEXT COLLATE "C" NOT NULL,
  broken_by TEXT COLLATE "C" NOT NULL,
  because TEXT NOT NULL,
  at BIGINT NOT NULL,
  reviewed_by TEXT COLLATE "C",
  reviewed_at BIGINT,
  -- Whether it was right, and why, in the words of whoever reviewed it.
  justified BIGINT,
  words TEXT,
  PRIMARY KEY (tenant, approval),
  FOREIGN KEY (tenant, approval) REFERENCES approvals (tenant, id) ON DELETE CASCADE
) /* STRICT, WITHOUT ROWID */;

-- What was asked for, where somebody who decided has changed it, and who.
ALTER TABLE approvals ADD COLUMN asked_payload TEXT;
ALTER TABLE approvals ADD COLUMN edited_by TEXT;
-- When it had waited so long that more people were told.
ALTER TABLE approvals ADD COLUMN escalated_at BIGINT;
