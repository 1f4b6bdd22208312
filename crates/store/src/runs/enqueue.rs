//! How a run comes to be: together with the audit row of whoever asked for it, and once per idempotency key.

use std::collections::HashMap;
use std::sync::Arc;

use pilothouse_domain::audit::Entry as AuditEntry;
use pilothouse_domain::{Micros, RunId, ScheduleId, TenantId};

use super::claim::counted;
use super::live::State;
use super::{Enqueue, Lane, Limits, Outcome, rank};
use crate::given::{Given, Kind, Rows};
use crate::{Error, Tx, args, queues};

/// A run before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, fresh.
    pub id: RunId,
    /// Which workflow.
    pub kind: String,
    /// Which version of it.
    pub version: i64,
    /// The queue that it stands in.
    pub queue: String,
    /// What it shares with others that must not run beside it; empty where nothing.
    pub key: String,
    /// From -10 to 10; higher goes first.
    pub priority: i64,
    /// Who asks for it.
    pub subject: String,
    /// What it is about, in a line for people.
    pub title: String,
    /// What is asked, as JSON.
    pub input: String,
    /// How many attempts it has; at least 1.
    pub max_attempts: i64,
    /// How long one attempt may take.
    pub time_limit_ms: Option<i64>,
    /// When it may be claimed at the earliest.
    pub due_at: Micros,
    /// The present moment.
    pub created_at: Micros,
    /// The caller's name for it: the tenant has at most one run of a kind with this name.
    pub idem_key: Option<String>,
    /// The conversation it is part of.
    pub conversation: Option<String>,
    /// The schedule that asked for it.
    pub schedule: Option<ScheduleId>,
}

const RUN: Given = Given {
    columns: &[
        ("tenant", Kind::Text),
        ("id", Kind::Run),
        ("kind", Kind::Text),
        ("version", Kind::Int),
        ("queue", Kind::Text),
        ("queue_key", Kind::Text),
        ("priority", Kind::Int),
        ("subject", Kind::Text),
        ("title", Kind::Text),
        ("input", Kind::Text),
        ("max_attempts", Kind::Int),
        ("time_limit_ms", Kind::Int),
        ("created_at", Kind::Int),
        ("due_at", Kind::Int),
        ("idem_key", Kind::Text),
        ("conversation", Kind::Text),
        ("schedule", Kind::Text),
    ],
    sqlite: "INSERT INTO runs (tenant, id, kind, version, queue, queue_key, priority, subject, title, input,
               max_attempts, time_limit_ms, created_at, due_at, idem_key, conversation, schedule)
             VALUES (:*) ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO runs (tenant, id, kind, version, queue, queue_key, priority, subject, title, input,
                 max_attempts, time_limit_ms, created_at, due_at, idem_key, conversation, schedule)
               SELECT * FROM given ON CONFLICT DO NOTHING RETURNING id",
};

const LIVE: Given = Given {
    columns: &[
        ("tenant", Kind::Text),
        ("id", Kind::Run),
        ("lane", Kind::Text),
        ("state", Kind::Int),
        ("rank", Kind::Int),
        ("wake_at", Kind::Int),
        ("attempt", Kind::Int),
        ("last_attempt", Kind::Int),
        ("epoch", Kind::Int),
        ("seq", Kind::Int),
        ("signals", Kind::Int),
        ("worker", Kind::Text),
        ("started_at", Kind::Int),
        ("cancel_requested", Kind::Int),
        ("schedule", Kind::Text),
    ],
    sqlite: "INSERT INTO live (tenant, id, lane, state, rank, wake_at, attempt, last_attempt, epoch, seq, signals,
               worker, started_at, cancel_requested, schedule) VALUES (:*)",
    postgres: "INSERT INTO live (tenant, id, lane, state, rank, wake_at, attempt, last_attempt, epoch, seq, signals,
                 worker, started_at, cancel_requested, schedule) SELECT * FROM given",
};

/// Wishes, each with its place among the changes that it came with.
type Placed = Vec<(usize, Arc<Enqueue>)>;

/// Stores what is wished for, except where the lane is full or the tenant has a run of the kind with the same
/// idempotency key. Returns what is to be audited.
pub(super) async fn all(tx: &mut Tx<'_>, wishes: Placed, outcomes: &mut [Outcome]) -> Result<Vec<AuditEntry>, Error> {
    let wishes = taken_within_limits(tx, wishes).await?;
    let (wishes, full) = with_room(tx, wishes).await?;
    let audited = store(tx, wishes, outcomes).await?;
    for (index, wish) in full {
        // Whoever asks for the same run again is not sent away from it.
        outcomes[index] = existing(tx, &wish.tenant, &wish.run).await?.unwrap_or(Outcome::Full);
    }
    Ok(audited)
}

