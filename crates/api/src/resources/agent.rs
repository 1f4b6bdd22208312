//! Ask: `POST /api/v1/agent/run`, as the data team autopilot's clients know it, and as a stream of events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State as FromState};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use pilothouse_app::Caller as AppCaller;
use pilothouse_app::ask::{self, Answer, Asked, Given, Question, ResponseType};
use pilothouse_app::runs;
use pilothouse_domain::RunId;
use pilothouse_domain::semantic::Query;
use pilothouse_engine::{DONE, Event as Told, EventStream, LOG, WAIT};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::HeaderCaller;
use crate::dto::answers::AnswerDto;
use crate::dto::requests::AskRequest;
use crate::error::Failure;
use crate::fields::Fields;
use crate::json::JsonBody;
use crate::parameters::in_tenant;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(run))
}

/// Asks a question. Body: `org_id`, `user_id`, `message`, `session_id`; optional `connection_id`, `reply_to`, `choice`,
/// `query`, and `confirm_cost: true`, with which a dear query waits until its cost was seen.
/// With `Accept: text/event-stream` the steps are told as they happen, and the answer last; `Prefer: wait=0` (RFC 7240)
/// answers at once with the run's id.
#[utoipa::path(post, path = "/api/v1/agent/run", tag = "ask", request_body = AskRequest,
    responses((status = 200, body = AnswerDto)))]
async fn run(FromState(state): FromState<Arc<State>>, request: Request) -> Result<Response, Failure> {
    // The order of the original: malformed JSON, then who is calling, then the fields, then the tenant.
    let (mut parts, body) = request.into_parts();
    let patience = wanted_wait(&parts.headers);
    let streamed = parts.headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    let request = Request::from_parts(parts.clone(), body);
    let JsonBody(fields) = JsonBody::from_request(request, &state).await?;
    let HeaderCaller(caller) = HeaderCaller::from_request_parts(&mut parts, &state).await?;
    let question = question(fields, &caller)?;
    let started = ask::ask(&state.app, &caller, question).await?;
    if streamed {
        return Ok(Sse::new(stream(state, caller, started)).keep_alive(KeepAlive::default()).into_response());
    }
    let answer = ask::wait(&state.app, &caller, started.id, patience).await?;
    Ok(Json(described(&answer, started.id)).into_response())
}

/// How many seconds the caller would wait, as RFC 7240 has it. A preference that cannot be read is none.
pub fn wanted_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
    let mut each = preferences.flat_map(|value| value.split([',', ';'])).filter_map(|one| one.split_once('='));
    let (_, seconds) = each.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn question(mut fields: Fields, caller: &AppCaller) -> Result<Question, Failure> {
    let org = fields.text("org_id", 0);
    fields.text("user_id", 0);
    let text = fields.text("message", 1);
    let conversation = fields.text("session_id", 0);
    let connection = fields.optional_text("connection_id");
    let connection = fields.parsed("connection_id", connection, "a connection's id");
    let run = fields.optional_text("reply_to");
    let run: Option<RunId> = fields.parsed("reply_to", run, "a run's id");
    let choice = fields.optional_text("choice");
    let query: Option<Query> = fields.optional_object("query");
    if choice.is_some() && query.is_some() {
        let message = "A choice and a query cannot both be picked";
        fields.refuse(Some("query"), "value_error", message, Value::Null, None);
    }
    let confirm_cost = fields.optional_flag("confirm_cost").unwrap_or_default();
    fields.finish()?;
    in_tenant(caller, &org)?;
    let picked = run.zip(choice).map(|(run, choice)| Given::Choice(run, choice));
    let reading = query.map(|query| Given::Query(Box::new(query))).or(picked);
    Ok(Question { text, connection, conversation: Some(conversation), reading, confirm_cost })
}

/// The answer with the id of its run.
pub fn described(answer: &Answer, run: RunId) -> Value {
    json!({
        "response_type": answer.response_type, "summary": answer.summary, "data": answer.data,
        "warnings": answer.warnings, "run_id": run,
    })
}

fn stream(state: Arc<State>, caller: AppCaller, asked: Asked) -> impl Stream<Item = Result<Event, Infallible>> {
    let Asked { id, question, .. } = asked;
    let begun = json!({"run_id": id, "question": question}).to_string();
    let first = futures::stream::iter([Event::default().event("run").data(begun)]);
    let events = state.app.engine.events(&caller.principal.tenant, id, 0);
    first.chain(told(state, caller, id, events, false)).map(Ok)
}

/// A run's events as they are sent, with the lines that it logs only where they are wanted. Stored ones carry their number,
/// from which a broken stream can go on; in the place of the last one stands the answer, or the error that kept it away.
pub fn told(
    state: Arc<State>,
    caller: AppCaller,
    id: RunId,
    events: EventStream,
    with_lines: bool,
) -> impl Stream<Item = Event> {
    let is_wanted = move |event: &Result<Told, _>| with_lines || event.as_ref().map_or(true, |event| event.kind != LOG);
    events.filter(move |event| std::future::ready(is_wanted(event))).then(move |event| {
        let (state, caller) = (state.clone(), caller.clone());
        async move {
            let event = match event {
                Ok(event) => event,
                Err(error) => return failed(&Failure(error.into()), &caller.request_id),
            };
            let sent = match event.kind.as_str() {
                DONE => last(&state, &caller, id).await,
                WAIT => {
                    waits(&state, &caller, id).await.unwrap_or_else(|| Event::default().event(WAIT).data(event.json))
                }
                kind => Event::default().event(kind).data(event.json),
            };
            match event.seq {
                Some(seq) => sent.id(seq.to_string()),
                None => sent,
            }
        }
    })
}

/// What a question waits for, where people decide about it.
async fn waits(state: &State, caller: &AppCaller, id: RunId) -> Option<Event> {
    let run = runs::wait(&state.app, caller, id, Duration::ZERO).await.ok().filter(|run| run.kind == ask::KIND)?;
    let answer = ask::answer(&state.app, &run).await.ok()?;
    let waits = answer.response_type == ResponseType::ApprovalRequired;
    waits.then(|| Event::default().event("waiting").data(described(&answer, id).to_string()))
}

/// The end of a run: a question's answer, and what came of any other.
async fn last(state: &State, caller: &AppCaller, id: RunId) -> Event {
    match runs::wait(&state.app, caller, id, Duration::ZERO).await {
        Ok(run) if run.kind == ask::KIND => {
            Event::default().event("answer").data(described(&ask::answer_of(&run), id).to_string())
        }
        Ok(run) => {
            let output: Option<Value> = run.output.as_deref().and_then(|output| serde_json::from_str(output).ok());
            let error = run.error_code.map(|code| json!({"code": code, "message": run.error_message}));
            let done = json!({"status": run.status, "output": output, "error": error, "run_id": id});
            Event::default().event(DONE).data(done.to_string())
        }
        Err(error) => failed(&Failure(error), &caller.request_id),
    }
}

fn failed(failure: &Failure, request_id: &str) -> Event {
    let error = &failure.0;
    let problem = json!({
        "status": crate::error::status(error.code).as_u16(), "detail": error.message, "code": error.code,
        "request_id": request_id,
    });
    Event::default().event("error").data(problem.to_string())
}
