//! How a run comes to be: in the same unit as the row that asked for it, and once per idempotency key.

use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Tx, args};

/// A run before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, fresh.
    pub id: RunId,
    /// Which workflow.
    pub kind: String,
    /// Which version of it.
    pub version: i64,
    /// Who asks for it.
    pub subject: String,
    /// What it is about, in a line for people.
    pub title: String,
    /// What is asked, as JSON.
    pub input: String,
    /// How many times it may be claimed before it is dead; at least 1.
    pub max_attempts: i64,
    /// When it may be claimed at the earliest.
    pub due_at: Micros,
    /// The present moment.
    pub created_at: Micros,
    /// The caller's name for it: the tenant has at most one run of a kind with this name.
    pub idem_key: Option<String>,
    /// The conversation it is part of.
    pub conversation: Option<String>,
}

/// What became of a wish for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is stored.
    New,
    /// It had been asked for before: this is the run.
    Existing(RunId),
}

/// Stores a queued run, unless the tenant has one of this kind with the same idempotency key.
///
/// # Errors
/// [`Error::Conflict`] where the id is taken.
pub async fn enqueue(tx: &mut Tx<'_>, tenant: &TenantId, run: &NewRun) -> Result<Enqueued, Error> {
    let made = tx
        .execute(
            "INSERT INTO runs (tenant, id, kind, version, subject, title, status, input, attempt, max_attempts, epoch,
                               created_at, due_at, idem_key, conversation, cancel_requested)
             VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, 0, $8, 0, $9, $10, $11, $12, 0)
             ON CONFLICT DO NOTHING",
            args![
                tenant,
                run.id,
                &run.kind,
                run.version,
                &run.subject,
                &run.title,
                &run.input,
                run.max_attempts.max(1),
                run.created_at,
                run.due_at,
                run.idem_key.as_deref(),
                run.conversation.as_deref(),
            ],
        )
        .await?;
    if made == 1 {
        return Ok(Enqueued::New);
    }
    let existing = tx
        .fetch_optional(
            "SELECT id FROM runs WHERE tenant = $1 AND kind = $2 AND idem_key = $3",
            args![tenant, &run.kind, run.idem_key.as_deref()],
        )
        .await?;
    match existing {
        Some(row) => Ok(Enqueued::Existing(row.parsed("id")?)),
        None => Err(Error::Conflict { what: "run" }),
    }
}
