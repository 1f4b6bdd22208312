//! A query that was previewed, run: once, however often and by however many it is asked for.

use pilothouse_domain::action::Tier;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::approval::State;
use pilothouse_domain::audit::Outcome as AuditOutcome;
use pilothouse_domain::cost::Forecast;
use pilothouse_domain::run::Status;
use pilothouse_domain::{ApprovalId, Code, PreviewId, Role, RunId};
use pilothouse_engine::Request;
use pilothouse_store::approvals::Approval;
use pilothouse_store::costs::Preview;
use pilothouse_store::runs::Run;
use serde_json::{Map, Value};

use super::KIND;
use super::asking::stopped;
use super::judged::WaitsFor;
use super::workflow::{Blocked, Input, Outcome};
use crate::ask::{self, ResponseType};
use crate::runs::{Decision, begin};
use crate::{App, Caller, Error, approvals, audit, gates};

/// Tries before a query is a dead letter.
const MAX_ATTEMPTS: i64 = 3;
/// Characters of the statement that lists of runs show.
const TITLE_CHARS: usize = 120;

/// What has become of a query.
#[derive(Debug, Clone)]
pub enum Ran {
    /// It has run.
    Executed(Rows),
    /// It does not run.
    Blocked(Blocked),
    /// Its run goes on.
    Goes(RunId),
    /// It waits for people, for these reasons.
    Waits {
        /// For which approval.
        approval: ApprovalId,
        /// Why.
        reasons: Vec<String>,
    },
    /// Somebody else has asked for it, and it may run now, for them.
    Agreed(ApprovalId),
}

/// What a query has found.
#[derive(Debug, Clone)]
pub struct Rows {
    /// By which run.
    pub run: RunId,
    /// The rows, each a value by the name of its column.
    pub rows: Vec<Value>,
    /// Whether rows were left out, since there were more than one answer may have.
    pub truncated: bool,
    /// Bytes that it was expected to read, where that was known.
    pub estimated_bytes: Option<u64>,
    /// Bytes that it has read, where the engine tells.
    pub actual_bytes: Option<u64>,
}

/// Runs the query of a preview, or finds the run that has. Where it needs an approval that the caller may give, this gives
/// it; its rows are for whoever has asked.
pub async fn run(app: &App, caller: &Caller, id: PreviewId) -> Result<Ran, Error> {
    let action = audit::action("query.start", Tier::Read, Role::Member, &id.to_string(), &());
    gates::pass(app, caller, &action).await?;
    let tenant = &caller.principal.tenant;
    let Some(preview) = app.sources.reads.kept(tenant, RunId(id.0)).await? else {
        return question(app, caller, RunId(id.0)).await;
    };
    let is_own = preview.asked_by == caller.principal.subject;
    if preview.waits_for != WaitsFor::Approver.as_str() {
        return if is_own { go(app, caller, preview, None).await } else { Err(unknown()) };
    }
    let approval = ApprovalId(id.0);
    let agreed = agreed(app, caller, approval).await?;
    match agreed.state {
        State::Approved if !is_own => Ok(Ran::Agreed(approval)),
        State::Approved | State::Used if is_own => go(app, caller, preview, Some(approval)).await,
        State::Pending => {
            let reasons = serde_json::from_str(&preview.reasons).unwrap_or_default();
            Ok(Ran::Waits { approval, reasons })
        }
        _ => {
            let why = stopped(agreed.state, agreed.changed_by.as_deref(), agreed.changed_because.as_deref());
            Ok(Ran::Blocked(Blocked { reasons: vec![why], ..Blocked::default() }))
        }
    }
}

/// The same for a question in words: its own run goes on once enough people have agreed.
async fn question(app: &App, caller: &Caller, id: RunId) -> Result<Ran, Error> {
    let tenant = &caller.principal.tenant;
    let run = app.engine.get(tenant, id).await?.filter(|run| run.kind == ask::KIND).ok_or_else(unknown)?;
    if let Some(approval) = approvals::of_run(app, tenant, id).await? {
        let agreed = agreed(app, caller, approval.id).await?;
        if agreed.state == State::Pending {
            return Ok(Ran::Waits { approval: agreed.id, reasons: vec![agreed.because] });
        }
        if run.subject != caller.principal.subject {
            return Ok(Ran::Agreed(agreed.id));
        }
    }
    if run.subject != caller.principal.subject {
        return Err(unknown());
    }
    let run = patiently(app, caller, id).await?;
    if run.output.is_none() {
        return unfinished(&run);
    }
    let ask::Answer { response_type, data, summary, .. } = ask::answer_of(&run);
    match response_type {
        ResponseType::QueryResult => Ok(Ran::Executed(Rows {
            run: run.id,
            rows: data["rows"].as_array().cloned().unwrap_or_default(),
            truncated: data["truncated"].as_bool().unwrap_or_default(),
            estimated_bytes: data["cost"]["estimated_bytes"].as_u64(),
            actual_bytes: data["cost"]["bytes_scanned"].as_u64(),
        })),
        ResponseType::Blocked => {
            let reasons = serde_json::from_value(data["reasons"].clone()).unwrap_or_default();
            Ok(Ran::Blocked(Blocked { reasons, ..Blocked::default() }))
        }
        _ => Ok(Ran::Blocked(Blocked { reasons: vec![summary], ..Blocked::default() })),
    }
}

