//! From the parser's tree to the guard's own. Every variant and every field is named here: what the guard does not know
//! is refused, so a parser that learns new syntax cannot open a hole.
//!
//! Lowering goes on after a refusal, with a harmless placeholder, so that every reason is found in one check.

mod call;
mod expr;
mod from;
mod operator;
mod pipe;
mod query;
mod select;
mod types;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectNamePart, Statement};
use pilothouse_domain::catalog::Dialect;
use smol_str::StrExt as _;

use std::collections::BTreeSet;

use super::access::CallerWords;
use super::ir::{Expr, Literal, Query};
use super::lexer::Pos;
use super::limits::Limits;
use super::names::Name;
use super::report::{Reason, ReasonCode};

/// Deepest tree of expressions and queries that is built: what the parser's own limit allows, with room to spare for
/// chains of casts and tests, which it reads without recursion.
const MAX_TREE_DEPTH: usize = 100;

/// Words about the caller, which a policy's own texts may use as `caller.word`, and those that are used.
pub type Words<'a> = (&'a CallerWords, &'a mut BTreeSet<String>);

/// Lowers a statement; reasons go to `reasons`, and there is no query when it is no query at all.
pub fn lower(statement: &Statement, dialect: Dialect, limits: &Limits, reasons: &mut Vec<Reason>) -> Option<Query> {
    lower_for(statement, dialect, limits, reasons, None)
}

/// The same, of a text of a policy.
pub fn lower_for(
    statement: &Statement,
    dialect: Dialect,
    limits: &Limits,
    reasons: &mut Vec<Reason>,
    caller: Option<Words<'_>>,
) -> Option<Query> {
    let here = Pos { line: 1, column: 1 };
    let mut lowering = Lowering { dialect, limits, reasons, caller, here, depth: 0, queries: 0 };
    match statement {
        Statement::Query(query) => Some(lowering.query(query)),
        // The one default: every other kind of statement is refused, whichever it is.
        other => {
            let text = other.to_string();
            let word = text.split_whitespace().next().unwrap_or("this").to_owned();
            let message = format!("only queries (SELECT, WITH, VALUES) may run, not {word}");
            lowering.refuse(ReasonCode::StatementKind, message);
            None
        }
    }
}

struct Lowering<'a> {
    dialect: Dialect,
    limits: &'a Limits,
    reasons: &'a mut Vec<Reason>,
    caller: Option<Words<'a>>,
    /// Where the last name stood: the place of a reason that has none of its own.
    here: Pos,
    depth: usize,
    queries: usize,
}

impl Lowering<'_> {
    fn refuse(&mut self, code: ReasonCode, message: impl Into<String>) {
        let reason = Reason::at(code, self.here, message);
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    fn unsupported(&mut self, what: &str) {
        self.refuse(ReasonCode::SyntaxUnsupported, format!("{what} is not supported"));
    }

    /// Refuses `what` when it is there.
    fn only_without(&mut self, there: bool, what: &str) {
        if there {
            self.unsupported(what);
        }
    }

    /// Whether the tree may grow one level deeper; every `true` is paired with one `leave`.
    fn enter(&mut self) -> bool {
        if self.depth >= MAX_TREE_DEPTH {
            self.refuse(ReasonCode::CapDepth, format!("nested deeper than {MAX_TREE_DEPTH} levels"));
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn name(&mut self, ident: &Ident) -> Name {
        let Ident { value, quote_style, span } = ident;
        let line = u32::try_from(span.start.line).unwrap_or(0);
        let column = u32::try_from(span.start.column).unwrap_or(0);
        if line > 0 {
            self.here = Pos { line, column };
        }
        let text = match quote_style {
            // BigQuery tells no two columns apart by their case, quoted or not.
            None | Some('`') if self.dialect == Dialect::BigQuery => value.to_lowercase_smolstr(),
            None => value.to_ascii_lowercase_smolstr(),
            Some('"' | '`') => value.as_str().into(),
            Some(_) => {
                self.refuse(ReasonCode::TableFile, "a string in the place of a name would be read as a file");
                value.as_str().into()
            }
        };
        Name { text, pos: self.here }
    }

    /// The literal that `caller.word` stands for; none where it is no such name.
    fn caller_word(&mut self, parts: &[Name]) -> Option<Expr> {
        let (words, used) = self.caller.as_mut()?;
        let [owner, word] = parts else { return None };
        if owner.text != "caller" {
            return None;
        }
        let Some(value) = words.get(word.text.as_str()) else {
            let message = format!("nothing is known of a caller's `{}`", word.text);
            self.refuse(ReasonCode::ColumnUnknown, message);
            return Some(Expr::Literal(Literal::Null));
        };
        used.insert(word.text.to_string());
        Some(Expr::Literal(value.clone().map_or(Literal::Null, Literal::Text)))
    }

    fn object_name(&mut self, name: &ObjectName) -> Vec<Name> {
        let ObjectName(parts) = name;
        parts
            .iter()
            .filter_map(|part| match part {
                ObjectNamePart::Identifier(ident) => Some(self.name(ident)),
                ObjectNamePart::Function(_) => {
                    self.unsupported("a name made by a function");
                    None
                }
            })
            .collect()
    }

    fn single_name(&mut self, name: &ObjectName) -> Option<Name> {
        let mut parts = self.object_name(name);
        if parts.len() != 1 {
            self.unsupported("a qualified name here");
            return None;
        }
        parts.pop()
    }
}
