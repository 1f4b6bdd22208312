//! What a schedule does about runs that have not ended and ticks that were missed: names and their text.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::decide::MAX_TICKS;

/// What becomes of a tick while a run of the same schedule has not ended.
///
/// To skip is the default: of a run that takes longer than the time between two ticks, the other choices would either
/// make a queue that only grows, or never let one finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The tick has no run.
    #[default]
    Skip,
    /// Its run waits for those before it.
    Queue,
    /// Those that have not ended are cancelled for it.
    Replace,
}

/// Which of the ticks run that came due unnoticed, because no node was up, the schedule was held back, or the clock
/// jumped. A tick is missed when the next one has come due as well before it was decided on.
///
/// The last one is the default: work is made up for, and not once per missed tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CatchUp {
    /// None, and the newest only when it has just come due ([`super::ON_TIME`]).
    None,
    /// One run for all of them, with the newest tick.
    #[default]
    Last,
    /// Each of them, one after the other.
    All,
    /// Each of the newest so many, at most [`MAX_TICKS`], one after the other. Written as `bounded:3`.
    Bounded(NonZeroU8),
}

/// How a schedule treats ticks that cannot simply run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// While a run has not ended.
    pub overlap: Overlap,
    /// After ticks were missed.
    pub catch_up: CatchUp,
    /// The most that a tick is delayed, in seconds.
    pub jitter_seconds: u32,
}

/// Text that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of {known}")]
pub struct UnknownPolicy {
    text: String,
    known: &'static str,
}

impl Overlap {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Queue, Self::Replace];

    /// The policy as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Replace => "replace",
        }
    }
}

impl FromStr for Overlap {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let found = Self::ALL.into_iter().find(|overlap| overlap.as_str() == text);
        found.ok_or_else(|| UnknownPolicy { text: text.to_owned(), known: "skip, queue and replace" })
    }
}

impl fmt::Display for CatchUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Last => f.write_str("last"),
            Self::All => f.write_str("all"),
            Self::Bounded(count) => write!(f, "bounded:{count}"),
        }
    }
}

impl FromStr for CatchUp {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let bounded = |count: &str| {
            let count = count.parse::<NonZeroU8>().ok().filter(|count| usize::from(count.get()) <= MAX_TICKS);
            count.filter(|count| text == format!("bounded:{count}"))
        };
        match (text, text.strip_prefix("bounded:").and_then(bounded)) {
            ("none", _) => Ok(Self::None),
            ("last", _) => Ok(Self::Last),
            ("all", _) => Ok(Self::All),
            (_, Some(count)) => Ok(Self::Bounded(count)),
            _ => Err(UnknownPolicy { text: text.to_owned(), known: "none, last, all and bounded:1 to bounded:100" }),
        }
    }
}

impl TryFrom<String> for CatchUp {
    type Error = UnknownPolicy;

    fn try_from(text: String) -> Result<Self, UnknownPolicy> {
        text.parse()
    }
}

impl From<CatchUp> for String {
    fn from(catch_up: CatchUp) -> Self {
        catch_up.to_string()
    }
}
