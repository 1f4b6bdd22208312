//! The rules: pure functions from the resolved tree to reasons. All of them run, so that every reason is told at once.

mod access;
mod bounds;
mod calls;
mod joins;

use pilothouse_domain::catalog::Dialect;

use super::ir::{Body, Call, Query, Select};
use super::limits::Limits;
use super::report::Reason;
use super::resolve::Facts;
use super::walk::{self, Visitor};

/// What the rules work with.
pub struct Context<'a> {
    pub dialect: Dialect,
    pub limits: &'a Limits,
    pub facts: &'a Facts<'a>,
}

/// Runs every rule, all of them in one walk; their reasons are told in the order of the rules.
pub fn run(query: &Query, context: &Context<'_>) -> Vec<Reason> {
    let mut rules = Rules {
        uses: access::Uses::default(),
        allowed: calls::Allowed::new(context.dialect),
        sized: calls::Sized::new(context.limits),
        bounds: bounds::Bounds::new(context.limits),
        joins: joins::Joins::new(context),
    };
    walk::query(&mut rules, query);
    rules.uses.handed_out(query);
    let Rules { uses, allowed, sized, bounds, joins } = rules;
    [uses.reasons, allowed.reasons, sized.reasons, bounds.reasons, joins.reasons].into_iter().flatten().collect()
}

struct Rules<'a> {
    /// Restricted columns are counted only.
    uses: access::Uses,
    /// Every function called is on the allow-list.
    allowed: calls::Allowed,
    /// Arguments that decide the size of a value, or the length of a series, have a bound.
    sized: calls::Sized<'a>,
    /// Joins, rows of VALUES, LIMIT and OFFSET have bounds.
    bounds: bounds::Bounds<'a>,
    /// Every SELECT's tables are connected.
    joins: joins::Joins<'a>,
}

impl Visitor for Rules<'_> {
    fn query(&mut self, query: &Query) {
        self.uses.query(query);
        self.bounds.query(query);
    }

    fn body(&mut self, body: &Body) {
        self.uses.body(body);
        self.bounds.body(body);
    }

    fn select(&mut self, select: &Select) {
        self.uses.select(select);
        self.bounds.select(select);
        self.joins.select(select);
    }

    fn call(&mut self, call: &Call, table: bool) {
        self.allowed.call(call, table);
        self.sized.call(call);
    }
}
