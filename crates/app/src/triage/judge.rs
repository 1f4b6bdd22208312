//! A report on a failure: what it printed is read, compared with what the tenant remembers and with what was changed shortly
//! before; a model may word it better, and is not believed against all of that.

use pilothouse_ai::triage::{format, read, similarity};
use pilothouse_domain::ledger::Payer;
use pilothouse_domain::triage::{Cause, Reading, Risk};
use pilothouse_domain::{Micros, RunId, TenantId};
use pilothouse_store::audit::{self as audit_rows, Record};
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::Run;
use pilothouse_store::triages::{self as rows, Triage};
use serde::Deserialize;
use serde_json::json;

use super::{Found, REMEMBERED, Report, SHORTLY};
use crate::gateway::{Chat, Message, Role, Wish};
use crate::{App, Error, audit};

/// What a model is told to do.
const PROMPT: &str = "triage";
/// What charges for it are told apart by.
const TASK: &str = "triage";
/// From which likeness on one failure is taken for another that is remembered.
const ALIKE: f64 = 0.6;
/// From which on it is the same once more.
const THE_SAME: f64 = 0.9;
/// Least likeness that is shown.
const LEAST_ALIKE: f64 = 0.25;
/// Confidence below which a model may name another cause.
const UNSURE: f64 = 0.55;
/// Most bytes of what was printed that are kept, and that a model is told: the first quarter and the end.
const MAX_KEPT_BYTES: usize = 8 << 10;
/// Rows of the audit log that are looked through for changes.
const MAX_LOOKED: u32 = 200;
/// What can break what ran before, by what their actions begin with.
const CHANGES: [&str; 9] =
    ["semantic.", "policy.", "connection.", "rules.put", "prompt.", "budget.", "ai.provider", "token.revoke", "queue."];

/// A failure.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub job: String,
    pub build: String,
    pub run: Option<RunId>,
    pub step: String,
    pub text: String,
}

/// A run's failure, with what its steps said.
pub(super) async fn of_run(app: &App, run: &Run) -> Result<Failed, Error> {
    let journal = app.engine.journal(&run.tenant, run.id).await?;
    let entries: Vec<Entry> = journal.into_iter().flat_map(|(_, entries)| entries).collect();
    let broken = entries.iter().rev().find(|entry| entry.kind == EntryKind::Step && entry.error.is_some());
    let logged = entries.iter().filter(|entry| entry.kind == EntryKind::Log);
    let told = logged.map(|entry| format!("{} {}", entry.name, entry.summary));
    let last = [run.error_code.clone(), run.error_message.clone()];
    let error = format!("error: {}", last.into_iter().flatten().collect::<Vec<_>>().join(": "));
    let text = told.chain(broken.and_then(|entry| entry.error.clone())).chain([error]).collect::<Vec<_>>().join("\n");
    let job = if run.key.is_empty() { run.kind.clone() } else { run.key.clone() };
    let step = broken.map(|entry| entry.name.clone()).unwrap_or_default();
    Ok(Failed { job, build: run.id.to_string(), run: Some(run.id), step, text })
}

/// What is made of a failure.
pub(super) async fn judge(app: &App, tenant: &TenantId, failed: &Failed) -> Result<Report, Error> {
    let (report, is_known) = by_heart(app, tenant, failed).await?;
    // Of what fails again and again a model would say the same again and again, for money.
    if is_known {
        return Ok(report);
    }
    match by_model(app, tenant, failed, &report).await {
        Ok(Some(better)) => Ok(better),
        Ok(None) => Ok(report),
        Err(error) => {
            tracing::info!(code = error.code.as_str(), "a failure was looked at without a model: {error}");
            Ok(report)
        }
    }
}

/// What is made of it without a model, and whether it is what has failed before.
async fn by_heart(app: &App, tenant: &TenantId, failed: &Failed) -> Result<(Report, bool), Error> {
    let (of, now, scope) = (tenant.clone(), app.clock.now(), tenant.to_string());
    let looked = app.store.read(move |tx| {
        Box::pin(async move {
            let known = rows::latest(tx, &of, REMEMBERED).await?;
            let changes = audit_rows::list(tx, &scope, None, MAX_LOOKED).await?;
            Ok((known, changes))
        })
    });
    let (known, changes) = looked.await?;
    let own = read(&format!("{}\n{}", failed.step, failed.text));
    let before = known.iter().filter(|known| known.run != failed.run || known.run.is_none());
    let alike = alike(&failed.text, before.cloned());
    let is_known = alike.first().is_some_and(|found| found.score >= THE_SAME);
    Ok((put_together(own, &alike, &changed(&changes, now), failed), is_known))
}

