//! What the first two steps hand on. These are stored in the journal, so their fields are added to and not renamed.

use pilothouse_domain::ApprovalId;
use pilothouse_domain::answer::{ColumnRole, Understanding};
use pilothouse_domain::semantic::{Grain, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::Answer;
use super::merge::Made;

/// What was made of the question, and how that came about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    /// The first.
    #[serde(flatten)]
    pub planned: Planned,
    /// The second.
    #[serde(default)]
    pub made: Made,
}

/// What was made of a question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Planned {
    /// One reading.
    Reading {
        /// It.
        query: Box<Query>,
        /// It, in words.
        understanding: Understanding,
    },
    /// Readings that differ: the caller is asked.
    Unclear {
        /// The question back.
        question: String,
        /// The readings.
        choices: Vec<Choice>,
    },
    /// None.
    Unanswerable {
        /// Why.
        reasons: Vec<String>,
        /// The words that mean nothing here.
        unknown_words: Vec<String>,
        /// What can be asked.
        suggestions: Vec<String>,
    },
}

/// One of the readings of an unclear question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Choice {
    /// Its id in the answer.
    pub id: String,
    /// It, in a few words.
    pub label: String,
    /// What sets it apart.
    pub detail: String,
    /// The question, asked so that it has only this reading.
    pub message: String,
    /// It.
    pub query: Query,
}

/// What the validator made of a reading.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Validated {
    /// The canonical SQL; none when the guard refused it.
    pub sql: Option<String>,
    /// What each column of the result is.
    pub columns: Vec<ColumnMeaning>,
    /// The tables it reads.
    pub tables: Vec<String>,
    /// The guard's verdict and reasons.
    pub verdict: Value,
    /// The reasons in words.
    pub reasons: Vec<String>,
    /// Whether it was refused since its answer would be made of masked values.
    #[serde(default)]
    pub masked: bool,
}

/// What a column of the result is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ColumnMeaning {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: ColumnRole,
    /// Its unit.
    pub unit: Option<String>,
    /// The length of the periods it holds.
    #[serde(default)]
    pub grain: Option<Grain>,
}

/// An approval that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AskedFor {
    /// Its id.
    pub approval: ApprovalId,
    /// What is answered meanwhile.
    pub answer: Answer,
}
