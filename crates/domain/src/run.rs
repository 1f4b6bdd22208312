//! A run's life as a pure state machine. Who holds a lease and where rows are kept is the engine's and store's business.

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waiting for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Waiting for a person, a signal or a time, without a worker.
    Waiting,
    /// Ended well.
    Succeeded,
    /// Ended by a final error.
    Failed,
    /// Ended by somebody's wish.
    Cancelled,
    /// Ended after its last attempt; kept for a person to look at.
    Dead,
}

/// What can happen to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A worker takes it.
    Claim,
    /// Its worker vanished or a step asked for another try, and attempts are left.
    Requeue,
    /// It waits for something outside.
    Suspend,
    /// What it waited for came.
    Resume,
    /// Its workflow returned.
    Succeed,
    /// Its workflow returned a final error.
    Fail,
    /// Its worker vanished or a step failed, and no attempts are left.
    Exhaust,
    /// Somebody cancelled it.
    Cancel,
}

/// A transition that the state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from:?} cannot {event:?}")]
pub struct Refused {
    /// Where the run stands.
    pub from: Status,
    /// What was asked of it.
    pub event: Event,
}

impl Status {
    /// Every status, in the order of a run's life.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Succeeded, Self::Failed, Self::Cancelled, Self::Dead];

    /// The status as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// The status with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the run has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Dead)
    }

    /// Where the run stands after `event`.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        match (self, event) {
            (Self::Queued, Event::Claim) => Ok(Self::Running),
            (Self::Running, Event::Requeue) | (Self::Waiting, Event::Resume) => Ok(Self::Queued),
            (Self::Running, Event::Suspend) => Ok(Self::Waiting),
            (Self::Running, Event::Succeed) => Ok(Self::Succeeded),
            (Self::Running, Event::Fail) => Ok(Self::Failed),
            (Self::Running, Event::Exhaust) => Ok(Self::Dead),
            (Self::Queued | Self::Running | Self::Waiting, Event::Cancel) => Ok(Self::Cancelled),
            (from, event) => Err(Refused { from, event }),
        }
    }
}

/// Where a journalled step stands. A step that succeeded is never run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// Begun, by the attempt that the row names.
    Running,
    /// Done; its output is stored.
    Succeeded,
    /// Ended with an error.
    Failed,
}

impl StepStatus {
    /// The status as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The status with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed].into_iter().find(|status| status.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [Event; 8] = [
        Event::Claim,
        Event::Requeue,
        Event::Suspend,
        Event::Resume,
        Event::Succeed,
        Event::Fail,
        Event::Exhaust,
        Event::Cancel,
    ];

    proptest! {
        #[test]
        fn what_ended_stays_ended(events in prop::collection::vec(prop::sample::select(&EVENTS[..]), 0..40)) {
            let mut status = Status::Queued;
            for event in events {
                match status.after(event) {
                    Ok(next) => {
                        prop_assert!(!status.is_final());
                        status = next;
                    }
                    Err(refused) => prop_assert_eq!(refused.from, status),
                }
            }
        }
    }

    #[test]
    fn every_unfinished_run_can_be_cancelled_and_no_finished_one() {
        for status in Status::ALL {
            assert_eq!(status.after(Event::Cancel).is_ok(), !status.is_final(), "{status:?}");
        }
    }

    #[test]
    fn names_survive_parsing() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
