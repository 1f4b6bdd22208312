//! Why runs failed, and what mended them: the memory in which later failures are looked up.

use pilothouse_domain::triage::{Cause, Risk};
use pilothouse_domain::{Micros, RunId, TenantId};

use crate::{Error, Row, Tx, args};

/// A failure and what was made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Triage {
    /// Its id.
    pub id: String,
    /// What failed.
    pub job: String,
    /// Which build of it.
    pub build: String,
    /// The run, where it was one.
    pub run: Option<RunId>,
    /// The step that failed.
    pub step: String,
    /// What it printed, as far as it is kept.
    pub text: String,
    /// Why it failed.
    pub cause: Cause,
    /// How sure that is, in thousandths.
    pub confidence: u32,
    /// What is going on.
    pub summary: String,
    /// What to do.
    pub advice: String,
    /// How likely it happens again.
    pub recurrence: Risk,
    /// Who says so: `heuristic` or `model`.
    pub source: String,
    /// The version of what the model was told, where one was asked.
    pub prompt: Option<String>,
    /// When it was looked at.
    pub created_at: Micros,
    /// What mended it, when and who says so; none where that is not known.
    pub fixed: Option<(String, Micros, String)>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, job, build, run, step, text, cause, confidence, summary, advice, recurrence, source, prompt, created_at,
               fixed_by, fixed_at, told_by FROM triages WHERE tenant = $1 ",
            $rest
        )
    };
}

/// Keeps one; false where there is one of that run already.
pub async fn add(tx: &mut Tx<'_>, tenant: &TenantId, new: &Triage) -> Result<bool, Error> {
    let added = tx
        .execute(
            "INSERT INTO triages (tenant, id, job, build, run, step, text, cause, confidence, summary, advice, recurrence,
               source, prompt, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
            args![
                tenant,
                new.id.as_str(),
                new.job.as_str(),
                new.build.as_str(),
                new.run,
                new.step.as_str(),
                new.text.as_str(),
                new.cause.as_str(),
                new.confidence,
                new.summary.as_str(),
                new.advice.as_str(),
                new.recurrence.as_str(),
                new.source.as_str(),
                new.prompt.as_deref(),
                new.created_at,
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Those of a job, the newest first, up to `limit`.
pub async fn of_job(tx: &mut Tx<'_>, tenant: &TenantId, job: &str, limit: u32) -> Result<Vec<Triage>, Error> {
    let sql = select!("AND job = $2 ORDER BY created_at DESC, id DESC LIMIT $3 + 0");
    tx.fetch_all(sql, args![tenant, job, limit]).await?.iter().map(read).collect()
}

/// The newest of all, up to `limit`.
pub async fn latest(tx: &mut Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<Triage>, Error> {
    let sql = select!("ORDER BY created_at DESC, id DESC LIMIT $2 + 0");
    tx.fetch_all(sql, args![tenant, limit]).await?.iter().map(read).collect()
}

/// That of a run.
pub async fn of_run(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId) -> Result<Option<Triage>, Error> {
    tx.fetch_optional(select!("AND run = $2"), args![tenant, run]).await?.as_ref().map(read).transpose()
}

/// Notes what mended one, and by whose word; false where there is no such.
pub async fn fixed(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &str,
    (by, at, told_by): (&str, Micros, &str),
) -> Result<bool, Error> {
    let sql = "UPDATE triages SET fixed_by = $3, fixed_at = $4, told_by = $5 WHERE tenant = $1 AND id = $2";
    Ok(tx.execute(sql, args![tenant, id, by, at, told_by]).await? == 1)
}

/// Runs that have failed since then and that nobody has looked at, the oldest first, up to `limit`.
pub async fn untriaged(tx: &mut Tx<'_>, since: Micros, limit: u32) -> Result<Vec<(TenantId, RunId)>, Error> {
    let sql = "SELECT tenant, id FROM ends WHERE finished_at >= $1 AND (outcome = 'failed' OR outcome = 'dead')
           AND NOT EXISTS (SELECT 1 FROM triages AS known WHERE known.tenant = ends.tenant AND known.run = ends.id)
         ORDER BY finished_at LIMIT $2 + 0";
    let rows = tx.fetch_all(sql, args![since, limit]).await?;
    rows.iter().map(|row| Ok((row.parsed("tenant")?, row.run("id")?))).collect()
}

/// Notes of failures since then whose run has ended well meanwhile that trying it again has mended them. Returns how many.
pub async fn mended_by_retry(tx: &mut Tx<'_>, (since, now): (Micros, Micros)) -> Result<u64, Error> {
    let sql = "UPDATE triages SET fixed_by = 'trying it again', fixed_at = $2, told_by = ''
         WHERE created_at >= $1 AND fixed_at IS NULL AND run IS NOT NULL AND EXISTS (
           SELECT 1 FROM ends WHERE ends.id = triages.run AND ends.tenant = triages.tenant AND ends.outcome = 'succeeded')";
    tx.execute(sql, args![since, now]).await
}

fn read(row: &Row) -> Result<Triage, Error> {
    let fixed = match (row.optional_text("fixed_by")?, row.optional_int("fixed_at")?, row.optional_text("told_by")?) {
        (Some(by), Some(at), Some(told_by)) => Some((by, at, told_by)),
        _ => None,
    };
    Ok(Triage {
        id: row.text("id")?,
        job: row.text("job")?,
        build: row.text("build")?,
        run: row.optional_run("run")?,
        step: row.text("step")?,
        text: row.text("text")?,
        cause: Cause::parse(&row.text("cause")?).ok_or_else(|| Error::unreadable("cause"))?,
        confidence: u32::try_from(row.int("confidence")?).map_err(|_| Error::unreadable("confidence"))?,
        summary: row.text("summary")?,
        advice: row.text("advice")?,
        recurrence: Risk::parse(&row.text("recurrence")?).ok_or_else(|| Error::unreadable("recurrence"))?,
        source: row.text("source")?,
        prompt: row.optional_text("prompt")?,
        created_at: row.int("created_at")?,
        fixed,
    })
}
