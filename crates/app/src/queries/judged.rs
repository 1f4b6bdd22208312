//! What is thought of a query before it runs, and what it found. These are stored in journals, so their fields are added to
//! and not renamed.

use pilothouse_domain::Micros;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::approval::Needs;
use pilothouse_domain::approval::policy::Facts;
use pilothouse_domain::cost::Forecast;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reads::Full;

/// Why a tenant reads nothing more for a while.
pub const HOUR_IS_FULL: &str = "Hourly byte budget exceeded";

/// What the critic thinks of running it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Judged {
    /// Whether it may run.
    pub allowed: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// What to do instead: `revise_query`, `narrow_scope`, `wait_or_reduce_cost`, `preview_then_approve`, or nothing.
    pub next_action: Option<String>,
    /// Whom it waits for, where it may run once somebody has agreed.
    #[serde(default)]
    pub waits_for: Option<WaitsFor>,
    /// What it is expected to take.
    #[serde(default)]
    pub forecast: Forecast,
    /// Where the tenant has read what it may: bytes that it may read in an hour.
    #[serde(default)]
    pub budget: Option<u64>,
    /// And what is left of them.
    #[serde(default)]
    pub bytes_remaining: Option<u64>,
    /// Where it waits for an approver: whose approval it takes, and for what.
    #[serde(default)]
    pub needed: Option<Needed>,
}

/// An approval that a query needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Needed {
    /// Whose.
    pub needs: Needs,
    /// The rule that says so, if one does.
    pub rule: Option<String>,
    /// By which figures.
    pub facts: Facts,
    /// Exactly what would run.
    pub sql: String,
    /// Whether that passes the limits of its run.
    #[serde(default)]
    pub beyond_run: bool,
}

/// What becomes of a query that waited for an approver.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Released {
    /// Exactly this text of it runs.
    Runs(String),
    /// Whoever approved it has written something else, and exactly this text of that runs.
    RunsChanged {
        /// What they have written.
        written: String,
        /// The text of it.
        text: String,
    },
    /// It does not, for this reason.
    Refused(String),
}

/// Who lets a query run that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Whoever asks, who has not seen yet what it costs.
    Asker,
    /// A person who may approve it.
    Approver,
}

impl WaitsFor {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asker => "asker",
            Self::Approver => "approver",
        }
    }
}

impl Judged {
    /// It may run, and is expected to take this.
    pub fn allowed(forecast: Forecast) -> Self {
        Self {
            allowed: true,
            reasons: Vec::new(),
            next_action: None,
            waits_for: None,
            forecast,
            budget: None,
            bytes_remaining: None,
            needed: None,
        }
    }

    /// It may not.
    pub fn refuse(&mut self, reason: &str, next_action: &str) {
        self.allowed = false;
        self.reasons.push(reason.to_owned());
        self.next_action = Some(next_action.to_owned());
    }

    /// It may run, now or once somebody has agreed.
    pub fn may_run(&self) -> bool {
        self.allowed || self.waits_for.is_some()
    }

    /// It may not as long as its tenant has read so much.
    pub fn hour_is_full(&mut self, full: Full) {
        self.waits_for = None;
        self.refuse(HOUR_IS_FULL, "wait_or_reduce_cost");
        (self.budget, self.bytes_remaining) = (Some(full.most), Some(full.remaining));
    }

    /// What waited may not run after all.
    pub fn stopped(mut self, reason: String) -> Self {
        (self.waits_for, self.reasons) = (None, vec![reason]);
        self.next_action = Some("revise_query".to_owned());
        self
    }

    /// It waits for somebody.
    pub fn wait(&mut self, for_whom: WaitsFor, reasons: Vec<String>) {
        self.allowed = false;
        self.waits_for = Some(for_whom);
        self.reasons = reasons;
        self.next_action = Some("preview_then_approve".to_owned());
    }
}

/// What the executor found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Executed {
    /// The rows.
    #[serde(flatten)]
    pub result: ResultSet,
    /// Where the question is for the first of several: what it is the first of.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// When the rows were computed, where they were kept from an earlier question.
    #[serde(default)]
    pub kept_at: Option<Micros>,
}

/// The first few of what a question asks the first of, so that a reader sees by how much.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// The SQL that found them.
    pub sql: String,
    /// Rows of the same columns as the result's.
    pub rows: Vec<Vec<Value>>,
}
