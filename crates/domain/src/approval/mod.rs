//! Approvals: a person's decision on one payload. [`State`] is what becomes of one, [`Needs`] whose decision it takes,
//! [`policy`] which actions wait for one at all.
//!
//! Pure: what time it is and who decides come in. Where approvals are kept, and what they let go on, is the app's business.

mod people;
pub mod policy;
mod state;

pub use people::{Decision, Needs, Objection, Person, Vote, may_decide, tally};
pub use state::{Event, Refused, State};
