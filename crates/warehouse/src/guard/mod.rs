//! The SQL guard: decides whether a statement may run, and prints the text that runs.
//!
//! ```text
//! text → caps and own lexer → parser → own tree (what is not named is refused) → names resolved → rules
//!      → LIMIT added → canonical text → all of it once more, with the parser's lexer too: it must be the same tree
//! ```
//!
//! It knows the catalog of one connection and nothing else: no engine, no tenant, no clock. Read [`check`], [`Report`]
//! and [`CheckedQuery`] first. A [`CheckedQuery`] can only be made here, and connectors take nothing else.

pub mod access;
mod children;
mod dialects;
mod functions;
mod ir;
mod lexer;
mod limits;
mod lower;
mod names;
mod parse;
mod print;
mod remembered;
mod report;
mod resolve;
mod rules;
mod shape;
mod tokens;
mod walk;

use std::sync::Arc;

use pilothouse_domain::canonical::sha256;
use pilothouse_domain::catalog::Catalog;

use access::Access;
use ir::{Expr, Query};
pub use limits::Limits;
use parse::Lexers;
pub use remembered::Guard;
pub use report::{CanonicalQuery, CheckedQuery, Reason, ReasonCode, Report, Verdict};
use resolve::Facts;

/// What a statement is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// The tables and columns that may be named, and the dialect.
    pub catalog: &'a Catalog,
    /// What the caller may see of them.
    pub access: &'a Access,
    /// The bounds.
    pub limits: &'a Limits,
}

/// Checks one statement. Never fails and never panics: what cannot be read is blocked with a reason.
pub fn check(sql: &str, policy: &Policy<'_>) -> Report {
    let mut reasons = Vec::new();
    let canonical = check_text(sql, policy, &mut reasons).map(Arc::new);
    let verdict = verdict(canonical.is_some(), &reasons);
    let query = canonical.clone().filter(|_| verdict != Verdict::NeedsApproval).map(CheckedQuery);
    Report { verdict, reasons, query, canonical, original_bytes: sql.len() }
}

/// What [`check`] would say, without the text that would run: a verdict of `allow` here is none to run something by.
pub fn judge(sql: &str, policy: &Policy<'_>) -> (Verdict, Vec<Reason>) {
    let mut reasons = Vec::new();
    let may_run = read(sql, policy, Lexers::Own, &mut reasons).is_some();
    (verdict(may_run, &reasons), reasons)
}

fn verdict(may_run: bool, reasons: &[Reason]) -> Verdict {
    match reasons {
        _ if !may_run => Verdict::Block,
        _ if reasons.iter().any(|reason| reason.code.is_approval()) => Verdict::NeedsApproval,
        [] => Verdict::Allow,
        _ => Verdict::AllowRewritten,
    }
}

fn check_text(sql: &str, policy: &Policy<'_>, reasons: &mut Vec<Reason>) -> Option<CanonicalQuery> {
    let (mut query, facts) = read(sql, policy, Lexers::Own, reasons)?;
    let limit = bound_rows(&mut query, policy.limits, reasons);
    let text = print::print(&query, policy.catalog.dialect);
    if !reads_back(&text, &query, &facts, policy) {
        let message = "the checked query could not be written down in one unmistakable way";
        reasons.push(Reason::whole(ReasonCode::PrintMismatch, message));
        return None;
    }
    let tables = facts.tables.into_iter().map(str::to_owned).collect();
    let columns = facts.columns.into_iter().map(|(table, column)| (table.to_owned(), column.to_owned())).collect();
    let fingerprint = hex::encode(sha256(text.as_bytes()));
    Some(CanonicalQuery { sql: text, dialect: policy.catalog.dialect, tables, columns, fingerprint, limit })
}

/// From text to a resolved tree that breaks no rule; none, with reasons, when it may not run.
fn read<'a>(sql: &str, policy: &Policy<'a>, lexers: Lexers, reasons: &mut Vec<Reason>) -> Option<(Query, Facts<'a>)> {
    let dialect = policy.catalog.dialect;
    let tokens = match lexer::scan(sql, dialect, policy.limits) {
        Ok(tokens) => tokens,
        Err(found) => {
            reasons.extend(found);
            return None;
        }
    };
    let statement = match parse::parse(sql, dialect, &tokens, lexers) {
        Ok(statement) => statement,
        Err(reason) => {
            reasons.push(reason);
            return None;
        }
    };
    let mut query = lower::lower(&statement, dialect, policy.limits, reasons)?;
    let facts = resolve::resolve(&mut query, policy.catalog, policy.access, policy.limits, reasons);
    reasons.extend(rules::run(&query, &rules::Context { dialect, limits: policy.limits, facts: &facts }));
    if reasons.iter().any(|reason| reason.code.blocks()) { None } else { Some((query, facts)) }
}

/// Gives the outermost query a LIMIT, or lowers one that asks for too much; returns the bound.
fn bound_rows(query: &mut Query, limits: &Limits, reasons: &mut Vec<Reason>) -> u64 {
    let asked = query.limit.as_ref().and_then(Expr::integer).and_then(|value| u64::try_from(value).ok());
    match asked {
        Some(rows) if rows <= limits.max_limit => rows,
        Some(_) => {
            query.limit = Some(Expr::number(limits.max_limit));
            let message = format!("LIMIT lowered to {}", limits.max_limit);
            reasons.push(Reason::whole(ReasonCode::LimitLowered, message));
            limits.max_limit
        }
        None => {
            query.limit = Some(Expr::number(limits.default_limit));
            reasons.push(Reason::whole(ReasonCode::LimitAdded, "LIMIT auto-added"));
            limits.default_limit
        }
    }
}

/// Whether the printed text is read as the same tree, reads the same columns, breaks no rule, and prints as itself.
fn reads_back(text: &str, query: &Query, facts: &Facts<'_>, policy: &Policy<'_>) -> bool {
    let mut reasons = Vec::new();
    let wider = Limits { max_bytes: policy.limits.max_bytes.saturating_mul(2), ..policy.limits.clone() };
    // What is protected was put in its place already.
    let access = Access { project: policy.access.project.clone(), ..Access::open() };
    let policy = Policy { catalog: policy.catalog, access: &access, limits: &wider };
    match read(text, &policy, Lexers::Both, &mut reasons) {
        Some((again, facts_again)) => {
            again == *query && facts_again == *facts && print::print(&again, policy.catalog.dialect) == text
        }
        None => false,
    }
}
