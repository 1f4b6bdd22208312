//! The Ask workflow: planner → validator → critic → executor → composer, each step journalled.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use pilothouse_ai::planner::{Context, Plan};
use pilothouse_domain::answer::{Understanding, Verified};
use pilothouse_domain::semantic::{Query, editable, explain};
use pilothouse_domain::{ApprovalId, Clock, Code};
use pilothouse_engine::{Done, Failure, Journal, Workflow};
use pilothouse_store::Store;
use pilothouse_store::approvals::Approval;
use pilothouse_store::proposals::{self, Correction};
use pilothouse_store::runs::{self, Run};
use pilothouse_warehouse::guard::Guard;
use pilothouse_warehouse::{Limits, semantic};
use serde_json::Value;

use super::answer::{ASKED_FOR, Answer, answer_of};
use super::learn::LearntFrom;
use super::merge::{Made, merged};
use super::plan::{AskedFor, Choice, Decided, Planned, Validated};
use super::propose::{Asked, Proposed, Proposer};
use super::validate::validate;
use super::{Input, KIND, PLANNER, compose, learn, tell};
use crate::approvals::{self, Approvals};
use crate::ledger::Ledger;
use crate::queries::{Asking, Needed, Released, WaitsFor};
use crate::runs::APPROVAL;
use crate::sources::{Open, SAMPLE, Sources};

/// Most rows of one answer; more are said to be left out.
const MAX_ANSWER_ROWS: usize = 1_000;
/// Earlier runs of a conversation that are looked through for the reading that a question follows up on.
const LOOK_BACK: u32 = 5;

/// Answers questions.
pub struct AskWorkflow {
    sources: Arc<Sources>,
    clock: Arc<dyn Clock>,
    store: Store,
    approvals: Arc<Approvals>,
    ledger: Arc<Ledger>,
    proposer: Proposer,
}

impl AskWorkflow {
    pub(crate) fn new(
        sources: Arc<Sources>,
        clock: Arc<dyn Clock>,
        store: Store,
        (approvals, ledger): (Arc<Approvals>, Arc<Ledger>),
        proposer: Proposer,
    ) -> Self {
        Self { sources, clock, store, approvals, ledger, proposer }
    }
}

/// A question that is being answered.
#[derive(Clone, Copy)]
struct At<'a> {
    journal: &'a Journal,
    open: &'a Open,
    guard: &'a Guard,
    input: &'a Input,
    /// How its reading came about, which every answer tells.
    made: &'a Made,
}

impl At<'_> {
    async fn composed(&self, mut answer: Answer) -> Result<Answer, Failure> {
        self.made.tell(&mut answer.data);
        answer.warnings.extend(self.made.warning.clone());
        let summary = answer.summary.clone();
        let composing = async {
            tell::composed(self.journal, &answer).await;
            Ok(Done { output: answer, summary })
        };
        self.journal.last_step("composer", composing).await
    }
}

/// What people have agreed to of a query, where they had to.
#[derive(Default)]
struct Approved {
    /// What they have written in its place.
    written: Option<String>,
    /// The text that runs.
    text: Option<String>,
    /// Whether it is another than was asked for.
    is_changed: bool,
}

#[async_trait]
impl Workflow for AskWorkflow {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|_| Failure::last(Code::WorkflowVersion, "The run's input is of another version."))?;
        let open = self.sources.open(journal.tenant(), input.connection).await?;
        let earlier = self.earlier(journal, &input).await?;
        let guard = open.rights.guard(journal.tenant(), journal.subject(), input.role)?;
        let previous = last_query(&earlier);
        let planning = self.decide(journal, (&open, &guard), &input, previous.as_ref());
        let Decided { planned, made } = journal.step(PLANNER, planning).await?;
        let at = At { journal, open: &open, guard: &guard, input: &input, made: &made };
        let answer = match planned {
            Planned::Reading { query, understanding } => {
                let verified = understanding.verified;
                let answered = self.answer(&at, (*query, verified, earlier.first())).await;
                self.sources.keep_up(journal.tenant(), input.connection, &answered).await?;
                answered?
            }
            Planned::Unclear { question, choices } => at.composed(compose::clarification(&question, &choices)).await?,
            Planned::Unanswerable { reasons, unknown_words, suggestions } => {
                at.composed(compose::refused(&reasons, &unknown_words, &suggestions)).await?
            }
        };
        serde_json::to_value(answer).map_err(|_| Failure::last(Code::Internal, "The answer could not be stored."))
    }
}

