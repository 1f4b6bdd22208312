//! What people do with one run: cancel, retry, discard, signal, decide; and with those that vanished workers held.
//!
//! The order is the same for all: the run is looked up (404), then the caller's right to it (403), then whether its
//! state allows it (409). The change and its audit row are one commit; what changes nothing writes no row.

use std::time::Duration;

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Code, Micros, Role, RunId, TenantId};
use pilothouse_store::runs::{self, NewSignal, Run};
use pilothouse_store::{BoxFuture, Error as StoreError, Tx, audit as audit_rows, journal};
use serde::Serialize;
use serde_json::{Value, json};

use super::{look, stuck_one, unknown};
use crate::{App, Caller, Error, Field, approvals, audit, gates};

/// The signal that an approval or a rejection is sent as.
pub const APPROVAL: &str = "approval";

/// Most bytes of a signal's payload, as JSON.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Most signals that one run is sent.
const MAX_SIGNALS: i64 = 1_000;
/// Longest name of a signal, in bytes.
const MAX_SIGNAL_NAME: usize = 64;
/// Longest key of a signal, in characters.
const MAX_KEY_CHARS: usize = 200;
/// Longest reason or comment, in characters.
const MAX_REASON_CHARS: usize = 500;
const MAX_COMMENT_CHARS: usize = 2_000;

/// The unit of work that a change is made in: which run, and when.
struct Unit {
    tenant: TenantId,
    id: RunId,
    now: Micros,
}

/// What became of a change.
enum Made {
    /// The run as it stands now.
    Changed(Run),
    /// There was nothing to change.
    Unchanged(Run),
    /// Its state does not allow it.
    Refused(Error),
}

/// Cancels a run; one that has ended stays as it is. Returns it as it stands then, and whether this changed it.
pub async fn cancel(app: &App, caller: &Caller, id: RunId) -> Result<(Run, bool), Error> {
    let action = own_or_all(app, caller, id, "run.cancel", Tier::Destructive, &id).await?;
    make(app, caller, id, action, |tx, Unit { tenant, id, now }| {
        Box::pin(async move {
            let before = runs::get(tx, &tenant, id).await?;
            let Some((run, changed)) = runs::cancel(tx, &tenant, id, now).await? else { return gone() };
            // A run that is stopping already is not stopped twice.
            let again = before.is_some_and(|before| before.cancel_requested && run.status == before.status);
            Ok(if changed && !again { Made::Changed(run) } else { Made::Unchanged(run) })
        })
    })
    .await
}

/// Cancels a run that stands in line; any other stays as it is. Returns it as it stands then, and whether this changed
/// it.
pub async fn withdraw(app: &App, caller: &Caller, id: RunId) -> Result<(Run, bool), Error> {
    let action = own_or_all(app, caller, id, "run.cancel", Tier::Destructive, &id).await?;
    make(app, caller, id, action, |tx, Unit { tenant, id, now }| {
        Box::pin(async move {
            let Some(run) = runs::get(tx, &tenant, id).await? else { return gone() };
            if run.status != Status::Queued {
                return Ok(Made::Unchanged(run));
            }
            let Some((run, _)) = runs::cancel(tx, &tenant, id, now).await? else { return gone() };
            // A worker may have taken it in between: then it is told to stop, as by any wish to cancel.
            Ok(Made::Changed(run))
        })
    })
    .await
}

/// Has a run tried again that did not end well; one that has not ended, or that ended well, stays as it is. Returns it
/// as it stands then, and whether this changed it. A dead letter that was discarded is refused.
pub async fn retry(app: &App, caller: &Caller, id: RunId) -> Result<(Run, bool), Error> {
    let action = own_or_all(app, caller, id, "run.retry", Tier::Write, &id).await?;
    make(app, caller, id, action, |tx, unit| Box::pin(retried(tx, unit))).await
}

async fn retried(tx: &mut Tx<'_>, Unit { tenant, id, now }: Unit) -> Result<Made, StoreError> {
    let before = runs::get(tx, &tenant, id).await?;
    if before.is_some_and(|run| run.discarded_at.is_some()) {
        return Ok(Made::Refused(discarded()));
    }
    Ok(match runs::retry(tx, &tenant, id, now).await? {
        Some((run, true)) => Made::Changed(run),
        Some((run, false)) => Made::Unchanged(run),
        None => return gone(),
    })
}

