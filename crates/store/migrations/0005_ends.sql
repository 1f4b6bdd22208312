-- A run is written once, when it is asked for; how it ended is a row of its own. So a run that ends costs one short row
-- at the end of a table, and no page of `runs` is written again. What `live` and `ends` say already is not said again in
-- the journal: that the first claim began, and how the run ended. The view `entries` is the journal with both.

CREATE TABLE ends (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  -- Not IN (…), here and below: for that SQLite makes a table each time a row is written.
  outcome TEXT NOT NULL
    CHECK (outcome = 'succeeded' OR outcome = 'failed' OR outcome = 'cancelled' OR outcome = 'dead'),
  finished_at BIGINT NOT NULL,
  started_at BIGINT,
  attempt BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  -- Which entry it is, and under which claim it was written; none where the journal has it.
  seq BIGINT,
  claim BIGINT NOT NULL,
  output TEXT,
  error_code TEXT,
  error_message TEXT,
  discarded_at BIGINT,
  discarded_by TEXT,
  discard_reason TEXT,
  PRIMARY KEY (id)
) /* STRICT, WITHOUT ROWID */;

INSERT INTO ends (tenant, id, outcome, finished_at, started_at, attempt, epoch, claim, output, error_code,
    error_message, discarded_at, discarded_by, discard_reason)
  SELECT tenant, id, outcome, COALESCE(finished_at, created_at), started_at, COALESCE(attempt, 1), COALESCE(epoch, 0), 0,
    output, error_code, error_message, discarded_at, discarded_by, discard_reason FROM runs WHERE outcome IS NOT NULL;

CREATE TABLE runs_next (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  queue TEXT COLLATE "C" NOT NULL,
  queue_key TEXT COLLATE "C" NOT NULL,
  priority BIGINT NOT NULL,
  subject TEXT NOT NULL,
  title TEXT NOT NULL,
  input TEXT NOT NULL,
  max_attempts BIGINT NOT NULL,
  time_limit_ms BIGINT,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  idem_key TEXT COLLATE "C",
  conversation TEXT COLLATE "C",
  schedule TEXT COLLATE "C",
  -- How often somebody had it tried again.
  retries BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id)
) /* STRICT */;
INSERT INTO runs_next SELECT tenant, id, kind, version, queue, queue_key, priority, subject, title, input, max_attempts,
  time_limit_ms, created_at, due_at, idem_key, conversation, schedule, retries FROM runs;
DROP TABLE runs;
ALTER TABLE runs_next RENAME TO runs;

CREATE UNIQUE INDEX runs_idem ON runs (tenant, kind, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX runs_conversation ON runs (tenant, conversation, created_at, id) WHERE conversation IS NOT NULL;
CREATE INDEX runs_schedule ON runs (tenant, schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX ends_unwell ON ends (tenant, outcome, id)
  WHERE outcome = 'failed' OR outcome = 'cancelled' OR outcome = 'dead';
CREATE INDEX ends_dead ON ends (tenant, id) WHERE outcome = 'dead' AND discarded_at IS NULL;

-- Laid out by tenant, so that a tenant's runs are found without an index of their own.
CREATE TABLE live_next (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  -- queue/tenant/key: the line that the run stands in.
  lane TEXT COLLATE "C" NOT NULL,
  state BIGINT NOT NULL,
  -- Its place in the line, in microseconds: when it was due, less a minute for each step of priority.
  rank BIGINT NOT NULL,
  -- When a delayed run becomes ready, or when a waiting one stops waiting.
  wake_at BIGINT,
  attempt BIGINT NOT NULL,
  last_attempt BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  -- The number of the last entry, as long as no worker holds the run.
  seq BIGINT NOT NULL,
  signals BIGINT NOT NULL,
  worker TEXT COLLATE "C",
  started_at BIGINT,
  cancel_requested BIGINT NOT NULL,
  error_code TEXT,
  error_message TEXT,
  schedule TEXT COLLATE "C",
  PRIMARY KEY (tenant, id)
) /* STRICT, WITHOUT ROWID */;
INSERT INTO live_next SELECT tenant, id, lane, state, rank, wake_at, attempt, last_attempt, epoch, seq, signals, worker,
  started_at, cancel_requested, error_code, error_message, schedule FROM live;
DROP TABLE live;
ALTER TABLE live_next RENAME TO live;
CREATE INDEX live_schedule ON live (tenant, schedule) WHERE schedule IS NOT NULL;
CREATE INDEX live_ready ON live (lane, rank, id) WHERE state = 0;
CREATE INDEX live_running ON live (worker, lane) WHERE state = 1;
CREATE INDEX live_wake ON live (wake_at) WHERE wake_at IS NOT NULL;

CREATE VIEW entries AS
  SELECT tenant, run, seq, at, attempt, epoch, kind, name, path, summary, output, error, NULL AS error_code,
    NULL AS error_message, started_at FROM journal
  UNION ALL
  SELECT tenant, id, 1, started_at, 1, 1, 'state', 'running', NULL, '', NULL, NULL, NULL, NULL, NULL FROM live
    WHERE started_at IS NOT NULL AND seq > 0
      AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.run = live.id AND journal.seq = 1)
  UNION ALL
  SELECT tenant, id, 1, started_at, 1, 1, 'state', 'running', NULL, '', NULL, NULL, NULL, NULL, NULL FROM ends
    WHERE started_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.run = ends.id AND journal.seq = 1)
  UNION ALL
  SELECT tenant, id, seq, finished_at, attempt, claim, 'state', outcome, NULL, COALESCE(error_message, ''), NULL, NULL,
    error_code, error_message, NULL FROM ends WHERE seq IS NOT NULL;
