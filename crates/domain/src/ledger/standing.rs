//! How a limit stands: what is left, how full it is, and where it would end if it went on like this.

use serde::{Deserialize, Serialize};

use super::window::Span;
use crate::Micros;

/// Shares of a limit, in percent, each of which is told once in a window.
pub const THRESHOLDS: [u32; 4] = [50, 80, 95, 100];
/// From this share on it warns, in percent.
const WARN_FROM: i128 = 80;
/// The part of a window that must have gone by before anything is foretold: a hundredth.
const LEAST_PART: i64 = 100;

/// How a limit stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is room.
    Ok,
    /// It is nearly full.
    Warning,
    /// It is full.
    Exceeded,
}

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How much may be spent; none means as much as they like.
    pub amount: Option<i64>,
    /// What was spent, and what is held for what is under way.
    pub used: i64,
    /// What the window would end with if it went on like this; none where nobody can tell yet.
    pub forecast: Option<i64>,
}

impl Standing {
    /// How `used` of `amount` stands at `now` in a window; `span` is where `now` lies in it.
    pub fn new(amount: Option<i64>, used: i64, now: Micros, span: Span) -> Self {
        let forecast = span.until.and_then(|until| {
            let (whole, gone) = (until - span.since, now - span.since);
            (gone > 0 && gone >= whole / LEAST_PART).then(|| scaled(used, whole, gone))
        });
        Self { amount, used, forecast }
    }

    /// What may be spent still; none where there is no end to it.
    pub fn left(&self) -> Option<i64> {
        self.amount.map(|amount| amount.saturating_sub(self.used).max(0))
    }

    /// The status. Where nothing is allowed, it is full from the first.
    pub fn status(&self) -> Status {
        match self.amount {
            None => Status::Ok,
            Some(amount) if self.used >= amount => Status::Exceeded,
            Some(amount) if i128::from(self.used) * 100 >= i128::from(amount) * WARN_FROM => Status::Warning,
            Some(_) => Status::Ok,
        }
    }

    /// Which of [`THRESHOLDS`] it has come to.
    pub fn reached(&self) -> impl Iterator<Item = u32> + '_ {
        let amount = self.amount.filter(|amount| *amount > 0);
        THRESHOLDS.into_iter().filter(move |percent| {
            amount.is_some_and(|amount| i128::from(self.used) * 100 >= i128::from(amount) * i128::from(*percent))
        })
    }

    /// Whether it would not be enough if it went on like this, though it is now.
    pub fn will_exceed(&self) -> bool {
        let short = |amount: i64| self.used < amount && self.forecast.is_some_and(|forecast| forecast > amount);
        self.amount.is_some_and(short)
    }
}

/// `value` times `whole` by `part`, and no more than a number holds.
fn scaled(value: i64, whole: i64, part: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(whole) / i128::from(part)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(amount: Option<i64>, used: i64, now: Micros) -> Standing {
        Standing::new(amount, used, now, Span { bucket: 0, since: 0, until: Some(1_000) })
    }

    #[test]
    fn nothing_allowed_is_not_the_same_as_no_limit() {
        assert_eq!((standing(None, 9, 1).status(), standing(None, 9, 1).left()), (Status::Ok, None));
        assert_eq!((standing(Some(0), 0, 1).status(), standing(Some(0), 0, 1).left()), (Status::Exceeded, Some(0)));
    }

    #[test]
    fn what_goes_on_like_this_is_foretold_once_it_can_be() {
        assert_eq!(standing(Some(100), 5, 5).forecast, None, "too early");
        let half = standing(Some(100), 60, 500);
        assert_eq!((half.forecast, half.will_exceed(), half.status()), (Some(120), true, Status::Ok));
        assert!(!standing(Some(100), 100, 500).will_exceed(), "it has already");
        assert_eq!(standing(Some(i64::MAX), i64::MAX / 2, 10).forecast, Some(i64::MAX), "no number is too large");
    }

    #[test]
    fn each_share_is_reached_at_its_place() {
        let reached = |used| standing(Some(1_000), used, 1).reached().collect::<Vec<_>>();
        assert_eq!((reached(499), reached(500), reached(949)), (vec![], vec![50], vec![50, 80]));
        assert_eq!((reached(1_000), reached(5_000)), (THRESHOLDS.to_vec(), THRESHOLDS.to_vec()));
        assert_eq!(standing(Some(1_000), 800, 1).status(), Status::Warning);
    }
}