async fn store(tx: &mut Tx<'_>, wishes: Placed, outcomes: &mut [Outcome]) -> Result<Vec<AuditEntry>, Error> {
    if wishes.is_empty() {
        return Ok(Vec::new());
    }
    let mut named: Vec<&Enqueue> = wishes.iter().map(|(_, wish)| wish.as_ref()).collect();
    if named.iter().any(|wish| wish.run.idem_key.is_some()) {
        // Two who ask for the same runs in different orders would wait for each other for ever.
        named.sort_by(|a, b| (&a.run.idem_key, &a.tenant, &a.run.kind).cmp(&(&b.run.idem_key, &b.tenant, &b.run.kind)));
    }
    let stored = tx.changed(&RUN, &named.into_iter().map(row).collect::<Rows<'_>>()).await?;
    let (mut live, mut audited) = (Rows::default(), Vec::new());
    for (index, wish) in &wishes {
        if !stored.contains(&wish.run.id) {
            let before = existing(tx, &wish.tenant, &wish.run).await?;
            outcomes[*index] = before.ok_or(Error::Conflict { what: "run" })?;
            continue;
        }
        outcomes[*index] = if wish.counted && wish.worker.is_none() { Outcome::Waits } else { Outcome::New };
        live.push(live_row(wish));
        audited.extend(wish.audit.clone());
    }
    if !live.is_empty() {
        tx.given(&LIVE, &live).await?;
    }
    Ok(audited)
}

/// The same wishes; limits that leave no room keep the worker from taking one. Until the unit ends nobody else counts.
async fn taken_within_limits(tx: &mut Tx<'_>, mut wishes: Placed) -> Result<Placed, Error> {
    let is_counted = |wish: &Enqueue| wish.counted && wish.worker.is_some();
    if !wishes.iter().any(|(_, wish)| is_counted(wish)) {
        return Ok(wishes);
    }
    let (mut running, settings) = (counted(tx).await?, queues::settings(tx).await?);
    let free = Limits::default();
    for (_, wish) in wishes.iter_mut().filter(|(_, wish)| is_counted(wish)) {
        let lane = wish.lane();
        if settings.get(&lane.queue).unwrap_or(&free).has_room(&lane, &running) {
            *running.entry(lane).or_default() += 1;
        } else {
            *wish = Arc::new(Enqueue { worker: None, ..wish.as_ref().clone() });
        }
    }
    Ok(wishes)
}

/// Those that find room in their lane, and those that do not.
async fn with_room(tx: &mut Tx<'_>, wishes: Placed) -> Result<(Placed, Placed), Error> {
    let mut waiting: HashMap<Lane, u32> = HashMap::new();
    let (mut kept, mut full) = (Vec::with_capacity(wishes.len()), Vec::new());
    for (index, wish) in wishes {
        if let (Some(most), None) = (wish.max_waiting, &wish.worker) {
            let lane = wish.lane();
            let before = match waiting.get(&lane) {
                Some(before) => *before,
                None => ready_in(tx, &lane, most).await?,
            };
            if before >= most {
                full.push((index, wish));
                continue;
            }
            waiting.insert(lane, before + 1);
        }
        kept.push((index, wish));
    }
    Ok((kept, full))
}

/// How many runs are ready in a lane, counted up to `most`.
async fn ready_in(tx: &mut Tx<'_>, lane: &Lane, most: u32) -> Result<u32, Error> {
    let sql =
        "SELECT COUNT(*) AS ready FROM (SELECT 1 FROM live WHERE state = 0 AND lane = $1 LIMIT $2 + 0) AS counted";
    let row = tx.fetch_optional(sql, args![lane.to_string(), most]).await?.ok_or_else(|| Error::unreadable("ready"))?;
    Ok(u32::try_from(row.int("ready")?).unwrap_or(u32::MAX))
}

/// The run that was asked for before: under the same id, by a write whose answer was lost, or under the same key.
async fn existing(tx: &mut Tx<'_>, tenant: &TenantId, run: &NewRun) -> Result<Option<Outcome>, Error> {
    let sql =
        "SELECT id FROM runs WHERE tenant = $1 AND (id = $2 OR (kind = $3 AND idem_key = $4)) ORDER BY id = $2 DESC";
    let found = tx.fetch_optional(sql, args![tenant, run.id, &run.kind, run.idem_key.as_deref()]).await?;
    let found: Option<RunId> = found.map(|row| row.run("id")).transpose()?;
    Ok(found.map(|found| if found == run.id { Outcome::New } else { Outcome::Existing(found) }))
}

fn row(wish: &Enqueue) -> [crate::Arg<'_>; 17] {
    let run = &wish.run;
    args![
        &wish.tenant,
        run.id,
        &run.kind,
        run.version,
        &run.queue,
        &run.key,
        run.priority,
        &run.subject,
        &run.title,
        &run.input,
        run.max_attempts.max(1),
        run.time_limit_ms,
        run.created_at,
        run.due_at,
        run.idem_key.as_deref(),
        run.conversation.as_deref(),
        run.schedule,
    ]
}

fn live_row(wish: &Enqueue) -> [crate::Arg<'_>; 15] {
    let (run, claimed) = (&wish.run, wish.worker.is_some());
    let delayed = run.due_at > run.created_at;
    let state = match (claimed, delayed) {
        (true, _) => State::Running,
        (false, true) => State::Delayed,
        (false, false) => State::Ready,
    };
    args![
        &wish.tenant,
        run.id,
        wish.lane().to_string(),
        state as i64,
        rank(run.due_at, run.priority),
        (state == State::Delayed).then_some(run.due_at),
        1_i64,
        run.max_attempts.max(1),
        i64::from(claimed),
        i64::from(claimed),
        0_i64,
        wish.worker.as_deref(),
        claimed.then_some(run.created_at),
        0_i64,
        run.schedule,
    ]
}
