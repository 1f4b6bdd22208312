//! The guard's tree as text, in one spelling: this text is what runs.
//!
//! Names stand in quotes only where they must; nothing of the original text is copied but names, numbers and strings.

mod expr;

use super::ir::{
    Alias, Body, Constraint, Cte, Distinct, FromItem, GroupBy, Item, Join, JoinKind, Named, Pivot, Query, Relation,
    Select, Source, Star, Unpivot, Window,
};
use super::names::{Name, push_name};
use pilothouse_domain::catalog::Dialect;

/// The canonical text of a query.
pub fn print(query: &Query, dialect: Dialect) -> String {
    let mut printer = Printer { out: String::new(), dialect };
    printer.query(query);
    printer.out
}

struct Printer {
    out: String,
    dialect: Dialect,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn name(&mut self, name: &Name) {
        push_name(&mut self.out, &name.text, self.dialect);
    }

    fn path(&mut self, parts: &[Name]) {
        self.list(parts, ".", Self::name);
    }

    fn list<T>(&mut self, items: &[T], separator: &str, mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            print(self, item);
        }
    }

    fn query(&mut self, query: &Query) {
        if !query.ctes.is_empty() {
            self.push(if query.recursive { "WITH RECURSIVE " } else { "WITH " });
            self.list(&query.ctes, ", ", Self::cte);
            self.push(" ");
        }
        self.body(&query.body);
        if !query.order_by.is_empty() {
            self.push(" ORDER BY ");
            self.list(&query.order_by, ", ", Self::order_item);
        }
        if let Some(limit) = &query.limit {
            self.push(" LIMIT ");
            self.expr(limit);
        }
        if let Some(offset) = &query.offset {
            self.push(" OFFSET ");
            self.expr(offset);
        }
    }

    fn cte(&mut self, cte: &Cte) {
        self.name(&cte.name);
        self.column_names(&cte.columns);
        self.push(" AS ");
        match cte.materialized {
            None => {}
            Some(true) => self.push("MATERIALIZED "),
            Some(false) => self.push("NOT MATERIALIZED "),
        }
        self.bracketed(&cte.query);
    }

    fn bracketed(&mut self, query: &Query) {
        self.push("(");
        self.query(query);
        self.push(")");
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Select(select) => self.select(select),
            Body::Nested(query) => self.bracketed(query),
            Body::Values(rows) => {
                self.push("VALUES ");
                self.list(rows, ", ", |printer, row| {
                    printer.push("(");
                    printer.list(row, ", ", Self::expr);
                    printer.push(")");
                });
            }
            Body::Chain { first, rest } => {
                self.body(first);
                for branch in rest {
                    self.push(" ");
                    self.push(branch.operator);
                    self.push(" ");
                    self.body(&branch.body);
                }
            }
        }
    }

    fn select(&mut self, select: &Select) {
        self.push("SELECT ");
        match &select.distinct {
            Distinct::No => {}
            Distinct::Yes => self.push("DISTINCT "),
            Distinct::On(exprs) => {
                self.push("DISTINCT ON (");
                self.list(exprs, ", ", Self::expr);
                self.push(") ");
            }
        }
        if select.as_struct {
            self.push("AS STRUCT ");
        }
        self.list(&select.items, ", ", Self::item);
        if !select.from.is_empty() {
            self.push(" FROM ");
            self.list(&select.from, ", ", Self::joined_item);
        }
        self.clause(" WHERE ", select.filter.as_ref());
        match &select.group_by {
            GroupBy::None => {}
            GroupBy::All => self.push(" GROUP BY ALL"),
            GroupBy::Exprs(exprs) => {
                self.push(" GROUP BY ");
                self.list(exprs, ", ", Self::expr);
            }
        }
        self.clause(" HAVING ", select.having.as_ref());
        self.clause(" QUALIFY ", select.qualify.as_ref());
        if !select.windows.is_empty() {
            self.push(" WINDOW ");
            self.list(&select.windows, ", ", |printer, (name, window)| {
                printer.name(name);
                printer.push(" AS ");
                match window {
                    Window::Named(base) => printer.name(base),
                    Window::Spec(spec) => printer.window_spec(spec),
                }
            });
        }
    }

    fn clause(&mut self, keyword: &str, expr: Option<&super::ir::Expr>) {
        if let Some(expr) = expr {
            self.push(keyword);
            self.expr(expr);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Expr { expr, alias } => {
                self.expr(expr);
                if let Some(alias) = alias {
                    self.push(" AS ");
                    self.name(alias);
                }
            }
            Item::Star(star) => self.star(star),
        }
    }

    fn star(&mut self, star: &Star) {
        if !star.qualifier.is_empty() {
            self.path(&star.qualifier);
            self.push(".");
        }
        self.push("*");
        if !star.except.is_empty() {
            self.push(if star.exclude { " EXCLUDE (" } else { " EXCEPT (" });
            self.list(&star.except, ", ", Self::name);
            self.push(")");
        }
        if !star.replace.is_empty() {
            self.push(" REPLACE (");
            self.list(&star.replace, ", ", |printer, (expr, name)| {
                printer.expr(expr);
                printer.push(" AS ");
                printer.name(name);
            });
            self.push(")");
        }
        if !star.rename.is_empty() {
            self.push(" RENAME (");
            self.list(&star.rename, ", ", |printer, (from, to)| {
                printer.name(from);
                printer.push(" AS ");
                printer.name(to);
            });
            self.push(")");
        }
    }

    fn joined_item(&mut self, item: &FromItem) {
        self.relation(&item.relation);
        for join in &item.joins {
            self.join(join);
        }
    }

    fn join(&mut self, join: &Join) {
        if join.constraint == Constraint::Natural {
            self.push(" NATURAL");
        }
        self.push(match join.kind {
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
            JoinKind::Cross => " CROSS JOIN ",
            JoinKind::LeftSemi => " LEFT SEMI JOIN ",
            JoinKind::RightSemi => " RIGHT SEMI JOIN ",
            JoinKind::LeftAnti => " LEFT ANTI JOIN ",
            JoinKind::RightAnti => " RIGHT ANTI JOIN ",
        });
        self.relation(&join.relation);
        match &join.constraint {
            Constraint::None | Constraint::Natural => {}
            Constraint::On(expr) => {
                self.push(" ON ");
                self.expr(expr);
            }
            Constraint::Using(names) => {
                self.push(" USING");
                self.column_names(names);
            }
        }
    }

    fn relation(&mut self, relation: &Relation) {
        match &relation.source {
            Source::Table(parts) => self.path(parts),
            Source::Derived { lateral, query } => {
                self.push(if *lateral { "LATERAL " } else { "" });
                self.bracketed(query);
            }
            Source::Function { lateral, call } => {
                self.push(if *lateral { "LATERAL " } else { "" });
                self.call(call);
            }
            Source::Unnest { exprs, ordinality, offset: _ } => {
                self.push("UNNEST(");
                self.list(exprs, ", ", Self::expr);
                self.push(if *ordinality { ") WITH ORDINALITY" } else { ")" });
            }
            Source::Nested(item) => {
                self.push("(");
                self.joined_item(item);
                self.push(")");
            }
            Source::Pivot(pivot) => self.pivot(pivot),
            Source::Unpivot(unpivot) => self.unpivot(unpivot),
            Source::Refused => {}
        }
        if let Some(Alias { name, columns }) = &relation.alias {
            self.push(" AS ");
            self.name(name);
            self.column_names(columns);
        }
        if let Source::Unnest { exprs: _, ordinality: _, offset: Some(offset) } = &relation.source {
            self.push(" WITH OFFSET AS ");
            self.name(offset);
        }
    }

    fn pivot(&mut self, pivot: &Pivot) {
        let Pivot { of, aggregates, column, values } = pivot;
        self.relation(of);
        self.push(" PIVOT(");
        self.list(aggregates, ", ", Self::named);
        self.push(" FOR ");
        self.expr(column);
        self.push(" IN (");
        self.list(values, ", ", Self::named);
        self.push("))");
    }

    fn unpivot(&mut self, unpivot: &Unpivot) {
        let Unpivot { of, nulls, value, name, columns } = unpivot;
        self.relation(of);
        self.push(" UNPIVOT ");
        if let Some(nulls) = nulls {
            self.push(nulls);
            self.push(" ");
        }
        self.push("(");
        self.name(value);
        self.push(" FOR ");
        self.name(name);
        self.push(" IN (");
        self.list(columns, ", ", Self::named);
        self.push("))");
    }

    fn named(&mut self, (expr, name): &Named) {
        self.expr(expr);
        if let Some(name) = name {
            self.push(" AS ");
            self.name(name);
        }
    }

    fn column_names(&mut self, names: &[Name]) {
        if !names.is_empty() {
            self.push(" (");
            self.list(names, ", ", Self::name);
            self.push(")");
        }
    }
}