/// What the words, the memory and the changes say together.
fn put_together(own: Reading, alike: &[Found], changes: &[String], failed: &Failed) -> Report {
    let nearest = alike.first().filter(|found| found.score >= ALIKE && found.triage.cause != Cause::Unknown);
    let (cause, confidence) = match nearest {
        Some(found) if own.cause == Cause::Unknown => {
            (found.triage.cause, f64::from(found.triage.confidence) / 1_000.0 * found.score)
        }
        Some(found) if found.triage.cause == own.cause => (own.cause, (own.confidence + 0.05).min(0.97)),
        _ => (own.cause, own.confidence),
    };
    let times = alike.iter().filter(|found| found.score >= ALIKE && found.triage.cause == cause).count();
    let mut summary = cause.summary().to_owned();
    if !own.line.is_empty() {
        summary.push_str(&format!(" It says: {}", cut(&own.line, 300)));
    }
    if !failed.step.is_empty() {
        summary.push_str(&format!(" (in the step {})", failed.step));
    }
    if times > 0 {
        summary.push_str(&format!(" It was like this {times} times before."));
    }
    let mut advice = cause.advice().to_owned();
    if let Some((by, ..)) =
        alike.iter().filter(|found| found.score >= ALIKE).find_map(|found| found.triage.fixed.clone())
    {
        advice = format!("This was fixed by: {by}. Otherwise: {advice}");
    }
    if !changes.is_empty() && !matches!(cause, Cause::Network | Cause::Quota) {
        advice.push_str(&format!(" Changed shortly before: {}.", changes.join(", ")));
    }
    let confidence = (confidence.clamp(0.0, 1.0) * 100.0).round() / 100.0;
    Report {
        cause,
        confidence,
        summary,
        advice,
        recurrence: cause.recurrence().after(times),
        source: "heuristic",
        prompt: None,
    }
}

/// What was changed shortly before, the newest first.
fn changed(records: &[Record], now: Micros) -> Vec<String> {
    let is_change = |action: &str| CHANGES.iter().any(|begins| action.starts_with(begins)) && !action.ends_with(".get");
    let recent = records
        .iter()
        .map(|record| &record.entry)
        .filter(|entry| now - entry.at <= SHORTLY && entry.code.is_empty() && is_change(&entry.action));
    recent.take(3).map(|entry| format!("{} {} by {}", entry.action, entry.resource, entry.subject)).collect()
}

/// Those that are like it, the likest first.
pub(super) fn alike(text: &str, known: impl Iterator<Item = Triage>) -> Vec<Found> {
    let found = known.map(|triage| Found { score: similarity(text, &triage.text), triage });
    let mut found: Vec<Found> = found.filter(|found| found.score >= LEAST_ALIKE).collect();
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    for one in &mut found {
        one.score = (one.score * 10_000.0).round() / 10_000.0;
    }
    found
}

/// What a model says.
#[derive(Deserialize)]
struct Said {
    root_cause_class: String,
    confidence: f64,
    human_summary: String,
    recommended_action: String,
    recurrence_risk: String,
}

/// What a model makes of it; none where there is no model. It words what the rest says; another cause it may name only where
/// that is unsure.
async fn by_model(app: &App, tenant: &TenantId, failed: &Failed, own: &Report) -> Result<Option<Report>, Error> {
    if !app.gateway.is_configured(tenant).await? {
        return Ok(None);
    }
    let told = app.prompts.told(tenant, PROMPT, app.gateway.draw()).await?;
    let about = json!({"job": failed.job, "step": failed.step, "printed": kept(&failed.text),
        "first_look": {"root_cause_class": own.cause, "confidence": own.confidence, "human_summary": own.summary,
            "recommended_action": own.advice}});
    let mut chat = Chat::new(
        String::new(),
        vec![Message::new(Role::System, told.prompt.text.clone()), Message::new(Role::User, about.to_string())],
        0,
    );
    chat.format = format();
    let payer = Payer { task: Some(TASK.to_owned()), run: failed.run.map(|run| run.to_string()), ..Payer::default() };
    let entry = audit::by_itself(tenant, app.clock.now(), ("ai.complete", TASK.to_owned()), "");
    let wish = Wish { chat, payer, step: None, prompt: Some(told.id()), entry: Some(entry) };
    let answered = app.gateway.complete(tenant, wish).await?;
    let Ok(said) = serde_json::from_value::<Said>(answered.value.unwrap_or_default()) else { return Ok(None) };
    let named = Cause::parse(&said.root_cause_class).filter(|cause| *cause != Cause::Unknown);
    let agrees = named == Some(own.cause);
    let (cause, confidence) = match named {
        Some(cause) if agrees => (cause, own.confidence.max(said.confidence.clamp(0.0, 0.97))),
        Some(cause) if own.confidence < UNSURE => (cause, said.confidence.clamp(0.0, 0.8)),
        Some(_) => (own.cause, (own.confidence - 0.2).max(0.3)),
        None => (own.cause, own.confidence),
    };
    let words = |text: String, otherwise: &str| {
        if text.trim().is_empty() { otherwise.to_owned() } else { cut(text.trim(), 1_000) }
    };
    let is_believed = cause == own.cause && agrees || named == Some(cause);
    if !is_believed {
        return Ok(Some(Report { confidence, prompt: Some(told.id()), ..own.clone() }));
    }
    Ok(Some(Report {
        cause,
        confidence: (confidence * 100.0).round() / 100.0,
        summary: words(said.human_summary, &own.summary),
        // What has helped before stands first, whoever words the rest.
        advice: if own.advice.starts_with("This was fixed by") {
            own.advice.clone()
        } else {
            words(said.recommended_action, &own.advice)
        },
        recurrence: own.recurrence.max(Risk::parse(&said.recurrence_risk).unwrap_or(Risk::Low)),
        source: "model",
        prompt: Some(told.id()),
    }))
}

/// What is kept of what was printed: the beginning, and more of the end.
pub(super) fn kept(text: &str) -> String {
    if text.len() <= MAX_KEPT_BYTES {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(MAX_KEPT_BYTES / 4);
    let tail = text.ceil_char_boundary(text.len() - MAX_KEPT_BYTES * 3 / 4);
    format!("{}\n…\n{}", &text[..head], &text[tail..])
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