/// As [`retry`]; a run that stands still is besides taken from the worker that holds it, which only operators may do.
pub async fn revive(app: &App, caller: &Caller, id: RunId) -> Result<(Run, bool), Error> {
    let run = look(app, caller, id).await?.run;
    let is_still = run.status == Status::Running && stuck_one(app, caller, id).await?.is_some();
    if !is_still {
        return retry(app, caller, id).await;
    }
    let action = audit::action("run.retry", Tier::Write, Role::Operator, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    make(app, caller, id, action, |tx, Unit { tenant, id, now }| {
        Box::pin(async move {
            match runs::take_one(tx, &tenant, id, now).await? {
                Some(run) => Ok(Made::Changed(run)),
                None => Ok(runs::get(tx, &tenant, id).await?.map_or_else(|| Made::Refused(unknown()), Made::Unchanged)),
            }
        })
    })
    .await
}

/// Decides that nothing is to be done about a dead letter.
pub async fn discard(app: &App, caller: &Caller, id: RunId, reason: &str) -> Result<Run, Error> {
    look(app, caller, id).await?;
    let reason = self::reason(reason)?;
    let action =
        audit::action("run.discard", Tier::Destructive, Role::Operator, &id.to_string(), &(id, reason.as_str()));
    gates::pass(app, caller, &action).await?;
    let by = caller.principal.subject.clone();
    let made = make(app, caller, id, action, move |tx, Unit { tenant, id, now }| {
        Box::pin(async move {
            let Some(run) = runs::get(tx, &tenant, id).await? else { return gone() };
            if run.discarded_at.is_some() {
                return Ok(Made::Refused(discarded()));
            }
            if !run.status.is_final() {
                return Ok(Made::Refused(active(&run, "discarded")));
            }
            if run.status != Status::Dead || !runs::discard(tx, &tenant, id, (&by, &reason), now).await? {
                return Ok(Made::Refused(finished(&run, "discarded: only dead letters are")));
            }
            Ok(runs::get(tx, &tenant, id).await?.map_or_else(|| Made::Refused(unknown()), Made::Changed))
        })
    });
    Ok(made.await?.0)
}

/// Sends a signal to a run that has not ended; it is kept until the run looks for it. Under a key it is sent once: who
/// sends it again, even after the run's end, finds the run as it stands.
pub async fn signal(
    app: &App,
    caller: &Caller,
    id: RunId,
    (name, payload): (&str, &Value),
    key: Option<String>,
) -> Result<Run, Error> {
    let action = own_or_all(app, caller, id, "run.signal", Tier::Write, &(id, name, payload)).await?;
    if key.as_deref().is_some_and(|key| key.trim().is_empty() || key.chars().count() > MAX_KEY_CHARS) {
        return Err(of_key(&format!("it has 1 to {MAX_KEY_CHARS} characters")));
    }
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if name.is_empty() || name.len() > MAX_SIGNAL_NAME || !name.bytes().all(is_plain) {
        let message = format!("A signal's name has 1 to {MAX_SIGNAL_NAME} of the characters a-z, 0-9, _, . and -.");
        return Err(Error::new(Code::QueryInvalid, message));
    }
    if name == APPROVAL {
        let message = "An approval is given by approving or rejecting the run.";
        return Err(Error::new(Code::QueryInvalid, message));
    }
    let (name, payload, by) = (name.to_owned(), payload.to_string(), caller.principal.subject.clone());
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(Error::new(Code::RunTooLarge, format!("A signal has at most {MAX_PAYLOAD_BYTES} bytes.")));
    }
    let made = make(app, caller, id, action, move |tx, Unit { tenant, id, now }| {
        Box::pin(async move {
            let sent = match &key {
                Some(key) => runs::signal_under(tx, &tenant, id, key).await?,
                None => None,
            };
            let Some(before) = runs::get(tx, &tenant, id).await? else { return gone() };
            if let Some(sent) = sent {
                let is_same = sent.name == name && sent.payload == payload;
                let other = || Made::Refused(of_key("another signal was sent under it"));
                return Ok(if is_same { Made::Unchanged(before) } else { other() });
            }
            if before.signals >= MAX_SIGNALS {
                let message = format!("A run takes at most {MAX_SIGNALS} signals.");
                return Ok(Made::Refused(Error::new(Code::RunTooLarge, message)));
            }
            let signal = NewSignal { name: &name, payload: &payload, sent_by: &by, key: key.as_deref() };
            let Some(run) = runs::signal(tx, &tenant, id, signal, now).await? else { return gone() };
            Ok(if run.status.is_final() { Made::Refused(finished(&run, "sent a signal")) } else { Made::Changed(run) })
        })
    });
    Ok(made.await?.0)
}

/// A person's decision about what waits for one.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// Whether it may go on.
    pub approved: bool,
    /// Why, in the person's words; a rejection needs them.
    pub words: Option<String>,
}

impl Decision {
    /// The decision with its words as they are kept.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        let words = match (&self.words, self.approved) {
            (Some(said), true) => Some(words(said, MAX_COMMENT_CHARS, "comment")?),
            (None, true) => None,
            (said, false) => Some(reason(said.as_deref().unwrap_or_default())?),
        };
        Ok(Self { words, ..self })
    }
}

/// Why somebody does something, without the blanks around it.
pub(crate) fn reason(text: &str) -> Result<String, Error> {
    words(text, MAX_REASON_CHARS, "reason")
}

