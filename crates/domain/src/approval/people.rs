//! Who may decide, and when enough have.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::Role;

/// How many must agree, and what they must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// How many people, at least one.
    pub count: u32,
    /// The least role of each.
    pub of: Role,
}

impl std::fmt::Display for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.count {
            0 | 1 => write!(f, "the approval of one {}", self.of),
            count => write!(f, "the approval of {count} of role {}", self.of),
        }
    }
}

/// Somebody who wants to decide, and in whose place if not in their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// Who is calling.
    pub subject: &'a str,
    /// What they may do; in somebody's place, what that one may.
    pub role: Role,
    /// Who has delegated the decision to them.
    pub in_place_of: Option<&'a str>,
}

/// What somebody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Do it.
    Approve,
    /// Do not.
    Reject,
}

impl Decision {
    /// The decision as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// The decision with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Approve, Self::Reject].into_iter().find(|decision| decision.as_str() == text)
    }
}

/// A decision that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// By whom.
    pub by: String,
    /// In whose place.
    pub in_place_of: Option<String>,
    /// Which.
    pub decision: Decision,
}

/// Why somebody may not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// They have asked for it themselves, or somebody who has delegated to them.
    OwnRequest,
    /// Their role is not enough.
    Role,
    /// They have decided already, themselves or somebody in their place.
    Again,
}

/// Whether `person` may decide what `requester` has asked for, after `votes`. People are compared by their subject, never by
/// what they hold in their hands; nobody counts twice, whichever hat they wear.
///
/// # Errors
/// Why they may not.
pub fn may_decide(
    person: Person<'_>,
    requester: &str,
    needs: Needs,
    votes: &[Vote],
    own_allowed: bool,
) -> Result<(), Objection> {
    let stands_for = |subject: &str| person.subject == subject || person.in_place_of == Some(subject);
    if !own_allowed && stands_for(requester) {
        return Err(Objection::OwnRequest);
    }
    if person.role < needs.of {
        return Err(Objection::Role);
    }
    let voted = |vote: &Vote| stands_for(&vote.by) || vote.in_place_of.as_deref().is_some_and(stands_for);
    if votes.iter().any(voted) { Err(Objection::Again) } else { Ok(()) }
}

/// What the votes come to; none as long as more are needed. One who may decide and says no is enough.
pub fn tally(needs: Needs, votes: &[Vote]) -> Option<Event> {
    if votes.iter().any(|vote| vote.decision == Decision::Reject) {
        return Some(Event::Reject);
    }
    (votes.len() >= needs.count.max(1) as usize).then_some(Event::Grant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const PEOPLE: [&str; 5] = ["ada", "bob", "cyd", "dan", "eve"];
    const ROLES: [Role; 4] = [Role::Viewer, Role::Member, Role::Operator, Role::Admin];

    fn anybody() -> impl Strategy<Value = (&'static str, Option<&'static str>, Role)> {
        let name = || prop::sample::select(&PEOPLE[..]);
        (name(), prop::option::of(name()), prop::sample::select(&ROLES[..]))
    }

    proptest! {
        /// Whoever comes, in whosever place: what is granted has the word of as many different people as it needs, of the
        /// role it needs, and not the requester's.
        #[test]
        fn what_is_granted_was_agreed_to_by_enough_others(
            count in 1u32..4,
            of in prop::sample::select(&ROLES[..]),
            comers in prop::collection::vec(anybody(), 0..30),
        ) {
            let needs = Needs { count, of };
            let mut votes = Vec::new();
            for (subject, in_place_of, role) in comers {
                let person = Person { subject, role, in_place_of };
                if may_decide(person, "ada", needs, &votes, false).is_ok() {
                    prop_assert!(role >= of);
                    let in_place_of = in_place_of.map(str::to_owned);
                    votes.push(Vote { by: subject.to_owned(), in_place_of, decision: Decision::Approve });
                }
            }
            let hats = votes.iter().flat_map(|vote| {
                let other = vote.in_place_of.clone().filter(|other| *other != vote.by);
                std::iter::once(vote.by.clone()).chain(other)
            });
            let hats: Vec<String> = hats.collect();
            let different: BTreeSet<&String> = hats.iter().collect();
            prop_assert_eq!(different.len(), hats.len(), "nobody counts twice");
            prop_assert!(!different.contains(&"ada".to_owned()));
            prop_assert_eq!(tally(needs, &votes) == Some(Event::Grant), votes.len() >= count as usize);
        }
    }

    #[test]
    fn one_no_is_enough_and_nobody_at_all_is_not() {
        let vote = |decision| Vote { by: "bob".into(), in_place_of: None, decision };
        let two = Needs { count: 2, of: Role::Operator };
        assert_eq!(tally(two, &[vote(Decision::Reject)]), Some(Event::Reject));
        assert_eq!(tally(two, &[vote(Decision::Approve)]), None);
        assert_eq!(tally(Needs { count: 0, ..two }, &[]), None);
    }

    #[test]
    fn ones_own_request_is_decided_only_where_that_is_allowed() {
        let ada = Person { subject: "ada", role: Role::Admin, in_place_of: None };
        let needs = Needs { count: 1, of: Role::Operator };
        assert_eq!(may_decide(ada, "ada", needs, &[], false), Err(Objection::OwnRequest));
        assert_eq!(may_decide(ada, "ada", needs, &[], true), Ok(()));
        let for_ada = Person { subject: "bob", in_place_of: Some("ada"), ..ada };
        assert_eq!(may_decide(for_ada, "ada", needs, &[], false), Err(Objection::OwnRequest));
        let member = Person { role: Role::Member, ..ada };
        assert_eq!(may_decide(member, "bob", needs, &[], false), Err(Objection::Role));
    }
}
