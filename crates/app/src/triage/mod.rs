//! Triage: why something failed, what to do about it, and what has mended such a failure before.
//!
//! Read first: [`Report`]. `judge` makes one, from what was printed, what the tenant remembers, what was changed shortly
//! before and a model where there is one; `sweep` looks at runs that have failed, once each, in the background.

mod judge;
mod sweep;

pub use sweep::{Swept, sweep};

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::run::Status;
use pilothouse_domain::triage::{Cause, Risk};
use pilothouse_domain::{Code, Micros, Role, RunId};
use pilothouse_store::audit as audit_rows;
use pilothouse_store::runs::{self, Run};
use pilothouse_store::triages::{self as rows, Triage};
use serde_json::{Value, json};

use self::judge::{Failed, judge};
use crate::{App, Caller, Error, audit, gates};

/// Most reports that are listed.
pub const MAX_REPORTS: u32 = 100;
/// Failures that are remembered when others are compared with them.
const REMEMBERED: u32 = 500;
/// Longest name of a job or a build, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Most bytes of what was printed that is looked at.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// Longest word on what mended something, in characters.
const MAX_FIX_CHARS: usize = 500;

/// What is made of a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Why it failed.
    pub cause: Cause,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// What is going on.
    pub summary: String,
    /// What to do.
    pub advice: String,
    /// How likely it happens again.
    pub recurrence: Risk,
    /// Who says so: `heuristic` or `model`.
    pub source: &'static str,
    /// The version of what the model was told, where one was asked.
    pub prompt: Option<String>,
}

/// A failure somebody wants to have looked at.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What failed.
    pub job: String,
    /// Which build of it; a run's id where it was one.
    pub build: String,
    /// What it printed; none means what is known of the run.
    pub text: Option<String>,
}

/// A remembered failure, and how much it is like what is looked for.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub triage: Triage,
    /// From 0 to 1.
    pub score: f64,
}

/// Looks why something failed, and remembers it.
///
/// # Errors
/// [`Code::TriageUnfit`] where there is no such run that failed and nothing that it printed, those of the gates and of the
/// database.
pub async fn triage(app: &App, caller: &Caller, wish: Wish) -> Result<(Triage, Report), Error> {
    let payload = json!({"job_name": wish.job, "build_id": wish.build});
    let action = audit::action("triage.run", Tier::Write, Role::Viewer, &wish.job, &payload);
    gates::pass(app, caller, &action).await?;
    for (name, value) in [("job_name", &wish.job), ("build_id", &wish.build)] {
        if value.chars().count() > MAX_NAME_CHARS {
            return Err(Error::unfit(name, &format!("it has at most {MAX_NAME_CHARS} characters"), Value::Null));
        }
    }
    if wish.text.as_ref().is_some_and(|text| text.len() > MAX_TEXT_BYTES) {
        return Err(Error::new(Code::BodyTooLarge, format!("error_text has at most {MAX_TEXT_BYTES} bytes.")));
    }
    let tenant = &caller.principal.tenant;
    let run = run_of(app, caller, &wish.build).await?;
    let failed = match (&run, wish.text) {
        (_, Some(text)) => Failed { job: wish.job, build: wish.build, run: None, step: String::new(), text },
        (Some(run), None) if matches!(run.status, Status::Failed | Status::Dead) => {
            Failed { job: wish.job, build: wish.build, ..judge::of_run(app, run).await? }
        }
        (Some(_), None) => return Err(unfit("triage requires FAILED state or explicit error_text")),
        (None, None) => return Err(unfit("error_text is required when no execution record exists")),
    };
    let report = judge(app, tenant, &failed).await?;
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let triage = remembered(app, &failed, &report);
    let (of, row) = (tenant.clone(), triage.clone());
    let kept = app.store.write(move |tx| {
        Box::pin(async move {
            // One that was looked at in the background already is told once more, and not remembered twice.
            if let Some(run) = row.run
                && let Some(known) = rows::of_run(tx, &of, run).await?
            {
                return Ok(known.id);
            }
            rows::add(tx, &of, &row).await?;
            audit_rows::append(tx, &entry).await.map(|_| row.id)
        })
    });
    let id = kept.await?;
    Ok((Triage { id, ..triage }, report))
}

