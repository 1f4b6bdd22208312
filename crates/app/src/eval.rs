//! Evaluation: questions with known answers, asked of any folder of tables through the very path that Ask takes.

use std::path::Path;

use pilothouse_ai::planner::{Context, Plan, Planner};
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::compare::same_rows;
use pilothouse_domain::semantic::{Model, Query};
use pilothouse_domain::{Clock, Code};
use pilothouse_warehouse::guard::Guard;
use pilothouse_warehouse::guard::access::Access;
use pilothouse_warehouse::{Call, Cancel, Engine, Limits, Source, Warehouse, semantic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::Error;

/// A question and its accepted answers.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// The question's words.
    pub question: String,
    /// Statements, any of whose results is right.
    #[serde(default, deserialize_with = "one_or_many")]
    pub sql: Vec<String>,
    /// Whether declining (or asking back) is right instead.
    #[serde(default)]
    pub unanswerable: bool,
    /// Whether asking back is right.
    #[serde(default)]
    pub clarify: bool,
    /// Whether the order of rows counts.
    #[serde(default)]
    pub ordered: bool,
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(sql) => vec![sql],
        OneOrMany::Many(sql) => sql,
    })
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With an accepted answer.
    Right,
    /// With a question back.
    AskedBack,
    /// Declined.
    Refused,
    /// With another answer.
    Wrong,
}

/// A question and how it ended.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// The question.
    pub question: String,
    /// Whether there is an answer to it.
    pub answerable: bool,
    /// Whether it was answered rather than asked back or declined.
    pub answered: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The SQL that was run, the question back, or the reason for declining.
    pub detail: String,
}

fn call(limits: Limits, cancel: &Cancel) -> Call<'_> {
    Call { owner: "evaluation".into(), weight: 1, limits, cancel }
}

/// An opened folder, ready to be asked.
pub struct Evaluation {
    engine: Arc<dyn Engine>,
    catalog: Arc<Catalog>,
    model: Arc<Model>,
    planner: Planner,
    limits: Limits,
    guard: Guard,
    clock: Arc<dyn Clock>,
}

impl Evaluation {
    /// Opens `data`, whose semantic model is `yaml`, or inferred where there is none.
    pub async fn open(warehouse: &Warehouse, data: &Path, yaml: &str, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let cancel = Cancel::new();
        let call = call(warehouse.profile_limits(), &cancel);
        let engine = warehouse.open(&Source::Files { path: data.to_path_buf() }, &call).await?;
        let catalog = engine.profile(&call).await?;
        let model = semantic::yaml::read(yaml, &catalog);
        let model = Arc::new(model.map_err(|error| Error::new(Code::SemanticInvalid, error.to_string()))?);
        let planner = Planner::new(model.clone());
        let catalog = Arc::new(catalog);
        let guard = Guard::new(catalog.clone(), Access::open(), warehouse.guard_limits());
        let limits = warehouse.limits();
        Ok(Self { engine, catalog, model, planner, limits, guard, clock })
    }

    /// Asks one question and compares its answer with the accepted ones.
    pub async fn judge(&self, case: &Case) -> Result<Judged, Error> {
        let now = jiff::Timestamp::from_microsecond(self.clock.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let context = Context { today: now.to_zoned(jiff::tz::TimeZone::UTC).date(), previous: None };
        let declined = case.unanswerable || case.clarify;
        let (answered, (outcome, detail)) = match self.planner.plan(&case.question, &context) {
            Plan::Answer(reading) => (true, self.answered(case, &reading.query).await?),
            Plan::Clarify { question, .. } => {
                (false, (if declined { Outcome::Right } else { Outcome::AskedBack }, question))
            }
            Plan::Refuse { reasons, .. } => {
                let outcome = if case.unanswerable { Outcome::Right } else { Outcome::Refused };
                (false, (outcome, reasons.join(" ")))
            }
        };
        let answerable = !case.sql.is_empty();
        let answered = answered && outcome != Outcome::Refused;
        Ok(Judged { question: case.question.clone(), answerable, answered, outcome, detail })
    }

    async fn answered(&self, case: &Case, query: &Query) -> Result<(Outcome, String), Error> {
        let sql = match semantic::compile(query, &self.model, self.catalog.dialect) {
            Ok(sql) => sql,
            Err(error) => return Ok((Outcome::Refused, error.to_string())),
        };
        if case.unanswerable || case.clarify && case.sql.is_empty() {
            return Ok((Outcome::Wrong, sql));
        }
        let ours = match self.run(&sql).await {
            Ok(ours) => ours,
            Err(error) => return Ok((Outcome::Refused, format!("{}: {sql}", error.message))),
        };
        for accepted in &case.sql {
            let gold = self.run(accepted).await.map_err(|error| {
                let message = format!("The accepted SQL of \"{}\" cannot be run: {}", case.question, error.message);
                Error::new(error.code, message)
            })?;
            if same_rows(&gold, &ours, case.ordered) {
                return Ok((Outcome::Right, sql));
            }
        }
        Ok((Outcome::Wrong, sql))
    }

    async fn run(&self, sql: &str) -> Result<ResultSet, Error> {
        let report = self.guard.check(sql);
        let reasons: Vec<_> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
        let checked = report.query.as_ref().ok_or_else(|| Error::new(Code::SqlBlocked, reasons.join("; ")))?;
        Ok(self.engine.execute(checked, &call(self.limits, &Cancel::new())).await?)
    }
}
