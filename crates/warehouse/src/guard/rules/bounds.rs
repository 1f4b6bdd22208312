//! Bounds that the tree shows: joins of a SELECT, rows of VALUES, and LIMIT and OFFSET that are plain numbers.

use crate::guard::ir::{Body, FromItem, Query, Relation, Select, Source};
use crate::guard::limits::Limits;
use crate::guard::report::{Reason, ReasonCode};

/// Looks for what is more than its bound.
pub(super) struct Bounds<'a> {
    limits: &'a Limits,
    pub(super) reasons: Vec<Reason>,
}

impl<'a> Bounds<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, reasons: Vec::new() }
    }

    pub(super) fn select(&mut self, select: &Select) {
        let tables: usize = select.from.iter().map(tables).sum();
        if tables > self.limits.max_joins + 1 {
            let message = format!("more than {} joins in one SELECT", self.limits.max_joins);
            self.reasons.push(Reason::whole(ReasonCode::CapJoins, message));
        }
    }

    pub(super) fn query(&mut self, query: &Query) {
        for (word, expr) in [("LIMIT", &query.limit), ("OFFSET", &query.offset)] {
            let Some(expr) = expr else { continue };
            if expr.integer().and_then(|value| u64::try_from(value).ok()).is_none() {
                let message = format!("{word} must be a whole number that is not negative");
                self.reasons.push(Reason::at(ReasonCode::LimitDynamic, query.pos, message));
            }
        }
    }

    pub(super) fn body(&mut self, body: &Body) {
        if let Body::Values(rows) = body
            && u64::try_from(rows.len()).unwrap_or(u64::MAX) > self.limits.max_generated_rows
        {
            let message = format!("VALUES has more than {} rows", self.limits.max_generated_rows);
            self.reasons.push(Reason::whole(ReasonCode::FunctionSize, message));
        }
    }
}

fn tables(item: &FromItem) -> usize {
    let within = |relation: &Relation| match &relation.source {
        Source::Nested(item) => tables(item),
        Source::Pivot(_) | Source::Unpivot(_) => 1,
        Source::Table(_)
        | Source::Derived { .. }
        | Source::Function { .. }
        | Source::Unnest { .. }
        | Source::Refused => 1,
    };
    within(&item.relation) + item.joins.iter().map(|join| within(&join.relation)).sum::<usize>()
}