fn unfit(why: &str) -> Error {
    Error::new(Code::TriageUnfit, why)
}

async fn run_of(app: &App, caller: &Caller, build: &str) -> Result<Option<Run>, Error> {
    let Ok(id) = build.parse::<RunId>() else { return Ok(None) };
    let tenant = caller.principal.tenant.clone();
    Ok(app.store.read(move |tx| Box::pin(async move { runs::get(tx, &tenant, id).await })).await?)
}

fn remembered(app: &App, failed: &Failed, report: &Report) -> Triage {
    let at = app.clock.now();
    Triage {
        id: format!("tri_{}", app.ids.uuid(at).simple()),
        job: failed.job.clone(),
        build: failed.build.clone(),
        run: failed.run,
        step: failed.step.clone(),
        text: judge::kept(&failed.text),
        cause: report.cause,
        confidence: (report.confidence * 1_000.0).round() as u32,
        summary: report.summary.clone(),
        advice: report.advice.clone(),
        recurrence: report.recurrence,
        source: report.source.to_owned(),
        prompt: report.prompt.clone(),
        created_at: at,
        fixed: None,
    }
}

/// The failures of a job, the newest first, and after them those of others that are like its last one.
///
/// # Errors
/// Those of the gates and of the database.
pub async fn of_job(app: &App, caller: &Caller, job: &str, limit: u32) -> Result<Vec<Found>, Error> {
    gates::pass(app, caller, &audit::action("triage.get", Tier::Read, Role::Viewer, job, &())).await?;
    let (tenant, named, limit) = (caller.principal.tenant.clone(), job.to_owned(), limit.clamp(1, MAX_REPORTS));
    let read = app.store.read(move |tx| {
        Box::pin(async move {
            let own = rows::of_job(tx, &tenant, &named, limit).await?;
            let others = rows::latest(tx, &tenant, REMEMBERED).await?;
            Ok((own, others))
        })
    });
    let (own, others) = read.await?;
    let like = match own.first() {
        Some(last) => judge::alike(&last.text, others.into_iter().filter(|other| other.job != job)),
        None => Vec::new(),
    };
    let mut found: Vec<Found> = own.into_iter().map(|triage| Found { triage, score: 1.0 }).collect();
    found.extend(like);
    found.truncate(limit as usize);
    Ok(found)
}

/// What was made of a run's failure.
///
/// # Errors
/// [`Code::NotFound`] where it has not failed, or not been looked at yet; those of the gates and of the database.
pub async fn of_run(app: &App, caller: &Caller, run: RunId) -> Result<Triage, Error> {
    gates::pass(app, caller, &audit::action("triage.get", Tier::Read, Role::Viewer, &run.to_string(), &())).await?;
    let tenant = caller.principal.tenant.clone();
    let known = app.store.read(move |tx| Box::pin(async move { rows::of_run(tx, &tenant, run).await })).await?;
    known.ok_or_else(|| Error::not_found("report"))
}

/// Notes what mended a failure, so that whoever meets one like it is told.
///
/// # Errors
/// [`Code::NotFound`], [`Code::BodyInvalid`], those of the gates and of the database.
pub async fn fixed(app: &App, caller: &Caller, id: &str, by: &str) -> Result<(), Error> {
    let action: Action = audit::action("triage.fixed", Tier::Write, Role::Member, id, &by);
    gates::pass(app, caller, &action).await?;
    if by.trim().is_empty() || by.chars().count() > MAX_FIX_CHARS {
        return Err(Error::unfit("fixed_by", &format!("it has 1 to {MAX_FIX_CHARS} characters"), Value::Null));
    }
    let (tenant, told_by, at) = (caller.principal.tenant.clone(), caller.principal.subject.clone(), app.clock.now());
    let (id, by) = (id.to_owned(), by.to_owned());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let noted = app.store.write(move |tx| {
        Box::pin(async move {
            let noted = rows::fixed(tx, &tenant, &id, (&by, at, &told_by)).await?;
            if noted {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(noted)
        })
    });
    if noted.await? { Ok(()) } else { Err(Error::not_found("report")) }
}

/// How long before something failed what was changed may be why.
const SHORTLY: Micros = 24 * 3600 * pilothouse_domain::clock::SECOND;
