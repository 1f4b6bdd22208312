//! The Ask workflow: planner → validator → critic → executor → composer, each step journalled.

use std::sync::Arc;

use async_trait::async_trait;
use pilothouse_ai::planner::{Context, Plan};
use pilothouse_domain::answer::{Understanding, Verified};
use pilothouse_domain::semantic::{Query, editable, explain};
use pilothouse_domain::{Clock, Code};
use pilothouse_engine::{Done, Failure, Journal, Workflow};
use pilothouse_store::{Store, runs};
use pilothouse_warehouse::{Limits, semantic};
use serde_json::Value;

use super::answer::{Answer, answer_of};
use super::plan::{Choice, Planned};
use super::query::{Asking, validate};
use super::{Input, KIND, compose, tell};
use crate::Error;
use crate::sources::{Open, Sources};

/// Most rows of one answer; more are said to be left out.
const MAX_ANSWER_ROWS: usize = 1_000;
/// Earlier runs of a conversation that are looked through for the reading that a question follows up on.
const LOOK_BACK: u32 = 5;

/// Answers questions.
pub struct AskWorkflow {
    sources: Arc<Sources>,
    clock: Arc<dyn Clock>,
    store: Store,
}

impl AskWorkflow {
    pub(crate) fn new(sources: Arc<Sources>, clock: Arc<dyn Clock>, store: Store) -> Self {
        Self { sources, clock, store }
    }
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
        let open = self.sources.open(journal.tenant(), input.connection).await.map_err(failure)?;
        let previous = self.previous(journal, &input).await?;
        let planning = async {
            let planned = self.plan(&open, &input, previous.as_ref());
            tell::planned(journal, input.picked.is_some(), &planned.output).await;
            Ok(planned)
        };
        let planned = journal.step("planner", planning).await?;
        let answer = match planned {
            Planned::Reading { query, understanding } => {
                let answered = self.answer(journal, &open, &input, (*query, understanding.verified)).await;
                if answered.as_ref().is_err_and(|failure| failure.code == Code::ConnectionChanged.as_str()) {
                    // The next attempt finds the files as they are now.
                    self.sources.read_anew(journal.tenant(), input.connection).await.map_err(failure)?;
                }
                answered?
            }
            Planned::Unclear { question, choices } => {
                composed(journal, compose::clarification(&question, &choices)).await?
            }
            Planned::Unanswerable { reasons, unknown_words, suggestions } => {
                composed(journal, compose::refused(&reasons, &unknown_words, &suggestions)).await?
            }
        };
        serde_json::to_value(answer).map_err(|_| Failure::last(Code::Internal, "The answer could not be stored."))
    }
}

impl AskWorkflow {
    async fn answer(
        &self,
        journal: &Journal,
        open: &Open,
        input: &Input,
        (query, verified): (Query, Option<Verified>),
    ) -> Result<Answer, Failure> {
        let guard = open.rights.guard(journal.tenant(), journal.subject(), input.role).map_err(failure)?;
        let validating = async {
            let validated = validate(open, &guard, &query);
            tell::validated(journal, &validated.output).await;
            Ok(validated)
        };
        let validated = journal.step("validator", validating).await?;
        if validated.masked {
            return composed(journal, compose::refused(&validated.reasons, &[], &[])).await;
        }
        let Some(sql) = validated.sql.clone() else {
            return composed(journal, compose::invalid(&validated.reasons)).await;
        };
        let limits = Limits { max_rows: MAX_ANSWER_ROWS, ..self.sources.warehouse.limits() };
        let asking = Asking {
            sources: &self.sources,
            clock: self.clock.as_ref(),
            open,
            guard: &guard,
            tenant: journal.tenant(),
            run: journal.id(),
            connection: input.connection,
            call: self.sources.call(journal.tenant(), limits, journal.cancel()),
        };
        let judging = async {
            let judged = asking.judge(&sql).await;
            tell::judged(journal, self.sources.warehouse.settings().query_max_bytes, &judged).await;
            judged
        };
        let judged = journal.step("critic", judging).await?;
        if !judged.allowed {
            return composed(journal, compose::blocked(&judged)).await;
        }
        let executing = async {
            let executed = asking.execute(&sql, &query).await;
            tell::executed(journal, &executed).await;
            executed
        };
        let executed = journal.step("executor", executing).await?;
        let fits = |other: &Query| semantic::compile(other, &open.model, open.catalog.dialect).is_ok();
        let material = compose::Material {
            understanding: &Understanding { verified, ..editable(&query, &open.model, &fits) },
            query: &query,
            validated: &validated,
            judged: &judged,
            executed: &executed,
            catalog: &open.catalog,
            connection: input.connection.to_string(),
            model_version: open.model_version,
        };
        composed(journal, compose::rows(&material)).await
    }

    fn plan(&self, open: &Open, input: &Input, previous: Option<&Query>) -> Done<Planned> {
        if let Some(query) = &input.picked {
            return reading(query.clone(), open);
        }
        let now = jiff::Timestamp::from_microsecond(self.clock.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let context = Context { today: now.to_zoned(jiff::tz::TimeZone::UTC).date(), previous };
        match open.planner.plan(&input.question, &context) {
            Plan::Answer(found) => {
                let (query, understanding) = (found.query, found.understanding);
                Done {
                    summary: understanding.text.clone(),
                    output: Planned::Reading { query: Box::new(query), understanding },
                }
            }
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

    /// The reading that the conversation's last answer was made with, for questions such as "and in March?".
    async fn previous(&self, journal: &Journal, input: &Input) -> Result<Option<Query>, Failure> {
        let Some(conversation) = input.conversation.clone() else { return Ok(None) };
        let (tenant, id) = (journal.tenant().clone(), journal.id());
        let created_at = journal.created_at();
        let earlier = self
            .store
            .read(move |tx| {
                Box::pin(async move {
                    runs::previous_in_conversation(tx, &tenant, &conversation, (created_at, id), LOOK_BACK).await
                })
            })
            .await?;
        let queries = earlier.iter().filter(|run| run.output.is_some()).map(|run| answer_of(run).data["query"].clone());
        Ok(queries.into_iter().find_map(|query| serde_json::from_value(query).ok()))
    }
}

fn reading(query: Query, open: &Open) -> Done<Planned> {
    let understanding = explain(&query, &open.model);
    Done { summary: understanding.text.clone(), output: Planned::Reading { query: Box::new(query), understanding } }
}

async fn composed(journal: &Journal, answer: Answer) -> Result<Answer, Failure> {
    let summary = answer.summary.clone();
    let composing = async {
        tell::composed(journal, &answer).await;
        Ok(Done { output: answer, summary })
    };
    journal.last_step("composer", composing).await
}

fn failure(error: Error) -> Failure {
    Failure::last(error.code, error.message)
}
