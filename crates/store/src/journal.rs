//! What happened in a run, in order: its steps with their results, its states, its logs. Entries are added and never
//! changed; whoever holds the run numbers them, so that a worker that has lost it cannot write past its successor.
//!
//! Two entries have no row in `journal`, since other tables say the same: that the first claim began (`started_at` of
//! `live`, then of `ends`), and how the run ended (`ends`). The view `entries` has them all.

use std::collections::BTreeMap;

use pilothouse_domain::{Micros, RunId, TenantId};
use serde_json::json;

use crate::given::{Given, Kind, Rows};
use crate::{Arg, Error, Row, Tx, args};

/// The name of a state entry that puts a run back into the queue after it had ended.
pub const RETRIED: &str = "retried";

/// The claim of entries that no worker wrote: claims count from 1. Were they to bear the last worker's, it would take
/// one for its own when it asks whether a write of which it heard nothing was made.
pub(crate) const NO_CLAIM: i64 = 0;
/// Most things that a run is shown to wait for at once.
const MOST_WAITS: u32 = 100;

/// What an entry tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A step that has ended. `output` or `error` is set.
    Step,
    /// A new state of the run; `name` is the state.
    State,
    /// A line that a step logged; `name` is its level, `summary` the line.
    Log,
    /// How far the run is; `output` holds 0 to 100.
    Progress,
    /// What the run waits for from here on; `name` is the signal, `output` when the wait ends by itself.
    Wait,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Step, Self::State, Self::Log, Self::Progress, Self::Wait];

    /// The kind as it is stored, and as it is named in streams.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::State => "state",
            Self::Log => "log",
            Self::Progress => "progress",
            Self::Wait => "wait",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3 … per run, without gaps.
    pub seq: i64,
    /// When it was written; for a step, when it ended.
    pub at: Micros,
    /// The attempt that it belongs to.
    pub attempt: i64,
    /// What it tells of.
    pub kind: EntryKind,
    /// The step, state or level.
    pub name: String,
    /// A step's place in the workflow, for instance `3` or `4/0/1`.
    pub path: Option<String>,
    /// One sentence for people.
    pub summary: String,
    /// What a step returned, as JSON.
    pub output: Option<String>,
    /// Why a step or an attempt failed, as JSON.
    pub error: Option<String>,
    /// When a step began.
    pub started_at: Option<Micros>,
}

impl Entry {
    /// A new state of a run.
    pub(crate) fn state(seq: i64, at: Micros, attempt: i64, name: &str) -> Self {
        Self {
            seq,
            at,
            attempt,
            kind: EntryKind::State,
            name: name.to_owned(),
            path: None,
            summary: String::new(),
            output: None,
            error: None,
            started_at: None,
        }
    }

    /// The same with why: a stable code and a message.
    pub(crate) fn because(self, why: Option<&(String, String)>) -> Self {
        let Some((code, message)) = why else { return self };
        Self { summary: message.clone(), error: Some(self::why(code, message)), ..self }
    }
}

/// Columns of an entry.
pub(crate) const WIDTH: usize = 13;

const INSERT: Given = Given {
    columns: &[
        ("tenant", Kind::Text),
        ("run", Kind::Run),
        ("seq", Kind::Int),
        ("at", Kind::Int),
        ("attempt", Kind::Int),
        ("epoch", Kind::Int),
        ("kind", Kind::Text),
        ("name", Kind::Text),
        ("path", Kind::Text),
        ("summary", Kind::Text),
        ("output", Kind::Text),
        ("error", Kind::Text),
        ("started_at", Kind::Int),
    ],
    sqlite: "INSERT INTO journal VALUES (:*) ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO journal SELECT * FROM given ON CONFLICT DO NOTHING",
};

