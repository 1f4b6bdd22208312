//! Ask: a question in words, answered by a durable run of planner → validator → critic → executor → composer.
//!
//! Read first: [`Question`], [`ask`], and [`Answer`] for what comes back. The steps are in `workflow`.

mod answer;
mod by_name;
mod chart;
mod compose;
mod learn;
mod merge;
mod plan;
mod propose;
mod schedule;
mod tell;
mod validate;
mod workflow;

pub use answer::{Answer, ResponseType, answer, answer_of};
pub(crate) use by_name::start;
pub(crate) use propose::Proposer;
pub(crate) use schedule::{said, scheduled};
pub use workflow::AskWorkflow;

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::semantic::{Query, explain};
use pilothouse_domain::{Code, ConnectionId, Role, RunId};
use pilothouse_engine::{Request, Started};
use pilothouse_store::runs::Run;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::runs::{self, How};
use crate::{App, Caller, Error, Field, audit, connections, gates};

/// The workflow's name.
pub const KIND: &str = "ask";
/// Its step that reads the question.
const PLANNER: &str = "planner";
/// Tries before a question is a dead letter.
const MAX_ATTEMPTS: i64 = 3;
/// Characters of the question that lists of runs show.
const TITLE_CHARS: usize = 120;
/// Most bytes of JSON of a query that a caller sends.
const MAX_QUERY_BYTES: usize = 16 * 1024;

/// A question as it is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its words.
    pub text: String,
    /// The connection it is about; none means the tenant's default one.
    pub connection: Option<ConnectionId>,
    /// The conversation it belongs to, if any.
    pub conversation: Option<String>,
    /// What it is to be read as; none leaves that to the planner.
    pub reading: Option<Given>,
    /// Whether a dear query waits until they have seen what it costs.
    pub confirm_cost: bool,
}

/// A reading that the caller has settled.
#[derive(Debug, Clone)]
pub enum Given {
    /// The choice with this id, of those that the run offered when it asked back.
    Choice(RunId, String),
    /// A query, for instance an alternative that an answer offered; it replaces the words.
    Query(Box<Query>),
}

/// What the workflow needs to know; stored as the run's input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    /// The connection asked.
    pub connection: ConnectionId,
    /// The question's words.
    pub question: String,
    /// The conversation it belongs to, if any.
    pub conversation: Option<String>,
    /// What the caller may do.
    pub role: Role,
    /// The request that asked, for the audit log.
    pub request_id: String,
    /// The reading that was picked, where the caller has settled it.
    pub picked: Option<Query>,
    /// How they have.
    #[serde(default)]
    pub settled: Option<Settled>,
    /// Whether a dear query waits until whoever asks has seen what it costs.
    #[serde(default)]
    pub confirm_cost: bool,
}

/// How a caller has settled the reading of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// One of the readings that were offered.
    Choice,
    /// A query in the place of words.
    Change,
}

/// A question that is being answered.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its run.
    pub id: RunId,
    /// Whether it was being answered already, under the same unique key.
    pub existed: bool,
    /// What is asked: the question's words, or those of the query in their place.
    pub question: String,
}

/// Starts answering a question: the run and its audit row are in the database when this returns.
pub async fn ask(app: &App, caller: &Caller, question: Question) -> Result<Asked, Error> {
    ask_as(app, caller, question, How::default()).await
}

/// The same, worked on as somebody wants it.
async fn ask_as(app: &App, caller: &Caller, question: Question, how: How) -> Result<Asked, Error> {
    let action = action(&question);
    gates::pass(app, caller, &action).await?;
    check_words(app, &question.text)?;
    let connection = connections::meant(app, caller, question.connection).await?;
    let settled = question.reading.as_ref().map(|given| match given {
        Given::Choice(..) => Settled::Choice,
        Given::Query(_) => Settled::Change,
    });
    let (text, picked) = match question.reading {
        Some(Given::Choice(run, choice)) => (question.text, Some(picked(app, caller, run, &choice).await?)),
        Some(Given::Query(query)) => (described(app, caller, connection, &query).await?, Some(*query)),
        None => (question.text, None),
    };
    let input = Input {
        connection,
        question: text.clone(),
        conversation: question.conversation.clone(),
        role: caller.principal.role,
        request_id: caller.request_id.clone(),
        picked,
        settled,
        confirm_cost: question.confirm_cost,
    };
    let input =
        serde_json::to_string(&input).map_err(|_| Error::new(Code::Internal, "The question could not be stored."))?;
    let title: String = text.chars().take(TITLE_CHARS).collect();
    let request = Request {
        conversation: question.conversation,
        max_attempts: MAX_ATTEMPTS,
        audit: Some(audit::entry(app, caller, &action, Outcome::Allowed, None)),
        ..Request::new(KIND, caller.principal.subject.clone(), title, input)
    };
    let Started { id, existed } = runs::begin(app, caller, how.change(app, request)).await?;
    Ok(Asked { id, existed, question: text })
}

