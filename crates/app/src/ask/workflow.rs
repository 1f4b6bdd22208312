//! The Ask workflow: planner → validator → critic → executor → composer, each step journalled.

use std::sync::Arc;

use async_trait::async_trait;
use pilothouse_ai::planner::{Context, Plan};
use pilothouse_domain::semantic::{Order, Query, editable, explain};
use pilothouse_domain::{Clock, Code};
use pilothouse_engine::{Done, Failure, Journal, Workflow};
use pilothouse_store::{Store, runs};
use pilothouse_warehouse::guard::{self, Policy, Report, Verdict};
use pilothouse_warehouse::{Limits, semantic};
use serde_json::{Value, json};

use super::answer::{Answer, answer_of};
use super::plan::{Choice, ColumnMeaning, Comparison, Executed, Judged, Planned, Validated};
use super::{Input, KIND, compose, tell};
use crate::Error;
use crate::sources::{Open, Sources};

/// Most rows of one answer; more are said to be left out.
const MAX_ANSWER_ROWS: usize = 1_000;
/// How many a question for the first one is shown beside.
const COMPARED: u32 = 10;
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
            Planned::Reading { query, .. } => {
                let answered = self.answer(journal, &open, &input, query).await;
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
    async fn answer(&self, journal: &Journal, open: &Open, input: &Input, query: Query) -> Result<Answer, Failure> {
        let validating = async {
            let validated = validate(open, &query);
            tell::validated(journal, &validated.output).await;
            Ok(validated)
        };
        let validated = journal.step("validator", validating).await?;
        let Some(sql) = validated.sql.clone() else {
            return composed(journal, compose::invalid(&validated.reasons)).await;
        };
        let most = self.sources.warehouse.settings().query_max_bytes;
        let judging = async {
            let judged = judge(open, &sql, most).await;
            tell::judged(journal, most, &judged).await;
            judged
        };
        let judged = journal.step("critic", judging).await?;
        if !judged.allowed {
            return composed(journal, compose::blocked(&judged)).await;
        }
        let limits = Limits { max_rows: MAX_ANSWER_ROWS, ..self.sources.warehouse.limits() };
        let cancel = journal.cancel().clone();
        let executing = async {
            let executed = execute(open, &sql, &query, limits, &cancel).await;
            tell::executed(journal, &executed).await;
            executed
        };
        let executed = journal.step("executor", executing).await?;
        let fits = |other: &Query| semantic::compile(other, &open.model, open.catalog.dialect).is_ok();
        let material = compose::Material {
            understanding: &editable(&query, &open.model, &fits),
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
            Plan::Answer(found) => reading(found.query, open),
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
    Done { summary: understanding.text.clone(), output: Planned::Reading { query, understanding } }
}

/// Turns a reading into SQL and lets the guard look at it.
fn validate(open: &Open, query: &Query) -> Done<Validated> {
    let rejected = |reasons: Vec<String>, verdict: Value| Done {
        summary: reasons.first().cloned().unwrap_or_default(),
        output: Validated { sql: None, columns: Vec::new(), tables: Vec::new(), verdict, reasons },
    };
    let sql = match semantic::compile(query, &open.model, open.catalog.dialect) {
        Ok(sql) => sql,
        Err(error) => return rejected(vec![error.to_string()], Value::Null),
    };
    let report = check(open, &sql);
    let verdict = json!({"verdict": report.verdict, "reasons": report.reasons});
    let reasons: Vec<String> = report.reasons.iter().map(|reason| reason.message.clone()).collect();
    let Some(checked) = report.query else { return rejected(reasons, verdict) };
    let columns = semantic::result_columns(query, &open.model).into_iter();
    let columns = columns.map(|c| ColumnMeaning { name: c.name, role: c.role, unit: c.unit, grain: c.grain }).collect();
    let tables = checked.tables().to_vec();
    let summary = format!("Read-only SQL over {}.", tables.join(", "));
    Done { summary, output: Validated { sql: Some(checked.sql().to_owned()), columns, tables, verdict, reasons } }
}

/// Whether a query can be asked of the connection: it compiles over its model, and the guard lets it run.
///
/// # Errors
/// With the reasons, when it cannot.
pub(super) fn askable(open: &Open, query: &Query) -> Result<(), String> {
    let validated = validate(open, query).output;
    if validated.sql.is_some() { Ok(()) } else { Err(validated.reasons.join("; ")) }
}

fn check(open: &Open, sql: &str) -> Report {
    guard::check(
        sql,
        &Policy { catalog: &open.catalog, access: &guard::access::Access::open(), limits: &open.guard_limits },
    )
}

/// Estimates what the query reads, and refuses what reads more than one query may.
async fn judge(open: &Open, sql: &str, most: u64) -> Result<Done<Judged>, Failure> {
    let checked = recheck(open, sql)?;
    let estimate = open.engine.estimate(&checked).await.map_err(of_engine)?;
    let too_much = estimate.bytes.is_some_and(|bytes| bytes > most);
    let reasons = if too_much { vec!["Query exceeds max bytes".to_owned()] } else { Vec::new() };
    let next_action = too_much.then(|| "narrow_scope".to_owned());
    let summary = match (too_much, estimate.rows) {
        (true, _) => "The query would read more than one query may.".to_owned(),
        (false, Some(rows)) => format!("Reads at most {rows} rows, within the limits."),
        (false, None) => "Within the limits.".to_owned(),
    };
    let (estimated_bytes, estimated_rows) = (estimate.bytes, estimate.rows);
    Ok(Done { summary, output: Judged { allowed: !too_much, reasons, next_action, estimated_bytes, estimated_rows } })
}

async fn execute(
    open: &Open,
    sql: &str,
    query: &Query,
    limits: Limits,
    cancel: &pilothouse_warehouse::Cancel,
) -> Result<Done<Executed>, Failure> {
    let checked = recheck(open, sql)?;
    let mut result = open.engine.execute(&checked, limits, cancel).await.map_err(of_engine)?;
    let mut comparison = None;
    if let Some(wider) = compared(open, query) {
        // The answer is whole without it, so its failure is not the question's.
        if let Ok(found) = open.engine.execute(&wider, limits, cancel).await {
            let sum = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one + other);
            result.rows_scanned = sum(result.rows_scanned, found.rows_scanned);
            result.bytes_scanned = sum(result.bytes_scanned, found.bytes_scanned);
            result.elapsed_us += found.elapsed_us;
            comparison = Some(Comparison { sql: wider.sql().to_owned(), rows: found.rows });
        }
    }
    let summary = format!("{} rows in {} ms.", result.rows.len(), result.elapsed_us / 1000);
    Ok(Done { summary, output: Executed { result, comparison } })
}

/// The query that finds what the first one is the first of; none where the question is not for the first of several. It
/// reads what the query itself reads.
fn compared(open: &Open, query: &Query) -> Option<guard::CheckedQuery> {
    let by_measure = matches!(query.order.first(), Some(Order::Measure { .. }));
    if query.limit != Some(1) || query.groups.len() != 1 || !by_measure {
        return None;
    }
    let wider = Query { limit: Some(COMPARED), ..query.clone() };
    check(open, &semantic::compile(&wider, &open.model, open.catalog.dialect).ok()?).query
}

/// Only the guard can make what an engine takes, so the text from the journal passes it again.
fn recheck(open: &Open, sql: &str) -> Result<guard::CheckedQuery, Failure> {
    let report = check(open, sql);
    match (report.verdict, report.query) {
        (Verdict::Allow | Verdict::AllowRewritten, Some(query)) => Ok(query),
        _ => Err(Failure::last(Code::SqlBlocked, "The SQL guard no longer lets this statement run.")),
    }
}

async fn composed(journal: &Journal, answer: Answer) -> Result<Answer, Failure> {
    let summary = answer.summary.clone();
    let composing = async {
        tell::composed(journal, &answer).await;
        Ok(Done { output: answer, summary })
    };
    journal.last_step("composer", composing).await
}

fn of_engine(error: pilothouse_warehouse::Error) -> Failure {
    Failure { retryable: error.retryable, code: error.code.as_str().to_owned(), message: error.message }
}

fn failure(error: Error) -> Failure {
    Failure::last(error.code, error.message)
}