/// The row of an entry that is written under a claim, or under [`NO_CLAIM`].
pub(crate) fn row<'a>(tenant: &'a TenantId, run: RunId, epoch: i64, entry: &'a Entry) -> [Arg<'a>; WIDTH] {
    args![
        tenant,
        run,
        entry.seq,
        entry.at,
        entry.attempt,
        epoch,
        entry.kind.as_str(),
        &entry.name,
        entry.path.as_deref(),
        &entry.summary,
        entry.output.as_deref(),
        entry.error.as_deref(),
        entry.started_at,
    ]
}

/// Why a run left its state, as an entry tells it.
fn why(code: &str, message: &str) -> String {
    json!({"code": code, "message": message}).to_string()
}

/// Writes entries. One that stands there already, from the same write whose answer was lost, stays as it is.
pub(crate) async fn insert(tx: &mut Tx<'_>, entries: Rows<'_>) -> Result<(), Error> {
    if entries.is_empty() { Ok(()) } else { tx.given(&INSERT, &entries).await.map(|_| ()) }
}

/// Whether the entry `seq` was written under this claim.
pub(crate) async fn written(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    seq: i64,
    epoch: i64,
) -> Result<bool, Error> {
    let sql = "SELECT seq FROM entries WHERE tenant = $1 AND run = $2 AND seq = $3 AND epoch = $4";
    Ok(tx.fetch_optional(sql, args![tenant, run, seq, epoch]).await?.is_some())
}

/// The entries that the rest of the statement lets through.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT seq, at, attempt, kind, name, path, summary, output, error, error_code, error_message, started_at
             FROM entries ",
            $rest
        )
    };
}

/// At most `limit` entries of a run after the number `after` (0: from the first), in order.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId, after: i64, limit: u32) -> Result<Vec<Entry>, Error> {
    let sql = select!("WHERE tenant = $1 AND run = $2 AND seq > $3 ORDER BY seq LIMIT $4 + 0");
    tx.fetch_all(sql, args![tenant, run, after, limit]).await?.iter().map(read).collect()
}

/// The same without the lines that the run logged.
pub async fn without_lines(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    run: RunId,
    after: i64,
    limit: u32,
) -> Result<Vec<Entry>, Error> {
    let sql = select!("WHERE tenant = $1 AND run = $2 AND seq > $3 AND kind <> 'log' ORDER BY seq LIMIT $4 + 0");
    tx.fetch_all(sql, args![tenant, run, after, limit]).await?.iter().map(read).collect()
}

/// Which of a run's lines are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lines {
    /// Those after this number; none means the newest.
    pub after: Option<i64>,
    /// Those of this level and above: 0 `trace`, 1 `debug`, 2 `info`, 3 `warn`, 4 `error`.
    pub level: i64,
    /// Those of the workflow's step at this place, and of the branches that it has.
    pub step: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Lines that a run logged, in order.
pub async fn logs(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId, lines: Lines) -> Result<Vec<Entry>, Error> {
    let Lines { after, level, step, limit } = lines;
    macro_rules! lines {
        ($rest:literal) => {
            concat!(
                select!(
                    "WHERE tenant = $1 AND run = $2 AND kind = 'log' AND seq > $3
                   AND CASE name WHEN 'trace' THEN 0 WHEN 'debug' THEN 1 WHEN 'info' THEN 2 WHEN 'warn' THEN 3
                       ELSE 4 END >= $4
                   AND ($5 = '' OR path = $5 OR path LIKE $5 || '/%') "
                ),
                $rest
            )
        };
    }
    let sql =
        if after.is_some() { lines!("ORDER BY seq LIMIT $6 + 0") } else { lines!("ORDER BY seq DESC LIMIT $6 + 0") };
    let step = step.map_or_else(String::new, |step| step.to_string());
    let rows = tx.fetch_all(sql, args![tenant, run, after.unwrap_or(0), level, step, limit]).await?;
    let mut entries: Vec<Entry> = rows.iter().map(read).collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.seq);
    Ok(entries)
}