impl AskWorkflow {
    /// Reads the question; a model has its say where there is one.
    async fn decide(
        &self,
        journal: &Journal,
        (open, guard): (&Open, &Guard),
        input: &Input,
        previous: Option<&Query>,
    ) -> Result<Done<Decided>, Failure> {
        let now = jiff::Timestamp::from_microsecond(self.clock.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let context = Context { today: now.to_zoned(jiff::tz::TimeZone::UTC).date(), previous };
        let Done { output: planned, summary } = plan(open, input, &context);
        let is_settled = input.picked.is_some()
            || matches!(&planned, Planned::Reading { understanding, .. } if understanding.verified.is_some());
        let proposed = if is_settled {
            Proposed::default()
        } else {
            self.proposer.propose(&Asked { journal, open, guard, input, context }).await?
        };
        let is_same = |one: &Query, other: &Query| {
            let sql = |query| semantic::compile(query, &open.model, open.catalog.dialect).ok();
            one == other || sql(one).is_some_and(|own| Some(own) == sql(other))
        };
        let (planned, made) = merged(planned, &proposed, is_same);
        tell::planned(journal, input.picked.is_some(), &planned).await;
        tell::proposed(journal, &proposed).await;
        Ok(Done { output: Decided { planned, made }, summary })
    }

    async fn answer(
        &self,
        at: &At<'_>,
        (query, verified, earlier): (Query, Option<Verified>, Option<&Run>),
    ) -> Result<Answer, Failure> {
        let At { journal, open, guard, input, .. } = *at;
        let validating = async {
            let validated = validate(open, guard, &query);
            tell::validated(journal, &validated.output).await;
            Ok(validated)
        };
        let validated = journal.step("validator", validating).await?;
        if validated.masked {
            return at.composed(compose::refused(&validated.reasons, &[], &[])).await;
        }
        let Some(sql) = validated.sql.clone() else {
            return at.composed(compose::invalid(&validated.reasons)).await;
        };
        let limits = Limits { max_rows: MAX_ANSWER_ROWS, ..self.sources.warehouse.limits() };
        let asking = Asking {
            sources: &self.sources,
            clock: self.clock.as_ref(),
            open,
            guard,
            tenant: journal.tenant(),
            run: journal.id(),
            preview: None,
            connection: input.connection,
            call: self.sources.call(journal.tenant(), limits, journal.cancel()),
            approvals: &self.approvals,
            ledger: &self.ledger,
            subject: journal.subject(),
            role: input.role,
        };
        let judging = async {
            let judged = asking.judge(&sql, input.confirm_cost).await;
            tell::judged(journal, self.sources.warehouse.settings().query_max_bytes, &judged).await;
            judged
        };
        let judged = journal.step("critic", judging).await?;
        let fits = |other: &Query| semantic::compile(other, &open.model, open.catalog.dialect).is_ok();
        let understanding = Understanding { verified, ..editable(&query, &open.model, &fits) };
        // What a correction says does not depend on whether its query runs.
        if input.connection != SAMPLE
            && let Some((question, from)) = learn::learnt(input, &query, earlier)
        {
            // Before the last step, which may be done again: of one run it counts once.
            self.propose(journal, input, &question, from, (&query, &understanding.text)).await?;
        }
        let waiting = compose::Waiting {
            id: journal.id(),
            judged: &judged,
            validated: &validated,
            understanding: &understanding,
            query: &query,
            connection: input.connection.to_string(),
        };
        let approved = match self.released(at, &asking, &sql, &waiting).await? {
            ControlFlow::Continue(approved) => approved,
            ControlFlow::Break(answer) => return at.composed(answer).await,
        };
        let Approved { written, text, is_changed } = approved;
        let validated = Validated { sql: text.clone().or(validated.sql.clone()), ..validated };
        let executing = async {
            // What a changed query is the first of, nobody knows.
            let reading = (!is_changed).then_some(&query);
            let executed = asking.execute(written.as_deref().unwrap_or(&sql), reading, text.as_deref()).await;
            tell::executed(journal, &executed).await;
            executed
        };
        let executed = journal.step("executor", executing).await?;
        let material = compose::Material {
            understanding: &understanding,
            query: &query,
            validated: &validated,
            judged: &judged,
            executed: &executed,
            catalog: &open.catalog,
            connection: input.connection.to_string(),
            model_version: open.model_version,
            asked_sql: judged.needed.as_ref().map(|needed| needed.sql.as_str()).filter(|_| is_changed),
        };
        at.composed(compose::rows(&material)).await
    }

    /// What becomes of a query before it runs: an answer in its place, or it goes on, with the text of it that was approved
    /// where people had to agree.
    async fn released(
        &self,
        at: &At<'_>,
        asking: &Asking<'_>,
        sql: &str,
        waiting: &compose::Waiting<'_>,
    ) -> Result<ControlFlow<Answer, Approved>, Failure> {
        let (journal, request_id, judged) = (at.journal, at.input.request_id.as_str(), waiting.judged);
        match (judged.waits_for, &judged.needed) {
            (Some(WaitsFor::Approver), Some(needed)) => {
                let wanted = asking.wanted(needed.clone(), &judged.reasons);
                let asked = self.approval(at, needed, wanted, waiting).await?;
                let releasing = asking.release(sql, (asked, request_id), &judged.forecast);
                Ok(match journal.step("release", releasing).await? {
                    Released::Runs(text) => ControlFlow::Continue(Approved { text: Some(text), ..Approved::default() }),
                    Released::RunsChanged { written, text } => {
                        ControlFlow::Continue(Approved { written: Some(written), text: Some(text), is_changed: true })
                    }
                    Released::Refused(reason) => ControlFlow::Break(compose::blocked(&judged.clone().stopped(reason))),
                })
            }
            (Some(waits_for), _) => {
                // Before the last step, which may be done again: what is kept already stays.
                let sql = waiting.validated.sql.clone().unwrap_or_default();
                asking.keep(journal.id(), waits_for, (sql, judged)).await?;
                Ok(ControlFlow::Break(compose::waiting(waiting, waits_for, None)))
            }
            (None, _) if judged.allowed => Ok(ControlFlow::Continue(Approved::default())),
            (None, _) => Ok(ControlFlow::Break(compose::blocked(judged))),
        }
    }

    /// Asks for an approval, and comes back when people have decided, however long that takes.
    async fn approval(
        &self,
        at: &At<'_>,
        needed: &Needed,
        wanted: Approval,
        waiting: &compose::Waiting<'_>,
    ) -> Result<ApprovalId, Failure> {
        let journal = at.journal;
        let summary = format!("It waits for {}.", needed.needs);
        let mut answer = compose::waiting(waiting, WaitsFor::Approver, Some((wanted.id, &needed.sql)));
        at.made.tell(&mut answer.data);
        let asked = AskedFor { approval: wanted.id, answer };
        let also = approvals::asking(journal.tenant().clone(), wanted, &at.input.request_id);
        let asked = journal.transact(ASKED_FOR, Done { output: asked, summary }, also).await?;
        // A run that had ended and is tried again finds that its approval ended with it.
        let until = self.approvals.closed_since(journal.tenant(), asked.approval).await?;
        journal.wait_for(APPROVAL, until).await?;
        Ok(asked.approval)
    }

    /// Notes for a steward how the words of a question were meant.
    async fn propose(
        &self,
        journal: &Journal,
        input: &Input,
        question: &str,
        from: LearntFrom,
        (query, reading): (&Query, &str),
    ) -> Result<(), Failure> {
        let query = serde_json::to_string(query)
            .map_err(|_| Failure::last(Code::Internal, "The reading could not be stored."))?;
        let correction = Correction {
            key: learn::key(question, &query),
            question: question.to_owned(),
            query,
            reading: reading.to_owned(),
            learnt_from: from.as_str().to_owned(),
            run: journal.id(),
            by: journal.subject().to_owned(),
            at: self.clock.now(),
        };
        let (tenant, connection) = (journal.tenant().clone(), input.connection);
        let noted = self
            .store
            .write(move |tx| Box::pin(async move { proposals::note(tx, &tenant, connection, &correction).await }));
        Ok(noted.await?)
    }

    /// The last questions of the conversation, newest first.
    async fn earlier(&self, journal: &Journal, input: &Input) -> Result<Vec<Run>, Failure> {
        let Some(conversation) = input.conversation.clone() else { return Ok(Vec::new()) };
        let (tenant, id) = (journal.tenant().clone(), journal.id());
        let created_at = journal.created_at();
        let earlier = self.store.read(move |tx| {
            Box::pin(async move {
                runs::previous_in_conversation(tx, &tenant, &conversation, (created_at, id), LOOK_BACK).await
            })
        });
        Ok(earlier.await?)
    }
}

/// The reading that a conversation's last answer was made with, for questions such as "and in March?".
fn last_query(earlier: &[Run]) -> Option<Query> {
    let mut queries = earlier.iter().filter(|run| run.output.is_some()).map(|run| answer_of(run).data["query"].clone());
    queries.find_map(|query| serde_json::from_value(query).ok())
}

/// How the planner reads a question.
fn plan(open: &Open, input: &Input, context: &Context<'_>) -> Done<Planned> {
    let planned = open.planner.plan(&input.question, context);
    if let Some(query) = &input.picked {
        // What somebody has vouched for stays so where it is picked: to be run once its cost was seen.
        let understanding = match planned {
            Plan::Answer(found) if found.query == *query => found.understanding,
            _ => explain(query, &open.model),
        };
        return reading(query.clone(), understanding);
    }
    match planned {
        Plan::Answer(found) => reading(found.query, found.understanding),
        Plan::Clarify { question, choices } => {
            let choices = choices.into_iter().enumerate().map(|(index, choice)| Choice {
                id: (index + 1).to_string(),
                label: choice.label,
                detail: choice.detail,
                message: choice.message,
                query: choice.query,
            });
            Done { summary: question.clone(), output: Planned::Unclear { question, choices: choices.collect() } }
        }
        Plan::Refuse { reasons, unknown_words, suggestions } => {
            let summary = reasons.first().cloned().unwrap_or_default();
            Done { summary, output: Planned::Unanswerable { reasons, unknown_words, suggestions } }
        }
    }
}

fn reading(query: Query, understanding: Understanding) -> Done<Planned> {
    Done { summary: understanding.text.clone(), output: Planned::Reading { query: Box::new(query), understanding } }
}
