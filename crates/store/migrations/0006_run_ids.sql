-- A run's id stands in every row and every index of what the engine writes all the time, so it stands there as the
-- sixteen bytes that it is and not as thirty-six letters. Other ids are few and stay texts.

DROP VIEW entries;

CREATE TABLE runs_next (
  tenant TEXT COLLATE "C" NOT NULL,
  id UUID NOT NULL,
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
INSERT INTO runs_next SELECT tenant, CAST(substr(id, 5) AS UUID), kind, version, queue, queue_key, priority, subject,
  title, input, max_attempts, time_limit_ms, created_at, due_at, idem_key, conversation, schedule, retries FROM runs;
DROP TABLE runs;
ALTER TABLE runs_next RENAME TO runs;
CREATE UNIQUE INDEX runs_idem ON runs (tenant, kind, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX runs_conversation ON runs (tenant, conversation, created_at, id) WHERE conversation IS NOT NULL;
CREATE INDEX runs_schedule ON runs (tenant, schedule, id) WHERE schedule IS NOT NULL;

CREATE TABLE ends_next (
  tenant TEXT COLLATE "C" NOT NULL,
  id UUID NOT NULL,
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
INSERT INTO ends_next SELECT tenant, CAST(substr(id, 5) AS UUID), outcome, finished_at, started_at, attempt, epoch, seq,
  claim, output, error_code, error_message, discarded_at, discarded_by, discard_reason FROM ends;
DROP TABLE ends;
ALTER TABLE ends_next RENAME TO ends;
CREATE INDEX ends_unwell ON ends (tenant, outcome, id)
  WHERE outcome = 'failed' OR outcome = 'cancelled' OR outcome = 'dead';
CREATE INDEX ends_dead ON ends (tenant, id) WHERE outcome = 'dead' AND discarded_at IS NULL;

-- On SQLite laid out by age and not by key: the first of many lines, which are claimed together, lie together.
CREATE TABLE live_next (
  tenant TEXT COLLATE "C" NOT NULL,
  id UUID NOT NULL,
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
) /* STRICT */;
INSERT INTO live_next SELECT tenant, CAST(substr(id, 5) AS UUID), lane, state, rank, wake_at, attempt, last_attempt,
  epoch, seq, signals, worker, started_at, cancel_requested, error_code, error_message, schedule FROM live ORDER BY id;
DROP TABLE live;
ALTER TABLE live_next RENAME TO live;
CREATE INDEX live_schedule ON live (tenant, schedule) WHERE schedule IS NOT NULL;
CREATE INDEX live_ready ON live (lane, rank, id) WHERE state = 0;
CREATE INDEX live_running ON live (worker, lane) WHERE state = 1;
CREATE INDEX live_wake ON live (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE journal_next (
  tenant TEXT COLLATE "C" NOT NULL,
  run UUID NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  path TEXT,
  summary TEXT NOT NULL,
  output TEXT,
  error TEXT,
  started_at BIGINT,
  PRIMARY KEY (run, seq)
) /* STRICT, WITHOUT ROWID */;
INSERT INTO journal_next SELECT tenant, CAST(substr(run, 5) AS UUID), seq, at, attempt, epoch, kind, name, path,
  summary, output, error, started_at FROM journal;
DROP TABLE journal;
ALTER TABLE journal_next RENAME TO journal;
-- The newest lines and the progress of a run are found without reading its steps.
CREATE INDEX journal_logs ON journal (tenant, run, seq) WHERE kind = 'log';
CREATE INDEX journal_progress ON journal (tenant, run, seq) WHERE kind = 'progress';

CREATE TABLE signals_next (
  tenant TEXT COLLATE "C" NOT NULL,
  run UUID NOT NULL,
  seq BIGINT NOT NULL,
  name TEXT NOT NULL,
  payload TEXT NOT NULL,
  sent_by TEXT NOT NULL,
  at BIGINT NOT NULL,
  idem_key TEXT COLLATE "C",
  PRIMARY KEY (tenant, run, seq)
) /* STRICT, WITHOUT ROWID */;
INSERT INTO signals_next SELECT tenant, CAST(substr(run, 5) AS UUID), seq, name, payload, sent_by, at, idem_key
  FROM signals;
DROP TABLE signals;
ALTER TABLE signals_next RENAME TO signals;
CREATE UNIQUE INDEX signals_idem ON signals (tenant, run, idem_key) WHERE idem_key IS NOT NULL;

ALTER TABLE schedules RENAME COLUMN last_run TO last_run_text;
ALTER TABLE schedules ADD COLUMN last_run UUID;
UPDATE schedules SET last_run = CAST(substr(last_run_text, 5) AS UUID);
ALTER TABLE schedules DROP COLUMN last_run_text;

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
