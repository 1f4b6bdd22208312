//! Schedules as pure functions: when a timing ticks, how far jitter moves a tick, and what becomes of the ticks that have
//! come due. Rows, runs and the clock are the engine's and store's business.
//!
//! Read first: [`Timing`] (when), [`Policy`] (what if a tick was missed, or the run before it has not ended) and
//! [`decide`] (which ticks run now). A tick is a moment in UTC; every function here is strictly monotone in it, which is
//! what makes "no tick twice" hold whatever the clock does.

mod calendar;
mod cron;
mod days;
mod decide;
mod describe;
mod field;
mod interval;
mod invalid;
mod jitter;
mod policy;
mod timing;
mod zone;

pub use cron::{Cron, MAX_EXPRESSION_CHARS};
pub use decide::{Action, Firing, HOLD, MAX_COUNTED, MAX_TICKS, MAX_UNFINISHED, ON_TIME, Standing, Tick, decide};
pub use field::{Field, Reason};
pub use interval::{Interval, MAX_INTERVAL_SECONDS};
pub use invalid::Invalid;
pub use jitter::{Jitter, MAX_JITTER_SECONDS};
pub use policy::{CatchUp, Overlap, Policy, UnknownPolicy};
pub use timing::{MAX_UPCOMING, Timing};
