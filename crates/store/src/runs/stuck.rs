//! Runs that stand still: what an operator should look at.

use pilothouse_domain::{Micros, TenantId};

use super::{Run, columns, read};
use crate::{Error, Tx, args};

/// Most runs of each reason that are looked at; more are not counted.
const MOST_LOOKED_AT: u32 = 10_000;

/// Why a run counts as standing still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StuckReason {
    /// Its worker has shown no life, and nobody has taken it back.
    NoHeartbeat,
    /// Its worker lives, and has written nothing.
    NoProgress,
    /// It is due and nobody takes it, though its queue is not paused.
    NotPickedUp,
    /// It is dead, and nobody has discarded it.
    DeadLetter,
}

impl StuckReason {
    /// The reason as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHeartbeat => "no_heartbeat",
            Self::NoProgress => "no_progress",
            Self::NotPickedUp => "not_picked_up",
            Self::DeadLetter => "dead_letter",
        }
    }
}

/// A run that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The run.
    pub run: Run,
    /// Why it counts as standing still.
    pub reason: StuckReason,
    /// Since when.
    pub since: Micros,
}

/// What each list of runs that stand still is made of: a reason's rows, each with the moment `since`.
macro_rules! still {
    ($since:literal, $from:literal) => {
        (
            concat!("SELECT ", columns!(), ", ", $since, " AS since ", $from, " ORDER BY since, r.id LIMIT $3"),
            concat!("SELECT COUNT(*) AS runs FROM (SELECT 1 ", $from, " LIMIT $3) AS some"),
        )
    };
}

const SILENT: (&str, &str) = still!(
    "COALESCE(w.beat_at, l.started_at, r.created_at)",
    "FROM live l JOIN runs r ON r.tenant = l.tenant AND r.id = l.id LEFT JOIN workers w ON w.id = l.worker
     WHERE l.tenant = $1 AND l.state = 1 AND (w.id IS NULL OR w.gone = 1 OR w.beat_at <= $2)"
);
const IDLE: (&str, &str) = still!(
    "(SELECT MAX(j.at) FROM journal j WHERE j.tenant = l.tenant AND j.run = l.id)",
    "FROM live l JOIN runs r ON r.tenant = l.tenant AND r.id = l.id JOIN workers w ON w.id = l.worker
     WHERE l.tenant = $1 AND l.state = 1 AND w.gone = 0 AND w.beat_at > $4
       AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.tenant = l.tenant AND j.run = l.id AND j.at > $2)"
);
const LEFT: (&str, &str) = still!(
    "CASE WHEN l.state = 2 THEN l.wake_at ELSE l.rank + r.priority * 60000000 END",
    "FROM live l JOIN runs r ON r.tenant = l.tenant AND r.id = l.id LEFT JOIN queues q ON q.name = r.queue
     WHERE l.tenant = $1 AND q.paused_at IS NULL
       AND ((l.state = 0 AND l.rank + r.priority * 60000000 <= $2) OR (l.state = 2 AND l.wake_at <= $2))
       AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.tenant = l.tenant AND j.run = l.id AND j.at > $2)"
);
const DEAD: (&str, &str) = still!(
    "r.finished_at",
    "FROM runs r LEFT JOIN live l ON l.tenant = r.tenant AND l.id = r.id
     WHERE r.tenant = $1 AND r.outcome = 'dead' AND r.discarded_at IS NULL AND r.finished_at <= $2"
);

/// The tenant's runs that stand still, those that have longest first, at most `limit` of them; and how many there are,
/// each reason counted up to a bound. Nothing has been written of them since `idle`; a worker that has not been heard
/// of since `silent` is taken for gone. Dead letters count from their first moment on.
pub async fn stuck(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (idle, silent, now): (Micros, Micros, Micros),
    limit: u32,
) -> Result<(Vec<Stuck>, i64), Error> {
    use StuckReason::{DeadLetter, NoHeartbeat, NoProgress, NotPickedUp};
    let (mut found, mut count) = (Vec::new(), 0);
    let reasons =
        [(NoHeartbeat, SILENT, silent), (NoProgress, IDLE, idle), (NotPickedUp, LEFT, idle), (DeadLetter, DEAD, now)];
    for (reason, (list, counted), until) in reasons {
        let rows = match reason {
            NoProgress => tx.fetch_all(list, args![tenant, until, limit, silent]).await?,
            _ => tx.fetch_all(list, args![tenant, until, limit]).await?,
        };
        for row in &rows {
            found.push(Stuck { run: read(row)?, reason, since: row.int("since")? });
        }
        let counted = match reason {
            NoProgress => tx.fetch_optional(counted, args![tenant, until, MOST_LOOKED_AT, silent]).await?,
            _ => tx.fetch_optional(counted, args![tenant, until, MOST_LOOKED_AT]).await?,
        };
        count += counted.ok_or_else(|| Error::unreadable("runs"))?.int("runs")?;
    }
    found.sort_by_key(|stuck| (stuck.since, stuck.run.id));
    found.truncate(limit as usize);
    Ok((found, count))
}