/// The newest `limit` entries of a run that tell why an attempt ended badly, in order.
pub async fn failures(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId, limit: u32) -> Result<Vec<Entry>, Error> {
    let sql = select!(
        "WHERE tenant = $1 AND run = $2 AND kind = 'state' AND (error IS NOT NULL OR error_code IS NOT NULL)
               ORDER BY seq DESC LIMIT $3 + 0"
    );
    let mut entries: Vec<Entry> =
        tx.fetch_all(sql, args![tenant, run, limit]).await?.iter().map(read).collect::<Result<_, _>>()?;
    entries.reverse();
    Ok(entries)
}

/// What a run waits for that stands still at the entry `seq`: the entries right before the one that says that it waits.
pub async fn open_waits(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId, seq: i64) -> Result<Vec<Entry>, Error> {
    let sql = select!("WHERE tenant = $1 AND run = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4 + 0");
    let rows = tx.fetch_all(sql, args![tenant, run, seq, MOST_WAITS]).await?;
    let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut waits: Vec<Entry> = entries.into_iter().take_while(|entry| entry.kind == EntryKind::Wait).collect();
    waits.reverse();
    Ok(waits)
}

/// How far a run is, and when anything was last written of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// 0 to 100, as the run itself told.
    pub progress: i64,
    /// Its last entry's moment.
    pub last_at: Option<Micros>,
}

const REACHED: Given = Given {
    columns: &[("tenant", Kind::Text), ("run", Kind::Run)],
    sqlite: "SELECT :run AS run,
      (SELECT output FROM journal WHERE tenant = :tenant AND run = :run AND kind = 'progress'
       ORDER BY seq DESC LIMIT 1) AS progress,
      (SELECT at FROM entries WHERE tenant = :tenant AND run = :run ORDER BY seq DESC LIMIT 1) AS last_at",
    postgres: "SELECT given.run,
      (SELECT j.output FROM journal j WHERE j.tenant = given.tenant AND j.run = given.run AND j.kind = 'progress'
       ORDER BY j.seq DESC LIMIT 1) AS progress,
      (SELECT e.at FROM entries e WHERE e.tenant = given.tenant AND e.run = given.run ORDER BY e.seq DESC LIMIT 1)
        AS last_at FROM given",
};

/// How far runs are.
pub async fn reached(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    runs: impl IntoIterator<Item = RunId>,
) -> Result<BTreeMap<RunId, Reached>, Error> {
    let rows: Rows<'_> = runs.into_iter().map(|run| args![tenant, run]).collect();
    let found = tx.given(&REACHED, &rows).await?;
    found
        .iter()
        .map(|row| {
            let progress = row.optional_text("progress")?.and_then(|text| text.parse().ok()).unwrap_or(0);
            Ok((row.run("run")?, Reached { progress, last_at: row.optional_int("last_at")? }))
        })
        .collect()
}

/// The number of a run's last entry; 0 where it has none.
pub(crate) async fn last_seq(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId) -> Result<i64, Error> {
    let sql = "SELECT seq FROM entries WHERE tenant = $1 AND run = $2 ORDER BY seq DESC LIMIT 1";
    tx.fetch_optional(sql, args![tenant, run]).await?.map_or(Ok(0), |row| row.int("seq"))
}

fn read(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        seq: row.int("seq")?,
        at: row.int("at")?,
        attempt: row.int("attempt")?,
        kind: EntryKind::parse(&row.text("kind")?).ok_or_else(|| Error::unreadable("kind"))?,
        name: row.text("name")?,
        path: row.optional_text("path")?,
        summary: row.text("summary")?,
        output: row.optional_text("output")?,
        error: match (row.optional_text("error_code")?, row.optional_text("error_message")?) {
            (Some(code), Some(message)) => Some(why(&code, &message)),
            _ => row.optional_text("error")?,
        },
        started_at: row.optional_int("started_at")?,
    })
}
