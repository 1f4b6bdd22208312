//! The join graph: all tables of a SELECT hang together by equalities that have one table on each side.
//!
//! Tables that do not are a product of their rows. It is harmless when all parts but one are small by their shape
//! alone (a single-row aggregate, a short VALUES, a LIMIT).

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::guard::ir::{Constraint, Expr, FromItem, RelId, Relation, Select, Source};
use crate::guard::lexer::Pos;
use crate::guard::report::{Reason, ReasonCode};
use crate::guard::walk::{self, Visitor};

/// Looks for tables that are not connected.
pub(super) struct Joins<'a> {
    context: &'a Context<'a>,
    pub(super) reasons: Vec<Reason>,
}

impl<'a> Joins<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { context, reasons: Vec::new() }
    }

    pub(super) fn select(&mut self, select: &Select) {
        let mut graph = Graph::default();
        for item in &select.from {
            graph.joined_item(item);
        }
        if graph.tables.len() < 2 {
            return;
        }
        if let Some(filter) = &select.filter {
            graph.join_all(&edges(filter));
        }
        if let Some(pos) = self.unbounded(&mut graph) {
            let message = "these tables are joined without an equality between them: every row would meet every row";
            let suggestion = Some("join them on columns of both, as in ON a.id = b.a_id".to_owned());
            self.reasons.push(Reason::at(ReasonCode::JoinUnconnected, pos, message).suggest(suggestion));
        }
    }

    /// The place of the first table that makes an unbounded product.
    fn unbounded(&self, graph: &mut Graph) -> Option<Pos> {
        let tables = graph.tables.clone();
        let mut parts: BTreeMap<RelId, (Option<u64>, Pos)> = BTreeMap::new();
        for (id, pos) in tables {
            let rows = self.context.facts.rows.get(&id).copied();
            let root = graph.root(id);
            parts
                .entry(root)
                .and_modify(|part| part.0 = part.0.zip(rows).map(|(a, b)| a.saturating_mul(b)))
                .or_insert((rows, pos));
        }
        if parts.len() < 2 {
            return None;
        }
        let small = self.context.limits.small_side_rows;
        let mut product = 1_u64;
        let mut large = Vec::new();
        for (rows, pos) in parts.into_values() {
            match rows {
                Some(rows) if product.saturating_mul(rows.max(1)) <= small => {
                    product = product.saturating_mul(rows.max(1))
                }
                _ => large.push(pos),
            }
        }
        large.get(1).copied()
    }
}

#[derive(Default)]
struct Graph {
    tables: Vec<(RelId, Pos)>,
    parents: BTreeMap<RelId, RelId>,
}

impl Graph {
    fn root(&mut self, id: RelId) -> RelId {
        let mut at = id;
        while let Some(parent) = self.parents.get(&at).copied() {
            at = parent;
        }
        if at != id {
            self.parents.insert(id, at);
        }
        at
    }