/// The approval, once the caller has agreed, if they may.
async fn agreed(app: &App, caller: &Caller, id: ApprovalId) -> Result<Approval, Error> {
    let hidden = |error: Error| if error.code == Code::ApprovalUnknown { unknown() } else { error };
    let detail = approvals::get(app, caller, id).await.map_err(hidden)?;
    let seen = detail.approval;
    if seen.state != State::Pending || detail.objection.is_some() {
        return Ok(seen);
    }
    let decision = Decision { approved: true, words: None };
    approvals::decide(app, caller, id, decision, Some(&seen.payload_hash)).await
}

/// Starts the run, and waits for it as long as a request may.
async fn go(app: &App, caller: &Caller, preview: Preview, approval: Option<ApprovalId>) -> Result<Ran, Error> {
    let action = audit::action("query.run", Tier::Read, Role::Member, "", &preview.sql);
    let id = PreviewId::from(preview.id);
    let forecast: Forecast = serde_json::from_str(&preview.forecast).unwrap_or_default();
    let title = preview.sql.chars().take(TITLE_CHARS).collect::<String>();
    let input = Input {
        preview: id,
        connection: preview.connection,
        sql: preview.sql,
        forecast,
        approval,
        role: caller.principal.role,
        request_id: caller.request_id.clone(),
    };
    let input =
        serde_json::to_string(&input).map_err(|_| Error::new(Code::Internal, "The query could not be stored."))?;
    let request = Request {
        idempotency_key: Some(format!("preview:{id}")),
        max_attempts: MAX_ATTEMPTS,
        audit: Some(audit::entry(app, caller, &action, AuditOutcome::Allowed, None)),
        ..Request::new(KIND, caller.principal.subject.clone(), title, input)
    };
    let started = begin(app, caller, request).await?;
    let run = patiently(app, caller, started.id).await?;
    let Some(output) = &run.output else { return unfinished(&run) };
    let outcome = serde_json::from_str(output)
        .map_err(|_| Error::new(Code::WorkflowVersion, "What the run has found is of another version."))?;
    Ok(match outcome {
        Outcome::Executed { result, forecast } => Ran::Executed(Rows {
            run: run.id,
            truncated: result.truncated,
            estimated_bytes: forecast.bytes,
            actual_bytes: result.bytes_scanned,
            rows: named(result),
        }),
        Outcome::Blocked(blocked) => Ran::Blocked(blocked),
    })
}

/// The run, once it has ended, or as it stands when a request has waited as long as it may.
async fn patiently(app: &App, caller: &Caller, id: RunId) -> Result<Run, Error> {
    let patience = app.settings.ask.patience(None);
    app.engine.wait(&caller.principal.tenant, id, patience).await?.ok_or_else(unknown)
}

fn unfinished(run: &Run) -> Result<Ran, Error> {
    if !matches!(run.status, Status::Failed | Status::Dead | Status::Cancelled) {
        return Ok(Ran::Goes(run.id));
    }
    let code = run.error_code.as_deref().and_then(Code::parse).unwrap_or(Code::RunCancelled);
    let message = run.error_message.clone().unwrap_or_else(|| "The run was cancelled.".to_owned());
    Err(Error::new(code, message))
}

/// The rows by the names of their columns; where two have one name, the later is told apart by a number.
fn named(result: ResultSet) -> Vec<Value> {
    let mut names: Vec<String> = Vec::with_capacity(result.columns.len());
    for (name, _) in result.columns {
        let taken = |name: &String| names.contains(name);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name));
        names.extend(free);
    }
    let row = |row: Vec<Value>| names.iter().cloned().zip(row).collect::<Map<String, Value>>();
    result.rows.into_iter().map(row).map(Value::Object).collect()
}

/// There is none that the caller may know of.
fn unknown() -> Error {
    Error::new(Code::PreviewUnknown, "preview_id not found")
}
