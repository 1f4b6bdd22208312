//! Names: every table is found in the catalog or among the CTEs, every column in a table of its scope.
//!
//! What is not found blocks. The tree is annotated with the FROM item of each column, and the base tables and columns
//! read are collected.

mod columns;
mod from;
mod groups;
mod query;
mod recursive;
mod scope;
mod stand_in;

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::catalog::Catalog;
use smol_str::SmolStr;

use super::access::Access;
use super::ir::{Query, RelId};
use super::lexer::Pos;
use super::limits::Limits;
use super::report::{Reason, ReasonCode};
use scope::{Base, CteInfo, Scope};

/// What was found while names were resolved.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The base tables read.
    pub tables: BTreeSet<&'a str>,
    /// The base columns read.
    pub columns: BTreeSet<Base<'a>>,
    /// Most rows of a FROM item, where its shape bounds them.
    pub rows: BTreeMap<RelId, u64>,
}

/// Resolves all names of `query`.
pub fn resolve<'a>(
    query: &mut Query,
    catalog: &'a Catalog,
    access: &'a Access,
    limits: &'a Limits,
    reasons: &mut Vec<Reason>,
) -> Facts<'a> {
    let mut resolver = Resolver {
        catalog,
        access,
        limits,
        reasons: Vec::new(),
        facts: Facts::default(),
        next: 0,
        scopes: Vec::new(),
        ctes: Vec::new(),
        cost: 0,
        expansion_refused: false,
        raw: false,
        passing: false,
        telling: false,
        outside: Vec::new(),
        views: 0,
    };
    let shape = resolver.query(query);
    resolver.shown(query, &shape);
    reasons.append(&mut resolver.reasons);
    resolver.facts
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    access: &'a Access,
    limits: &'a Limits,
    reasons: Vec<Reason>,
    facts: Facts<'a>,
    next: RelId,
    /// The scopes around the place being resolved, the innermost last.
    scopes: Vec<Scope<'a>>,
    /// The CTEs that may be named here, the nearest last.
    ctes: Vec<CteInfo<'a>>,
    /// Base tables read so far by the query at hand, with CTEs written out.
    cost: u64,
    expansion_refused: bool,
    /// Whether tables are read as they stand: within what stands in for one.
    raw: bool,
    /// Whether what is read is only handed on, as the columns of a SELECT are.
    passing: bool,
    /// Whether which rows there are tells something of single persons, as far as the SELECT at hand was read.
    telling: bool,
    /// CTEs that are not seen within a view, whose tables may have their names.
    outside: Vec<SmolStr>,
    /// How many views stand in each other.
    views: usize,
}

impl Resolver<'_> {
    fn refuse(&mut self, code: ReasonCode, pos: Pos, message: String, suggestion: Option<String>) {
        // One slip is told once, however often it was made.
        if !self.reasons.iter().any(|reason| reason.code == code && reason.message == message) {
            self.reasons.push(Reason::at(code, pos, message).suggest(suggestion));
        }
    }

    fn fresh(&mut self) -> RelId {
        self.next += 1;
        self.next
    }

    fn spend(&mut self, cost: u64, pos: Pos) {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limits.max_expanded_relations && !self.expansion_refused {
            self.expansion_refused = true;
            let message = format!(
                "the query reads more than {} tables once its WITH queries are written out",
                self.limits.max_expanded_relations
            );
            self.refuse(ReasonCode::CapExpansion, pos, message, None);
        }
    }
}
