//! Functions: only those on the dialect's allow-list, in any position, and only with sizes that have a bound.

use pilothouse_domain::catalog::Dialect;

use crate::guard::children;
use crate::guard::functions;
use crate::guard::ir::{Arg, Call, Expr};
use crate::guard::lexer::Pos;
use crate::guard::limits::Limits;
use crate::guard::names::nearest;
use crate::guard::report::{Reason, ReasonCode};

/// Looks for functions that are not on the allow-list.
pub(super) struct Allowed {
    dialect: Dialect,
    pub(super) reasons: Vec<Reason>,
}

impl Allowed {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, reasons: Vec::new() }
    }

    pub(super) fn call(&mut self, call: &Call, table: bool) {
        let reason = self.judge(call, table);
        if let Some(reason) = reason
            && !self.reasons.iter().any(|known| known.message == reason.message)
        {
            self.reasons.push(reason);
        }
    }

    fn judge(&self, call: &Call, table: bool) -> Option<Reason> {
        let pos = place(call);
        let full = match call.name.as_slice() {
            [only] => only.text.clone(),
            parts => parts.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".").into(),
        };
        let last = call.name.last().map_or("", |name| name.text.as_str());
        let own = match self.dialect {
            Dialect::BigQuery => full.strip_prefix("safe.").unwrap_or(&full),
            Dialect::DataFusion | Dialect::PostgreSql => full.as_str(),
        };
        let allowed = match (table, self.dialect) {
            (true, dialect) => functions::is_allowed_table(own, dialect),
            (false, dialect) => functions::is_allowed(own, dialect),
        };
        if allowed {
            return None;
        }
        let (code, message) = if functions::is_session(last) {
            (ReasonCode::FunctionSession, format!("{full} tells about the session and is not allowed"))
        } else if functions::is_forbidden(last) {
            (ReasonCode::FunctionForbidden, format!("the function {full} has effects or reads outside the tables"))
        } else if call.name.len() != 1 {
            (ReasonCode::FunctionQualified, format!("the function {full} must not be named with a schema"))
        } else if table {
            (ReasonCode::FunctionTable, format!("the table function {full} is not allowed"))
        } else {
            (ReasonCode::FunctionUnknown, format!("the function {full} is not on the list of allowed functions"))
        };
        let suggestion = match code {
            ReasonCode::FunctionUnknown => nearest(last, functions::allowed(self.dialect)),
            _ => None,
        };
        Some(Reason::at(code, pos, message).suggest(suggestion))
    }
}

fn place(call: &Call) -> Pos {
    call.name.first().map_or_else(Pos::default, |name| name.pos)
}

/// Looks for sizes and lengths without a bound.
pub(super) struct Sized<'a> {
    limits: &'a Limits,
    pub(super) reasons: Vec<Reason>,
}

impl<'a> Sized<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, reasons: Vec::new() }
    }

    pub(super) fn call(&mut self, call: &Call) {
        let Some(name) = functions::name_of(call) else { return };
        let limits = self.limits;
        if let Some(index) = functions::size_argument(name) {
            let bound = match call.args.iter().flatten().nth(index) {
                Some(Arg::Expr(expr)) => functions::bounded_size(expr),
                Some(Arg::Named(..) | Arg::Star) | None => None,
            };
            if bound.is_none_or(|size| size > limits.max_value_size) {
                let message =
                    format!("the size that {name} is asked for must be a number up to {}", limits.max_value_size);
                self.reasons.push(Reason::at(ReasonCode::FunctionSize, place(call), message));
            }
        }
        if grows(name) && holds_sized(call) {
            let message = format!("{name} must not grow a value that was made large already");
            self.reasons.push(Reason::at(ReasonCode::FunctionSize, place(call), message));
        }
        if matches!(name, "generate_series" | "range" | "generate_array") {
            let rows = functions::generated_rows(call);
            if rows.is_none_or(|rows| rows > limits.max_generated_rows) {
                let message =
                    format!("{name} must have literal bounds that give at most {} rows", limits.max_generated_rows);
                self.reasons.push(Reason::at(ReasonCode::FunctionSize, place(call), message));
            }
        }
    }
}

/// Whether a function can give more text or elements than it was handed.
fn grows(name: &str) -> bool {
    functions::size_argument(name).is_some()
        || matches!(name, "replace" | "regexp_replace" | "array_to_string" | "overlay")
}

fn holds_sized(call: &Call) -> bool {
    let mut found = false;
    children::of_call(call, &mut |part| {
        if let children::Child::Expr(expr) = part {
            found |= is_sized(expr);
        }
    });
    found
}

fn is_sized(expr: &Expr) -> bool {
    if let Expr::Call(call) = expr
        && functions::name_of(call).is_some_and(|name| functions::size_argument(name).is_some())
    {
        return true;
    }
    let mut found = false;
    children::of_expr(expr, &mut |part| {
        if let children::Child::Expr(expr) = part {
            found |= is_sized(expr);
        }
    });
    found
}
