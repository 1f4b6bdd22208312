-- The engine's tables. A run's unchanging part and its end stand in `runs`; as long as it has not ended, a thin row in
-- `live` says who works on it. What happened in it is its `journal`, which is only added to: steps, states, logs.
--
-- The keys of those two begin with the run and not with its tenant: ids rise with time, so that what workers touch
-- together lies together, however many tenants there are. Every statement names the tenant all the same.

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
  outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'cancelled', 'dead')),
  output TEXT,
  error_code TEXT,
  error_message TEXT,
  attempt BIGINT,
  epoch BIGINT,
  started_at BIGINT,
  finished_at BIGINT,
  -- How often somebody had it tried again.
  retries BIGINT NOT NULL DEFAULT 0,
  discarded_at BIGINT,
  discarded_by TEXT,
  discard_reason TEXT,
  PRIMARY KEY (tenant, id)
) /* STRICT */;

CREATE TABLE live (
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
  -- The number of the last journal entry, as long as no worker holds the run.
  seq BIGINT NOT NULL,
  signals BIGINT NOT NULL,
  worker TEXT COLLATE "C",
  started_at BIGINT,
  cancel_requested BIGINT NOT NULL,
  error_code TEXT,
  error_message TEXT,
  schedule TEXT COLLATE "C",
  PRIMARY KEY (id)
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE journal (
  tenant TEXT COLLATE "C" NOT NULL,
  run TEXT COLLATE "C" NOT NULL,
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

CREATE TABLE signals (
  tenant TEXT COLLATE "C" NOT NULL,
  run TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  name TEXT NOT NULL,
  payload TEXT NOT NULL,
  sent_by TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (tenant, run, seq)
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE workers (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  queues TEXT NOT NULL,
  workflows TEXT NOT NULL,
  concurrency BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  beat_at BIGINT NOT NULL,
  beats BIGINT NOT NULL,
  gone BIGINT NOT NULL
) /* STRICT, WITHOUT ROWID */;

-- What an operator has set for a queue; a queue without a row has no limits.
CREATE TABLE queues (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  paused_at BIGINT,
  paused_by TEXT,
  paused_reason TEXT,
  max_running BIGINT,
  max_running_per_tenant BIGINT,
  max_running_per_key BIGINT,
  rate BIGINT,
  rate_seconds BIGINT,
  updated_at BIGINT NOT NULL
) /* STRICT, WITHOUT ROWID */;

-- When a queue's next run may begin, had every run begun as late as its rate allows.
CREATE TABLE rates (
  queue TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  next_at BIGINT NOT NULL
) /* STRICT, WITHOUT ROWID */;

CREATE TABLE schedules (
  tenant TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  queue TEXT COLLATE "C" NOT NULL,
  title TEXT NOT NULL,
  input TEXT NOT NULL,
  subject TEXT NOT NULL,
  max_attempts BIGINT NOT NULL,
  timing TEXT NOT NULL,
  overlap TEXT NOT NULL,
  catch_up TEXT NOT NULL,
  jitter_seconds BIGINT NOT NULL,
  paused_at BIGINT,
  paused_by TEXT,
  -- The first tick that was not decided on, and when to decide on it.
  next_at BIGINT,
  due_at BIGINT,
  last_at BIGINT,
  last_run TEXT COLLATE "C",
  last_outcome TEXT,
  missed BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name)
) /* STRICT */;

INSERT INTO runs_next (tenant, id, kind, version, queue, queue_key, priority, subject, title, input, max_attempts,
    created_at, due_at, idem_key, conversation, outcome, output, error_code, error_message, attempt, epoch, started_at,
    finished_at)
  SELECT tenant, id, kind, version, kind, '', 0, subject, title, input, max_attempts, created_at, due_at, idem_key,
    conversation, CASE WHEN finished_at IS NULL THEN NULL ELSE status END, output, error_code, error_message, attempt,
    epoch, started_at, finished_at FROM runs;
INSERT INTO live (tenant, id, lane, state, rank, attempt, last_attempt, epoch, seq, signals, started_at,
    cancel_requested)
  SELECT tenant, id, kind || '/' || tenant || '/', 0, due_at, attempt + 1,
    CASE WHEN max_attempts > attempt THEN max_attempts ELSE attempt + 1 END, epoch + 1,
    (SELECT COUNT(*) FROM steps WHERE steps.tenant = runs.tenant AND steps.run = runs.id
      AND steps.status <> 'running'), 0,
    started_at, cancel_requested FROM runs WHERE finished_at IS NULL;
-- A journal has no gaps, so that steps that had not ended leave none.
INSERT INTO journal (tenant, run, seq, at, attempt, epoch, kind, name, path, summary, output, error, started_at)
  SELECT tenant, run, ROW_NUMBER() OVER (PARTITION BY tenant, run ORDER BY seq), COALESCE(finished_at, started_at),
    attempt, 0, 'step', name, CAST(seq AS TEXT), '', output, error, started_at FROM steps WHERE status <> 'running';
INSERT INTO journal (tenant, run, seq, at, attempt, epoch, kind, name, summary)
  SELECT tenant, id, 1 + (SELECT COUNT(*) FROM steps WHERE steps.tenant = runs.tenant AND steps.run = runs.id
      AND steps.status <> 'running'), finished_at, attempt, epoch, 'state', status, COALESCE(error_message, '') FROM runs
    WHERE finished_at IS NOT NULL;

DROP TABLE events;
DROP TABLE steps;
DROP TABLE runs;
ALTER TABLE runs_next RENAME TO runs;

CREATE UNIQUE INDEX runs_idem ON runs (tenant, kind, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX runs_conversation ON runs (tenant, conversation, created_at, id) WHERE conversation IS NOT NULL;
CREATE INDEX runs_unwell ON runs (tenant, outcome, id) WHERE outcome IN ('failed', 'cancelled', 'dead');
CREATE INDEX runs_schedule ON runs (tenant, schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX live_tenant ON live (tenant, id);
CREATE INDEX live_schedule ON live (tenant, schedule) WHERE schedule IS NOT NULL;
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;
-- The newest lines and the progress of a run are found without reading its steps.
CREATE INDEX journal_logs ON journal (tenant, run, seq) WHERE kind = 'log';
CREATE INDEX journal_progress ON journal (tenant, run, seq) WHERE kind = 'progress';
-- Those that do not begin with the tenant: operators see the queues, and workers take and rescue the work, of all tenants.
CREATE INDEX runs_dead ON runs (queue, tenant) WHERE outcome = 'dead' AND discarded_at IS NULL;
CREATE INDEX live_ready ON live (lane, rank, id) WHERE state = 0;
CREATE INDEX live_running ON live (worker, lane) WHERE state = 1;
CREATE INDEX live_wake ON live (wake_at) WHERE wake_at IS NOT NULL;
