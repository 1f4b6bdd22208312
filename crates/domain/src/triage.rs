//! Why runs fail: the classes of causes, what is advised about each, and how likely it is that it happens again.

use serde::{Deserialize, Serialize};

/// What a failure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A database that refuses for a reason of its own: locks, connections, its state.
    Database,
    /// What lies between machines.
    Network,
    /// Too little memory.
    Memory,
    /// A limit that somebody has set, or a full disk.
    Quota,
    /// Who may do what.
    Permission,
    /// Data of another shape than was expected.
    SchemaDrift,
    /// What is in the data.
    DataQuality,
    /// The job itself.
    Code,
    /// Nobody knows.
    Unknown,
}

impl Cause {
    /// Every cause that is known.
    pub const ALL: [Self; 8] = [
        Self::Database,
        Self::Network,
        Self::Memory,
        Self::Quota,
        Self::Permission,
        Self::SchemaDrift,
        Self::DataQuality,
        Self::Code,
    ];

    /// The cause as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Network => "network",
            Self::Memory => "memory",
            Self::Quota => "quota",
            Self::Permission => "permission",
            Self::SchemaDrift => "schema_drift",
            Self::DataQuality => "data_quality",
            Self::Code => "code",
            Self::Unknown => "unknown",
        }
    }

    /// That with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Unknown]).find(|cause| cause.as_str() == text)
    }

    /// The class as the data platform copilot's clients know it, where they know it.
    pub fn original(self) -> &'static str {
        match self {
            Self::Memory => "OOM",
            Self::Network => "network_timeout",
            Self::DataQuality => "data_corruption",
            Self::Permission => "policy_violation",
            Self::Quota => "quota_exceeded",
            other => other.as_str(),
        }
    }

    /// What is going on, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Database => "The database refused: a lock, its connections or its own state stood in the way.",
            Self::Network => "Two machines could not talk to each other.",
            Self::Memory => "The work needed more memory than it may have.",
            Self::Quota => "A limit was reached that somebody has set, or a disk is full.",
            Self::Permission => "Whoever ran it is not known there, or may not do that.",
            Self::SchemaDrift => "The data has another shape than the job expects.",
            Self::DataQuality => "The data holds what the job does not accept.",
            Self::Code => "The job itself is at fault: its code, its configuration or what it needs to run.",
            Self::Unknown => "What it printed does not tell why.",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Database => {
                "Retry once it is quiet. Where it comes back: look who holds the lock or the connections, and run the two jobs one after the other."
            }
            Self::Network => {
                "Retry. Where it comes back: look whether the name resolves, the port answers and the certificate holds, from where the job runs."
            }
            Self::Memory => {
                "Give it more memory, or have it read less at once: fewer columns, smaller parts, less side by side."
            }
            Self::Quota => {
                "Wait until the limit resets, ask for less, or have it raised; where a disk is full, make room."
            }
            Self::Permission => {
                "Look whether the credentials still hold, and grant what the message names. Retrying alone changes nothing."
            }
            Self::SchemaDrift => {
                "Compare the source with what the job expects, and change the job or have the source changed back. Retrying alone changes nothing."
            }
            Self::DataQuality => {
                "Find the rows that the message names, have them mended where they come from, and load them again."
            }
            Self::Code => "Mend what the message names. Retrying alone changes nothing.",
            Self::Unknown => "Read the log of the step that failed.",
        }
    }

    /// How likely it happens again if nothing is done, where it has not happened before.
    pub fn recurrence(self) -> Risk {
        match self {
            Self::Network | Self::Database => Risk::Low,
            Self::Quota | Self::Unknown => Risk::Medium,
            Self::Memory | Self::Permission | Self::SchemaDrift | Self::DataQuality | Self::Code => Risk::High,
        }
    }
}

/// How likely something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Hardly.
    Low,
    /// It may.
    Medium,
    /// It will.
    High,
}

impl Risk {
    /// The risk as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// That with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|risk| risk.as_str() == text)
    }

    /// The same, where it has happened so often before.
    pub fn after(self, times: usize) -> Self {
        match (self, times) {
            (own, 0) => own,
            (Self::Low, 1..=2) => Self::Medium,
            _ => Self::High,
        }
    }
}

/// What an error speaks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The cause.
    pub cause: Cause,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// The line that says it best.
    pub line: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for cause in Cause::ALL.into_iter().chain([Cause::Unknown]) {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
            assert!(!cause.summary().is_empty() && !cause.advice().is_empty());
        }
        assert_eq!((Cause::Memory.original(), Cause::Code.original()), ("OOM", "code"));
        for risk in [Risk::Low, Risk::Medium, Risk::High] {
            assert_eq!(Risk::parse(risk.as_str()), Some(risk));
        }
    }

    #[test]
    fn what_came_before_comes_again() {
        assert_eq!([0, 1, 3].map(|times| Risk::Low.after(times)), [Risk::Low, Risk::Medium, Risk::High]);
        assert_eq!(Risk::High.after(1), Risk::High);
    }
}