/// What is asked, for the gates and the audit log: the words, or with them the query that is asked in their place.
fn action(question: &Question) -> Action {
    const KIND: &str = "ask.run";
    match &question.reading {
        Some(Given::Query(query)) => {
            audit::action(KIND, Tier::Read, Role::Member, "", &(&question.text, query.as_ref()))
        }
        _ => audit::action(KIND, Tier::Read, Role::Member, "", &question.text),
    }
}

/// Waits for the answer of a run, as long as a request may and no longer than the caller wants to; a run that goes on
/// answers `queued`, and one that waits for people what it waits for.
pub async fn wait(app: &App, caller: &Caller, id: RunId, wanted: Option<Duration>) -> Result<Answer, Error> {
    let patience = app.settings.ask.patience(wanted);
    let run = app.engine.wait_for_somebody(&caller.principal.tenant, id, patience).await?;
    answer(app, &run.ok_or_else(|| Error::not_found("run"))?).await
}

/// A query in words, once it is known to fit the connection's model and to pass the guard.
async fn described(app: &App, caller: &Caller, connection: ConnectionId, query: &Query) -> Result<String, Error> {
    let unfit = |reason: String| Error::new(Code::QueryUnfit, format!("The query cannot be asked: {reason}."));
    let size = serde_json::to_vec(query).map_or(usize::MAX, |json| json.len());
    if size > MAX_QUERY_BYTES {
        return Err(unfit(format!("it has more than {MAX_QUERY_BYTES} bytes")));
    }
    let open = app.sources.open(&caller.principal.tenant, connection).await?;
    let principal = &caller.principal;
    let guard = open.rights.guard(&principal.tenant, &principal.subject, principal.role)?;
    validate::askable(&open, &guard, query).map_err(unfit)?;
    Ok(explain(query, &open.model).text.trim_end_matches('.').to_owned())
}

fn check_words(app: &App, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        let mut error = Error::new(Code::QuestionEmpty, "The question holds no words.");
        error.fields.push(Field {
            location: vec!["body".into(), "message".into()],
            kind: "string_too_short",
            message: "String should have at least 1 character".into(),
            input: text.into(),
            context: Some(serde_json::json!({"min_length": 1})),
        });
        return Err(error);
    }
    let most = app.settings.ask.max_question_chars;
    if text.chars().count() > most {
        let mut error = Error::new(Code::QuestionTooLong, format!("A question has at most {most} characters."));
        error.fields.push(Field {
            location: vec!["body".into(), "message".into()],
            kind: "string_too_long",
            message: format!("String should have at most {most} characters"),
            input: text.chars().take(TITLE_CHARS).collect::<String>().into(),
            context: Some(serde_json::json!({"max_length": most})),
        });
        return Err(error);
    }
    Ok(())
}

/// The reading that the choice `id` of the run stands for.
async fn picked(app: &App, caller: &Caller, run: RunId, id: &str) -> Result<Query, Error> {
    let unknown = || Error::new(Code::ChoiceUnknown, "The run that is replied to offers no such choice.");
    let asked: Run = app.engine.get(&caller.principal.tenant, run).await?.ok_or_else(unknown)?;
    let answer = answer_of(&asked);
    let choices = answer.data.get("choices").and_then(|choices| choices.as_array()).ok_or_else(unknown)?;
    let chosen = choices.iter().find(|choice| choice.get("id").is_some_and(|own| own == id)).ok_or_else(unknown)?;
    let query = chosen.get("query").cloned().unwrap_or_default();
    serde_json::from_value(query).map_err(|_| unknown())
}