    fn join(&mut self, a: RelId, b: RelId) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.parents.insert(a, b);
        }
    }

    fn join_all(&mut self, edges: &BTreeSet<(RelId, RelId)>) {
        for (a, b) in edges {
            self.join(*a, *b);
        }
    }

    /// Adds the tables of a FROM item; returns them.
    fn joined_item(&mut self, item: &FromItem) -> Vec<RelId> {
        let mut left = self.relation(&item.relation);
        for join in &item.joins {
            let right = self.relation(&join.relation);
            match &join.constraint {
                Constraint::On(on) => self.join_all(&edges(on)),
                // Which of the tables on the left has the column does not matter: they hang together or are refused
                // among themselves.
                Constraint::Using(_) => self.join_ends(&left, &right),
                Constraint::Natural => self.join_ends(&left, &right),
                Constraint::None => {}
            }
            left.extend(right);
        }
        left
    }

    fn join_ends(&mut self, left: &[RelId], right: &[RelId]) {
        if let (Some(a), Some(b)) = (left.last(), right.first()) {
            self.join(*a, *b);
        }
    }

    fn relation(&mut self, relation: &Relation) -> Vec<RelId> {
        if let Source::Nested(item) = &relation.source {
            let inner = self.joined_item(item);
            // A name for the whole is another way to reach the same tables.
            if relation.alias.is_some() {
                for id in &inner {
                    self.join(relation.id, *id);
                }
            }
            return inner;
        }
        self.tables.push((relation.id, relation.pos));
        let earlier: BTreeSet<RelId> = self.tables.iter().map(|(id, _)| *id).collect();
        let belongs_to = match &relation.source {
            // What is computed from a row of another table belongs to that row.
            Source::Function { .. } | Source::Unnest { .. } => {
                let mut seen = Columns::default();
                walk::relation(&mut seen, relation);
                seen.0
            }
            // What is looked up for a row belongs to it where an equality says which rows.
            Source::Derived { lateral: true, query } => {
                let mut within = Equalities::default();
                walk::query(&mut within, query);
                let across = |(a, b): &(RelId, RelId)| earlier.contains(a) != earlier.contains(b);
                within.0.into_iter().filter(across).flat_map(|(a, b)| [a, b]).collect()
            }
            Source::Derived { lateral: false, query: _ }
            | Source::Table(_)
            | Source::Nested(_)
            | Source::Pivot(_)
            | Source::Unpivot(_)
            | Source::Refused => BTreeSet::new(),
        };
        for id in belongs_to.intersection(&earlier) {
            self.join(relation.id, *id);
        }
        vec![relation.id]
    }
}

/// The FROM items whose columns an expression reads.
#[derive(Default)]
struct Columns(BTreeSet<RelId>);

impl Visitor for Columns {
    fn expr(&mut self, expr: &Expr) {
        if let Expr::Column(column) = expr {
            self.0.extend(column.relation);
        }
    }
}

/// The pairs of FROM items that the conditions of a query and of those within it connect.
#[derive(Default)]
struct Equalities(BTreeSet<(RelId, RelId)>);

impl Visitor for Equalities {
    fn select(&mut self, select: &Select) {
        let joins = select.from.iter().flat_map(|item| &item.joins);
        let on = joins.filter_map(|join| match &join.constraint {
            Constraint::On(on) => Some(on),
            Constraint::Using(_) | Constraint::Natural | Constraint::None => None,
        });
        for condition in on.chain(&select.filter) {
            self.0.extend(edges(condition));
        }
    }
}

fn columns(expr: &Expr) -> BTreeSet<RelId> {
    let mut columns = Columns::default();
    walk::expr(&mut columns, expr);
    columns.0
}

/// The pairs of tables that a condition connects.
fn edges(condition: &Expr) -> BTreeSet<(RelId, RelId)> {
    match condition.bare() {
        Expr::Chain { first, rest } => chain_edges(first, rest),
        Expr::IsDistinct { left, right, negated: true } => pairs(&columns(left), &columns(right)),
        _ => BTreeSet::new(),
    }
}

/// The last operator of a chain is the outermost one.
fn chain_edges(first: &Expr, rest: &[(&'static str, Expr)]) -> BTreeSet<(RelId, RelId)> {
    let Some(((operator, right), before)) = rest.split_last() else { return edges(first) };
    let left = || chain_edges(first, before);
    match *operator {
        "AND" => left().union(&edges(right)).copied().collect(),
        // Either side may hold, so only what both connect is connected.
        "OR" => left().intersection(&edges(right)).copied().collect(),
        "=" => {
            let mut of_left = columns(first);
            before.iter().for_each(|(_, expr)| of_left.extend(columns(expr)));
            pairs(&of_left, &columns(right))
        }
        _ => BTreeSet::new(),
    }
}

fn pairs(left: &BTreeSet<RelId>, right: &BTreeSet<RelId>) -> BTreeSet<(RelId, RelId)> {
    if !left.is_disjoint(right) {
        return BTreeSet::new();
    }
    left.iter().flat_map(|a| right.iter().map(move |b| ((*a).min(*b), (*a).max(*b)))).collect()
}
