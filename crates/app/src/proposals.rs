//! Verified questions: proposed by what people correct, or vouched for by whoever looks after the meaning of a connection.
//! Either way a new version of the semantic model says so, and the old one can be put back.

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::clock::rfc3339;
use pilothouse_domain::semantic::VerifiedQuestion;
use pilothouse_domain::{Code, ConnectionId, Role, RunId};
use pilothouse_store::audit as audit_rows;
use pilothouse_store::proposals;
pub use pilothouse_store::proposals::Proposal;
use pilothouse_warehouse::semantic::yaml;

use crate::ask::{self, Input, ResponseType, answer_of};
use crate::documents::{Change, Kind, Versioned, get, of_text};
use crate::{App, Caller, Error, audit, connections, gates};

/// What is decided of a proposal, in the words that are stored.
pub(crate) const ACCEPTED: &str = "accepted";
const REJECTED: &str = "rejected";
/// Letters of a day in a moment.
const DAY: usize = "2026-11-22".len();

/// The proposals for a connection that wait for somebody, those that came up most often first.
pub async fn list(app: &App, caller: &Caller, id: ConnectionId) -> Result<Vec<Proposal>, Error> {
    gates::pass(app, caller, &audit::action("proposals.list", Tier::Read, Role::Operator, &id.to_string(), &()))
        .await?;
    connections::get(app, caller, id).await?;
    let tenant = caller.principal.tenant.clone();
    Ok(app.store.read(move |tx| Box::pin(async move { proposals::open(tx, &tenant, id).await })).await?)
}

/// Makes a proposal a verified question.
pub async fn accept(app: &App, caller: &Caller, id: ConnectionId, key: &str) -> Result<Versioned, Error> {
    let action = audit::action("proposals.accept", Tier::Write, Role::Operator, &id.to_string(), &key);
    gates::pass(app, caller, &action).await?;
    connections::get(app, caller, id).await?;
    let (tenant, wanted) = (caller.principal.tenant.clone(), key.to_owned());
    let found = app.store.read(move |tx| Box::pin(async move { proposals::get(tx, &tenant, id, &wanted).await }));
    let found = found.await?.ok_or_else(|| Error::not_found("proposal"))?.correction;
    vouch(app, caller, id, (&found.question, &found.query), &action, Some(key)).await
}

/// Lets a proposal be; it does not come up again.
pub async fn reject(app: &App, caller: &Caller, id: ConnectionId, key: &str) -> Result<(), Error> {
    let action = audit::action("proposals.reject", Tier::Write, Role::Operator, &id.to_string(), &key);
    gates::pass(app, caller, &action).await?;
    connections::get(app, caller, id).await?;
    let (tenant, key) = (caller.principal.tenant.clone(), key.to_owned());
    let (by, now) = (caller.principal.subject.clone(), app.clock.now());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let rejected = app.store.write(move |tx| {
        Box::pin(async move {
            let rejected = proposals::decide(tx, &tenant, id, &key, (REJECTED, &by, now)).await?;
            if rejected {
                audit_rows::append(tx, &entry).await?;
            }
            Ok(rejected)
        })
    });
    if rejected.await? { Ok(()) } else { Err(Error::not_found("proposal")) }
}

/// Vouches for the answer of a run: its question has this reading from now on.
pub async fn verify(app: &App, caller: &Caller, run: RunId) -> Result<Versioned, Error> {
    let action = audit::action("semantic.verify", Tier::Write, Role::Operator, &run.to_string(), &run);
    gates::pass(app, caller, &action).await?;
    let run = app.engine.get(&caller.principal.tenant, run).await?.filter(|run| run.kind == ask::KIND);
    let run = run.ok_or_else(|| Error::not_found("run"))?;
    let unfit = || Error::new(Code::QueryUnfit, "Only an answer with rows can be vouched for.");
    let input: Input = serde_json::from_str(&run.input).map_err(|_| unfit())?;
    let answer = Some(answer_of(&run)).filter(|answer| answer.response_type == ResponseType::QueryResult);
    let query = answer.and_then(|answer| Some(answer.data.get("query")?.to_string())).ok_or_else(unfit)?;
    vouch(app, caller, input.connection, (&input.question, &query), &action, None).await
}

async fn vouch(
    app: &App,
    caller: &Caller,
    id: ConnectionId,
    (question, query): (&str, &str),
    action: &Action,
    settles: Option<&str>,
) -> Result<Versioned, Error> {
    let unfit = |_| Error::new(Code::QueryUnfit, "The reading is of another version and does not fit any more.");
    let query = serde_json::from_str(query).map_err(unfit)?;
    let today = rfc3339(app.clock.now()).chars().take(DAY).collect();
    let (by, on) = (Some(caller.principal.subject.clone()), Some(today));
    let verified = VerifiedQuestion { question: question.to_owned(), query, by, on };
    let (catalog, _) = connections::catalog(app, caller, id).await?;
    let present = get(app, caller, id, Kind::Semantic).await?;
    let text = yaml::vouch(&present.yaml, &verified, &catalog).map_err(|error| of_text(&error))?;
    let change = Change { kind: Kind::Semantic, yaml: &text, follows: Some(present.version), settles };
    change.store(app, caller, id, action).await
}
