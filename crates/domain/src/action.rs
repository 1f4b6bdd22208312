//! What somebody wants to do, as every gate sees it, and what the gates can say to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::money::NanoUsd;
use crate::{ApprovalId, Code, Role};

/// How much an action can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Changes nothing outside the program.
    Read,
    /// Makes or changes something.
    Write,
    /// Removes something.
    Destructive,
}

/// An action before the gates.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name, for instance `ask.run`; the audit log has the same.
    pub kind: &'static str,
    /// How much it can change.
    pub tier: Tier,
    /// The least role that may do it.
    pub needs: Role,
    /// What it is done to, for instance a connection's id.
    pub resource: String,
    /// What would be done, without secrets.
    pub payload: Value,
    /// SHA-256 of its canonical payload, in hexadecimal.
    pub payload_hash: String,
    /// The most it can cost.
    pub worst_cost: NanoUsd,
    /// What whoever decides is shown beside it, as a JSON object; it is no part of what is agreed to.
    pub figures: Value,
}

/// What the gates say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allow,
    /// No, for this reason.
    Deny(Denial),
    /// Once people have agreed.
    Wait {
        /// What they decide about.
        approval: ApprovalId,
        /// Why, for a person.
        message: String,
    },
}

/// Why an action was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The stable code.
    pub code: Code,
    /// The reason for a person.
    pub message: String,
}
