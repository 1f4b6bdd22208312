//! Visits every part of a query, so that a rule cannot forget a place where something may stand.

use super::children::{self, Child};
use super::ir::{
    Body, Call, Constraint, Distinct, Expr, FromItem, GroupBy, Item, Pivot, Query, Relation, Select, Source, Window,
};

/// What a rule wants to see; each is called before its parts are.
pub trait Visitor {
    fn expr(&mut self, _expr: &Expr) {}
    fn call(&mut self, _call: &Call, _table: bool) {}
    fn select(&mut self, _select: &Select) {}
    fn query(&mut self, _query: &Query) {}
    fn body(&mut self, _body: &Body) {}
    fn relation(&mut self, _relation: &Relation) {}
}

/// Walks a query and everything in it.
pub fn query(visitor: &mut dyn Visitor, query: &Query) {
    visitor.query(query);
    let Query { recursive: _, ctes, body: of_query, order_by, limit, offset, pos: _ } = query;
    for cte in ctes {
        self::query(visitor, &cte.query);
    }
    body(visitor, of_query);
    for item in order_by {
        expr(visitor, &item.expr);
    }
    for part in limit.iter().chain(offset) {
        expr(visitor, part);
    }
}

fn body(visitor: &mut dyn Visitor, of: &Body) {
    visitor.body(of);
    match of {
        Body::Select(of) => select(visitor, of),
        Body::Nested(of) => query(visitor, of),
        Body::Values(rows) => {
            for value in rows.iter().flatten() {
                expr(visitor, value);
            }
        }
        Body::Chain { first, rest } => {
            body(visitor, first);
            for branch in rest {
                body(visitor, &branch.body);
            }
        }
    }
}

fn select(visitor: &mut dyn Visitor, of: &Select) {
    visitor.select(of);
    let Select { as_struct: _, distinct, items, from, filter, group_by, having, windows, qualify } = of;
    match distinct {
        Distinct::No | Distinct::Yes => {}
        Distinct::On(exprs) => exprs.iter().for_each(|part| expr(visitor, part)),
    }
    for item in items {
        match item {
            Item::Expr { expr: part, alias: _ } => expr(visitor, part),
            Item::Star(star) => star.replace.iter().for_each(|(part, _)| expr(visitor, part)),
        }
    }
    for item in from {
        joined_item(visitor, item);
    }
    match group_by {
        GroupBy::None | GroupBy::All => {}
        GroupBy::Exprs(exprs) => exprs.iter().for_each(|part| expr(visitor, part)),
    }
    for part in filter.iter().chain(having).chain(qualify) {
        expr(visitor, part);
    }
    for (_, window) in windows {
        match window {
            Window::Named(_) => {}
            Window::Spec(spec) => children::of_window(spec, &mut |part| child(visitor, part)),
        }
    }
}

fn joined_item(visitor: &mut dyn Visitor, item: &FromItem) {
    relation(visitor, &item.relation);
    for join in &item.joins {
        relation(visitor, &join.relation);
        match &join.constraint {
            Constraint::On(on) => expr(visitor, on),
            Constraint::None | Constraint::Using(_) | Constraint::Natural => {}
        }
    }
}

/// Walks what a FROM item is made of.
pub fn relation(visitor: &mut dyn Visitor, of: &Relation) {
    visitor.relation(of);
    match &of.source {
        Source::Table(_) | Source::Refused => {}
        Source::Derived { lateral: _, query: of } => query(visitor, of),
        Source::Function { lateral: _, call } => {
            visitor.call(call, true);
            children::of_call(call, &mut |part| child(visitor, part));
        }
        Source::Unnest { exprs, ordinality: _, offset: _ } => exprs.iter().for_each(|part| expr(visitor, part)),
        Source::Nested(item) => joined_item(visitor, item),
        Source::Pivot(pivot) => {
            let Pivot { of, aggregates, column, values } = pivot.as_ref();
            relation(visitor, of);
            for (part, _) in aggregates.iter().chain(values) {
                expr(visitor, part);
            }
            expr(visitor, column);
        }
        Source::Unpivot(unpivot) => {
            relation(visitor, &unpivot.of);
            unpivot.columns.iter().for_each(|(part, _)| expr(visitor, part));
        }
    }
}

/// Walks an expression and everything in it.
pub fn expr(visitor: &mut dyn Visitor, of: &Expr) {
    visitor.expr(of);
    if let Expr::Call(call) = of {
        visitor.call(call, false);
    }
    children::of_expr(of, &mut |part| child(visitor, part));
}

fn child(visitor: &mut dyn Visitor, part: Child<'_>) {
    match part {
        Child::Expr(of) => expr(visitor, of),
        Child::Query(of) => query(visitor, of),
    }
}
