//! The workflow of a query that somebody brings along: judged again, or released by its approval, then run.

use std::sync::Arc;

use async_trait::async_trait;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::cost::Forecast;
use pilothouse_domain::{ApprovalId, Clock, Code, ConnectionId, PreviewId, Role};
use pilothouse_engine::{Failure, Journal, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KIND;
use super::asking::Asking;
use super::judged::{Judged, Released};
use crate::approvals::Approvals;
use crate::ledger::Ledger;
use crate::sources::Sources;

/// What the workflow needs to know; stored as the run's input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Input {
    /// The preview that it was shown in.
    pub preview: PreviewId,
    /// The connection asked.
    pub connection: ConnectionId,
    /// The statement, as it was brought along.
    pub sql: String,
    /// What it was expected to take.
    pub forecast: Forecast,
    /// The approval that it needs, if it needs one.
    pub approval: Option<ApprovalId>,
    /// What the caller may do.
    pub role: Role,
    /// The request that asked, for the audit log.
    pub request_id: String,
}

/// What has become of a query; stored as the run's output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum Outcome {
    /// It has run.
    Executed {
        /// Its rows.
        result: ResultSet,
        /// What it was expected to take.
        forecast: Forecast,
    },
    /// It has not.
    Blocked(Blocked),
}

/// Why a query does not run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Blocked {
    /// In words.
    pub reasons: Vec<String>,
    /// Where the tenant has read what it may: bytes that it may read in an hour.
    pub budget: Option<u64>,
    /// And what is left of them.
    pub bytes_remaining: Option<u64>,
}

impl From<Judged> for Blocked {
    fn from(judged: Judged) -> Self {
        let Judged { reasons, budget, bytes_remaining, .. } = judged;
        Self { reasons, budget, bytes_remaining }
    }
}

/// Runs queries.
pub struct QueryWorkflow {
    sources: Arc<Sources>,
    clock: Arc<dyn Clock>,
    approvals: Arc<Approvals>,
    ledger: Arc<Ledger>,
}

impl QueryWorkflow {
    pub(crate) fn new(
        sources: Arc<Sources>,
        clock: Arc<dyn Clock>,
        approvals: Arc<Approvals>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self { sources, clock, approvals, ledger }
    }
}

#[async_trait]
impl Workflow for QueryWorkflow {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let input: Input = serde_json::from_value(input)
            .map_err(|_| Failure::last(Code::WorkflowVersion, "The run's input is of another version."))?;
        let outcome = self.outcome(journal, &input).await;
        self.sources.keep_up(journal.tenant(), input.connection, &outcome).await?;
        serde_json::to_value(outcome?).map_err(|_| Failure::last(Code::Internal, "The rows could not be stored."))
    }
}

impl QueryWorkflow {
    async fn outcome(&self, journal: &Journal, input: &Input) -> Result<Outcome, Failure> {
        let open = self.sources.open(journal.tenant(), input.connection).await?;
        let guard = open.rights.guard(journal.tenant(), journal.subject(), input.role)?;
        let asking = Asking {
            sources: &self.sources,
            clock: self.clock.as_ref(),
            open: &open,
            guard: &guard,
            tenant: journal.tenant(),
            run: journal.id(),
            preview: Some(input.preview),
            connection: input.connection,
            call: self.sources.call(journal.tenant(), self.sources.warehouse.limits(), journal.cancel()),
            approvals: &self.approvals,
            ledger: &self.ledger,
            subject: journal.subject(),
            role: input.role,
        };
        let (written, approved) = match input.approval {
            Some(approval) => {
                let releasing = asking.release(&input.sql, (approval, &input.request_id), &input.forecast);
                match journal.step("release", releasing).await? {
                    Released::Runs(text) => (input.sql.clone(), Some(text)),
                    Released::RunsChanged { written, text } => (written, Some(text)),
                    Released::Refused(reason) => {
                        return Ok(Outcome::Blocked(Blocked { reasons: vec![reason], ..Blocked::default() }));
                    }
                }
            }
            None => {
                let judged = journal.step("critic", asking.judge(&input.sql, false)).await?;
                if !judged.allowed {
                    return Ok(Outcome::Blocked(judged.into()));
                }
                (input.sql.clone(), None)
            }
        };
        let executed = journal.step("executor", asking.execute(&written, None, approved.as_deref())).await?;
        Ok(Outcome::Executed { result: executed.result, forecast: input.forecast })
    }
}
