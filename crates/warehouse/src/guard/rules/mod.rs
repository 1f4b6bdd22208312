//! The rules: pure functions from the resolved tree to reasons. All of them run, so that every reason is told at once.

mod access;
mod bounds;
mod calls;
mod joins;

use pilothouse_domain::catalog::Dialect;

use super::ir::Query;
use super::limits::Limits;
use super::report::Reason;
use super::resolve::Facts;

/// What the rules work with.
pub struct Context<'a> {
    pub dialect: Dialect,
    pub limits: &'a Limits,
    pub facts: &'a Facts<'a>,
}

type Rule = fn(&Query, &Context<'_>) -> Vec<Reason>;

/// The rules in the order in which their reasons are told.
const RULES: [Rule; 5] = [access::counted_only, calls::allowed, calls::sized, bounds::check, joins::connected];

/// Runs every rule.
pub fn run(query: &Query, context: &Context<'_>) -> Vec<Reason> {
    RULES.iter().flat_map(|rule| rule(query, context)).collect()
}
