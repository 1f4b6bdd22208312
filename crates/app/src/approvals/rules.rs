//! The rules that hold where nobody has made any.

use pilothouse_domain::Role;
use pilothouse_domain::approval::Needs;
use pilothouse_domain::approval::policy::{Effect, Rule, When};

/// The name of a query, as an action.
pub const QUERY: &str = "query.run";

/// The least role of those who decide. Where people may release what they ask for themselves, that is all who may ask.
pub fn approvers(own_allowed: bool) -> Role {
    if own_allowed { Role::Member } else { Role::Operator }
}

/// The rules that come last. Queries that read more than `query_max_bytes` need one person.
pub fn built_in(query_max_bytes: u64, of: Role) -> Vec<Rule> {
    vec![Rule {
        name: "query-size".to_owned(),
        when: When {
            kinds: Some(vec![QUERY.to_owned()]),
            bytes_at_least: Some(query_max_bytes.saturating_add(1)),
            ..When::default()
        },
        then: Effect::Approvals(Needs { count: 1, of }),
        // As the original words it.
        because: "Query exceeds max bytes".to_owned(),
    }]
}