/// Approves or rejects a run that waits for an approval: by the rules of that where it has one of its own, else the first
/// decision counts.
pub async fn decide(app: &App, caller: &Caller, id: RunId, decision: Decision) -> Result<Run, Error> {
    look(app, caller, id).await?;
    if let Some(approval) = approvals::of_run(app, &caller.principal.tenant, id).await? {
        approvals::decide(app, caller, approval.id, decision, None).await?;
        return Ok(look(app, caller, id).await?.run);
    }
    let kind = if decision.approved { "run.approve" } else { "run.reject" };
    let said = decision.clone().checked()?.words;
    let action = audit::action(kind, Tier::Write, Role::Operator, &id.to_string(), &(id, &decision));
    gates::pass(app, caller, &action).await?;
    let by = caller.principal.subject.clone();
    let payload = json!({"approved": decision.approved, "by": by, "words": said}).to_string();
    let made = make(app, caller, id, action, move |tx, Unit { tenant, id, now }| {
        Box::pin(async move {
            let held = runs::hold_waiting(tx, &tenant, id).await?;
            let Some(run) = runs::get(tx, &tenant, id).await? else { return gone() };
            let waits = journal::open_waits(tx, &tenant, id, run.seq).await?;
            if !held || !waits.iter().any(|wait| wait.name == APPROVAL) {
                let message = format!("The run is {} and waits for no approval.", run.status.as_str());
                return Ok(Made::Refused(Error::new(Code::RunNotWaiting, message)));
            }
            let sent = runs::signal(tx, &tenant, id, (APPROVAL, &payload, &by), now).await?;
            Ok(sent.map_or_else(|| Made::Refused(unknown()), Made::Changed))
        })
    });
    Ok(made.await?.0)
}

/// Takes back what vanished workers hold, without waiting until they have been watched for a lease. Returns how many of
/// the tenant's runs that were, and whether there may be more.
pub async fn reconcile(app: &App, caller: &Caller, stale_after_seconds: u64) -> Result<(usize, bool), Error> {
    let action = audit::action("run.reconcile", Tier::Write, Role::Operator, "", &stale_after_seconds);
    gates::pass(app, caller, &action).await?;
    let stale_after = Duration::from_secs(stale_after_seconds);
    let (runs, more) = app.engine.reconcile(&caller.principal.tenant, stale_after).await?;
    if runs > 0 {
        let mut entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
        entry.count = i64::try_from(runs).unwrap_or(i64::MAX);
        audit::write(app, entry).await?;
    }
    Ok((runs, more))
}

/// Lets members act on their own runs, and operators on everybody's.
async fn own_or_all(
    app: &App,
    caller: &Caller,
    id: RunId,
    kind: &'static str,
    tier: Tier,
    payload: &impl Serialize,
) -> Result<Action, Error> {
    let run = look(app, caller, id).await?.run;
    let needs = if run.subject == caller.principal.subject { Role::Member } else { Role::Operator };
    let action = audit::action(kind, tier, needs, &id.to_string(), payload);
    gates::pass(app, caller, &action).await?;
    Ok(action)
}

/// Makes a change and its audit row in one unit, and has this process's engine hear of it.
async fn make<F>(app: &App, caller: &Caller, id: RunId, action: Action, change: F) -> Result<(Run, bool), Error>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>, Unit) -> BoxFuture<'t, Result<Made, StoreError>> + Send + 'static,
{
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let unit = Unit { tenant: caller.principal.tenant.clone(), id, now: app.engine.now() };
    let made = app.store.write(move |tx| {
        Box::pin(async move {
            let made = change(tx, unit).await?;
            if let Made::Changed(_) = &made {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(made)
        })
    });
    match made.await? {
        Made::Changed(run) => {
            app.engine.notice(&run);
            Ok((run, true))
        }
        Made::Unchanged(run) => Ok((run, false)),
        Made::Refused(error) => Err(error),
    }
}

fn gone() -> Result<Made, StoreError> {
    Ok(Made::Refused(unknown()))
}

/// What a person wrote, without the blanks around it.
pub(super) fn words(text: &str, most: usize, name: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most || text.contains('\0') {
        return Err(Error::new(Code::BodyInvalid, format!("The {name} has 1 to {most} characters.")));
    }
    Ok(text.to_owned())
}

/// What is wrong with the key that a signal was sent under.
fn of_key(fault: &str) -> Error {
    let mut error = Error::new(Code::BodyInvalid, format!("The Idempotency-Key cannot be used: {fault}."));
    error.fields.push(Field {
        location: vec!["header".into(), "Idempotency-Key".into()],
        kind: "value_error",
        message: fault.to_owned(),
        input: Value::Null,
        context: None,
    });
    error
}

fn discarded() -> Error {
    Error::new(Code::RunDiscarded, "The run was discarded: nothing more is done about it.")
}

fn active(run: &Run, verb: &str) -> Error {
    Error::new(Code::RunActive, format!("The run is {} and cannot be {verb}.", run.status.as_str()))
}

fn finished(run: &Run, verb: &str) -> Error {
    Error::new(Code::RunFinished, format!("The run is {} and cannot be {verb}.", run.status.as_str()))
}

/// A change that a run's state does not allow, for those who are told so instead of finding it unchanged.
pub fn not_allowed(run: &Run, verb: &str) -> Error {
    if run.status == Status::Succeeded || (run.status.is_final() && verb == "cancelled") {
        finished(run, verb)
    } else {
        active(run, verb)
    }
}
