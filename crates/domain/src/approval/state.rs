//! An approval's life as a pure state machine.

use serde::{Deserialize, Serialize};

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for people to decide.
    Pending,
    /// Holds: the action may be done, once.
    Approved,
    /// Somebody who may decide said no.
    Rejected,
    /// Was taken back before the action was done.
    Revoked,
    /// Was not used, or not decided, in time.
    Expired,
    /// The action was done.
    Used,
    /// What would be done is no longer what was shown.
    Void,
}

/// What can happen to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// As many as it needs have agreed.
    Grant,
    /// One who may decide disagrees.
    Reject,
    /// It is taken back.
    Revoke,
    /// Its time is over.
    Expire,
    /// The action is done.
    Use,
    /// The action has changed, or what it rests on.
    Void,
}

/// A transition that the state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an approval that is {} cannot {event:?}", from.as_str())]
pub struct Refused {
    /// Where the approval stands.
    pub from: State,
    /// What was asked of it.
    pub event: Event,
}

impl State {
    /// Every state, in the order of an approval's life.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Approved, Self::Rejected, Self::Revoked, Self::Expired, Self::Used, Self::Void];

    /// The state as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Void => "void",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing can happen to it any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Approved)
    }

    /// Where the approval stands after `event`.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        match (self, event) {
            (Self::Pending, Event::Grant) => Ok(Self::Approved),
            (Self::Pending, Event::Reject) => Ok(Self::Rejected),
            (Self::Approved, Event::Use) => Ok(Self::Used),
            (Self::Pending | Self::Approved, Event::Revoke) => Ok(Self::Revoked),
            (Self::Pending | Self::Approved, Event::Expire) => Ok(Self::Expired),
            (Self::Pending | Self::Approved, Event::Void) => Ok(Self::Void),
            (from, event) => Err(Refused { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [Event; 6] = [Event::Grant, Event::Reject, Event::Revoke, Event::Expire, Event::Use, Event::Void];

    proptest! {
        #[test]
        fn what_is_final_stays_and_nothing_is_used_that_was_not_granted(
            events in prop::collection::vec(prop::sample::select(&EVENTS[..]), 0..12),
        ) {
            let (mut state, mut granted, mut used) = (State::Pending, 0, 0);
            for event in events {
                match state.after(event) {
                    Ok(next) => {
                        prop_assert!(!state.is_final());
                        granted += u32::from(event == Event::Grant);
                        used += u32::from(event == Event::Use);
                        state = next;
                    }
                    Err(refused) => prop_assert_eq!(refused, Refused { from: state, event }),
                }
            }
            prop_assert!(used <= granted && granted <= 1);
        }
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("done"), None);
    }
}
