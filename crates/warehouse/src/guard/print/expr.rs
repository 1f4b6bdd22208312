//! Expressions as text.

use pilothouse_domain::catalog::Dialect;

use super::Printer;
use crate::guard::ir::{Access, Arg, Bound, Call, Expr, Frame, Literal, OrderItem, Window, WindowSpec};

impl Printer {
    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(column) => self.path(&column.parts),
            Expr::Literal(literal) => self.literal(literal),
            Expr::Typed { ty, text } => {
                self.push(&ty.0);
                self.push(" ");
                self.text(text);
            }
            Expr::Interval { value, unit } => {
                self.push("INTERVAL ");
                self.expr(value);
                if let Some(unit) = unit {
                    self.push(" ");
                    self.push(unit);
                }
            }
            Expr::Chain { first, rest } => {
                self.expr(first);
                for (operator, expr) in rest {
                    self.infix(operator);
                    self.expr(expr);
                }
            }
            Expr::Unary { operator, expr } => self.unary(operator, expr),
            Expr::Nested(expr) => {
                self.push("(");
                self.expr(expr);
                self.push(")");
            }
            Expr::Tuple(exprs) => self.bracketed_exprs("(", exprs, ")"),
            Expr::Array { items, keyword } => self.bracketed_exprs(if *keyword { "ARRAY[" } else { "[" }, items, "]"),
            Expr::Call(call) => self.call(call),
            Expr::Subquery(query) => self.bracketed(query),
            Expr::Exists { query, negated } => {
                self.push(if *negated { "NOT EXISTS " } else { "EXISTS " });
                self.bracketed(query);
            }
            Expr::Case { operand, whens, otherwise } => self.case(operand.as_deref(), whens, otherwise.as_deref()),
            Expr::Cast { expr, ty, forgiving } => {
                self.push(match (*forgiving, self.dialect) {
                    (false, _) => "CAST(",
                    (true, Dialect::BigQuery) => "SAFE_CAST(",
                    (true, Dialect::DataFusion | Dialect::PostgreSql) => "TRY_CAST(",
                });
                self.expr(expr);
                self.push(" AS ");
                self.push(&ty.0);
                self.push(")");
            }
            Expr::Part(part) => self.push(part),
            Expr::Struct(items) => {
                self.push("STRUCT(");
                self.list(items, ", ", Self::named);
                self.push(")");
            }
            Expr::ArrayQuery(query) => {
                self.push("ARRAY");
                self.bracketed(query);
            }
            Expr::Grouping { kind, sets } => self.grouping(kind, sets),
            Expr::Access { root, path } => self.access(root, path),
            other => self.predicate_or_text(other),
        }
    }

    fn predicate_or_text(&mut self, expr: &Expr) {
        match expr {
            Expr::Is { expr, test } => {
                self.expr(expr);
                self.push(" IS ");
                self.push(test);
            }
            Expr::IsDistinct { left, right, negated } => {
                self.expr(left);
                self.push(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.expr(right);
            }
            Expr::InList { expr, list, negated } => {
                self.expr(expr);
                self.negation(*negated);
                self.bracketed_exprs(" IN (", list, ")");
            }
            Expr::InQuery { expr, query, negated } => {
                self.expr(expr);
                self.negation(*negated);
                self.push(" IN ");
                self.bracketed(query);
            }
            Expr::InUnnest { expr, array, negated } => {
                self.expr(expr);
                self.negation(*negated);
                self.wrapped(&[" IN UNNEST("], array);
            }
            Expr::Between { expr, low, high, negated } => {
                self.expr(expr);
                self.negation(*negated);
                self.push(" BETWEEN ");
                self.expr(low);
                self.push(" AND ");
                self.expr(high);
            }
            Expr::Like { expr, pattern, operator, negated, escape } => {
                self.expr(expr);
                self.negation(*negated);
                self.infix(operator);
                self.expr(pattern);
                if let Some(escape) = escape {
                    self.push(" ESCAPE ");
                    self.text(escape);
                }
            }
            Expr::Quantified { left, operator, all, right } => {
                self.expr(left);
                self.infix(operator);
                self.push(if *all { "ALL(" } else { "ANY(" });
                match right.as_ref() {
                    Expr::Subquery(query) => self.query(query),
                    other => self.expr(other),
                }
                self.push(")");
            }
            other => self.text_function(other),
        }
    }

    fn text_function(&mut self, expr: &Expr) {
        match expr {
            Expr::AtTimeZone { expr, zone } => {
                self.expr(expr);
                self.push(" AT TIME ZONE ");
                self.expr(zone);
            }
            Expr::Extract { field, expr } => self.wrapped(&["EXTRACT(", field, " FROM "], expr),
            Expr::Position { needle, haystack } => {
                self.push("POSITION(");
                self.expr(needle);
                self.wrapped(&[" IN "], haystack);
            }
            Expr::Substring { expr, from, length } => {
                self.push("SUBSTRING(");
                self.expr(expr);
                self.clause(" FROM ", from.as_deref());
                self.clause(" FOR ", length.as_deref());
                self.push(")");
            }
            Expr::Trim { side, what, expr } => {
                self.push("TRIM(");
                if let Some(side) = side {
                    self.push(side);
                    self.push(" ");
                }
                if let Some(what) = what {
                    self.expr(what);
                    self.push(" ");
                }
                let from = side.is_some() || what.is_some();
                self.wrapped(&[if from { "FROM " } else { "" }], expr);
            }
            Expr::Overlay { expr, what, from, length } => {
                self.push("OVERLAY(");
                self.expr(expr);
                self.clause(" PLACING ", Some(what));
                self.clause(" FROM ", Some(from));
                self.clause(" FOR ", length.as_deref());
                self.push(")");
            }
            // The three matches name every variant between them.
            _ => {}
        }
    }

    fn wrapped(&mut self, before: &[&str], expr: &Expr) {
        for text in before {
            self.push(text);
        }
        self.expr(expr);
        self.push(")");
    }

    fn infix(&mut self, operator: &str) {
        self.push(" ");
        self.push(operator);
        self.push(" ");
    }

    fn negation(&mut self, negated: bool) {
        self.push(if negated { " NOT" } else { "" });
    }

    fn bracketed_exprs(&mut self, open: &str, exprs: &[Expr], close: &str) {
        self.push(open);
        self.list(exprs, ", ", Self::expr);
        self.push(close);
    }

    fn unary(&mut self, operator: &str, expr: &Expr) {
        self.push(operator);
        // Two signs in a row would read as a comment.
        if operator == "NOT" || matches!(expr, Expr::Unary { .. }) {
            self.push(" ");
        }
        self.expr(expr);
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Number(digits) => self.push(digits),
            Literal::Text(text) => self.text(text),
            Literal::Bool(true) => self.push("TRUE"),
            Literal::Bool(false) => self.push("FALSE"),
            Literal::Null => self.push("NULL"),
        }
    }

    fn text(&mut self, text: &str) {
        self.push("'");
        if self.dialect == Dialect::BigQuery {
            for c in text.chars() {
                match c {
                    '\'' => self.push("\\'"),
                    '\\' => self.push("\\\\"),
                    '\n' => self.push("\\n"),
                    '\r' => self.push("\\r"),
                    other => self.out.push(other),
                }
            }
        } else {
            self.push(&text.replace('\'', "''"));
        }
        self.push("'");
    }

    fn case(&mut self, operand: Option<&Expr>, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) {
        self.push("CASE");
        self.clause(" ", operand);
        for (condition, result) in whens {
            self.clause(" WHEN ", Some(condition));
            self.clause(" THEN ", Some(result));
        }
        self.clause(" ELSE ", otherwise);
        self.push(" END");
    }

    fn grouping(&mut self, kind: &str, sets: &[Vec<Expr>]) {
        self.push(kind);
        self.push(" (");
        self.list(sets, ", ", |printer, set| match set.as_slice() {
            [Expr::Tuple(_)] if kind != "GROUPING SETS" => printer.bracketed_exprs("", set, ""),
            [one] if kind != "GROUPING SETS" => printer.expr(one),
            _ => printer.bracketed_exprs("(", set, ")"),
        });
        self.push(")");
    }

    fn access(&mut self, root: &Expr, path: &[Access]) {
        self.expr(root);
        for access in path {
            match access {
                Access::Field(name) => {
                    self.push(".");
                    self.name(name);
                }
                Access::Index(expr) => {
                    self.push("[");
                    self.expr(expr);
                    self.push("]");
                }
                Access::Slice(low, high) => {
                    self.push("[");
                    self.clause("", low.as_ref());
                    self.push(":");
                    self.clause("", high.as_ref());
                    self.push("]");
                }
            }
        }
    }

    pub(super) fn call(&mut self, call: &Call) {
        // Functions are resolved by their folded name; the list of allowed ones holds plain words only.
        for (index, name) in call.name.iter().enumerate() {
            self.push(if index > 0 { "." } else { "" });
            self.push(&name.text);
        }
        let Some(args) = &call.args else { return };
        self.push("(");
        self.push(if call.distinct { "DISTINCT " } else { "" });
        self.list(args, ", ", |printer, arg| match arg {
            Arg::Expr(expr) => printer.expr(expr),
            Arg::Named(name, expr) => {
                printer.name(name);
                printer.push(" => ");
                printer.expr(expr);
            }
            Arg::Star => printer.push("*"),
        });
        if let (Some(nulls), Dialect::BigQuery) = (call.nulls, self.dialect) {
            self.push(" ");
            self.push(nulls);
        }
        if let Some((bound, expr)) = &call.having {
            self.push(bound);
            self.expr(expr);
        }
        self.order_clause(" ORDER BY ", &call.order_by);
        self.clause(" LIMIT ", call.limit.as_deref());
        self.push(")");
        if !call.within_group.is_empty() {
            self.order_clause(" WITHIN GROUP (ORDER BY ", &call.within_group);
            self.push(")");
        }
        if let Some(filter) = &call.filter {
            self.push(" FILTER (WHERE ");
            self.wrapped(&[], filter);
        }
        if let Some(nulls) = call.nulls.filter(|_| self.dialect != Dialect::BigQuery) {
            self.push(" ");
            self.push(nulls);
        }
        match &call.over {
            None => {}
            Some(Window::Named(name)) => {
                self.push(" OVER ");
                self.name(name);
            }
            Some(Window::Spec(spec)) => {
                self.push(" OVER ");
                self.window_spec(spec);
            }
        }
    }

    fn order_clause(&mut self, keyword: &str, items: &[OrderItem]) {
        if !items.is_empty() {
            self.push(keyword);
            self.list(items, ", ", Self::order_item);
        }
    }

    pub(super) fn order_item(&mut self, item: &OrderItem) {
        self.expr(&item.expr);
        match item.ascending {
            None => {}
            Some(true) => self.push(" ASC"),
            Some(false) => self.push(" DESC"),
        }
        match item.nulls_first {
            None => {}
            Some(true) => self.push(" NULLS FIRST"),
            Some(false) => self.push(" NULLS LAST"),
        }
    }

    pub(super) fn window_spec(&mut self, spec: &WindowSpec) {
        self.push("(");
        let mut parts = 0;
        if let Some(base) = &spec.base {
            self.name(base);
            parts += 1;
        }
        if !spec.partition_by.is_empty() {
            self.push(if parts > 0 { " " } else { "" });
            self.push("PARTITION BY ");
            self.list(&spec.partition_by, ", ", Self::expr);
            parts += 1;
        }
        self.order_clause(if parts > 0 { " ORDER BY " } else { "ORDER BY " }, &spec.order_by);
        parts += spec.order_by.len();
        if let Some(Frame { units, start, end }) = &spec.frame {
            self.push(if parts > 0 { " " } else { "" });
            self.push(units);
            self.push(if end.is_some() { " BETWEEN " } else { " " });
            self.bound(start);
            if let Some(end) = end {
                self.push(" AND ");
                self.bound(end);
            }
        }
        self.push(")");
    }

    fn bound(&mut self, bound: &Bound) {
        let (expr, side) = match bound {
            Bound::CurrentRow => return self.push("CURRENT ROW"),
            Bound::Preceding(expr) => (expr, " PRECEDING"),
            Bound::Following(expr) => (expr, " FOLLOWING"),
        };
        match expr {
            Some(expr) => self.expr(expr),
            None => self.push("UNBOUNDED"),
        }
        self.push(side);
    }
}
