//! Restricted columns: a query may count them and ask whether they are NULL. Their values may be handed on from a query
//! within, and nothing else may be done with them anywhere. What `quasi` columns tell goes through aggregates only that
//! show no single value.

use crate::guard::access::Marks;
use crate::guard::children::{self, Child};
use crate::guard::functions;
use crate::guard::ir::{
    Arg, Body, Call, Constraint, Distinct, Expr, FromItem, GroupBy, Item, OrderItem, Query, Relation, Select, Source,
};
use crate::guard::report::{Reason, ReasonCode};

/// Looks for uses of restricted columns that are more than counting.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) reasons: Vec<Reason>,
}

impl Uses {
    pub(super) fn query(&mut self, query: &Query) {
        self.order(&query.order_by);
        let items = items(&query.body);
        for item in &query.order_by {
            self.by_place(&item.expr, items);
        }
    }

    pub(super) fn body(&mut self, body: &Body) {
        match body {
            Body::Chain { first, rest } => {
                // Rows that are compared are told apart by their values.
                if rest.iter().any(|branch| branch.operator != "UNION ALL") {
                    let all = std::iter::once(first.as_ref()).chain(rest.iter().map(|branch| &branch.body));
                    self.compared(all.map(Marks::of_output).collect());
                }
            }
            Body::Values(rows) => rows.iter().flatten().for_each(|expr| self.expr(expr)),
            Body::Select(_) | Body::Nested(_) => {}
        }
    }

    pub(super) fn select(&mut self, select: &Select) {
        let items = select.items.as_slice();
        for item in items {
            match item {
                Item::Expr { expr, alias: _ } => self.item(expr),
                Item::Star(star) => star.replace.iter().for_each(|(expr, _)| self.item(expr)),
            }
        }
        match &select.distinct {
            Distinct::No => {}
            Distinct::Yes => self.compared(Marks::of_items(items)),
            Distinct::On(exprs) => exprs.iter().for_each(|expr| self.expr(expr)),
        }
        match &select.group_by {
            GroupBy::None => {}
            GroupBy::All => self.compared(Marks::of_items(items)),
            GroupBy::Exprs(exprs) => {
                for expr in exprs {
                    self.expr(expr);
                    self.by_place(expr, Some(items));
                }
            }
        }
        for expr in select.filter.iter().chain(&select.having).chain(&select.qualify) {
            self.expr(expr);
        }
        for (_, window) in &select.windows {
            if let crate::guard::ir::Window::Spec(spec) = window {
                children::of_window(spec, &mut |part| self.child(part));
            }
        }
        select.from.iter().for_each(|item| self.joined(item));
    }
}

fn items(body: &Body) -> Option<&[Item]> {
    match body {
        Body::Select(select) => Some(&select.items),
        Body::Nested(query) => items(&query.body),
        Body::Chain { first, rest: _ } => items(first),
        Body::Values(_) => None,
    }
}

/// The parts of a call beside its arguments, which come first.
fn beside_arguments<'a>(call: &'a Call, each: &mut dyn FnMut(Child<'a>)) {
    let mut arguments = call.args.iter().flatten().filter(|arg| !matches!(arg, Arg::Star)).count();
    children::of_call(call, &mut |part| match arguments.checked_sub(1) {
        Some(left) => arguments = left,
        None => each(part),
    });
}

impl Uses {
    fn refuse(&mut self, reason: Reason) {
        if !self.reasons.iter().any(|known| known.message == reason.message) {
            self.reasons.push(reason);
        }
    }

    fn restricted(&mut self, what: &str, pos: crate::guard::lexer::Pos) {
        let suggestion = format!("write COUNT({what}), COUNT(DISTINCT {what}) or {what} IS NULL");
        let message = format!("{what} may only be counted");
        self.refuse(Reason::at(ReasonCode::ColumnRestricted, pos, message).suggest(Some(suggestion)));
    }

    fn compared(&mut self, marks: Marks) {
        if marks.restricted {
            let message = "a restricted column may only be counted, not told apart from other rows";
            self.refuse(Reason::whole(ReasonCode::ColumnRestricted, message));
        }
    }

    /// The columns of the result are shown.
    pub(super) fn handed_out(&mut self, query: &Query) {
        if !Marks::of_output(&query.body).restricted {
            return;
        }
        for item in items(&query.body).unwrap_or_default() {
            if let Item::Expr { expr, alias: _ } = item
                && let column @ Expr::Column(_) = expr.bare()
            {
                self.expr(column);
            }
        }
        if self.reasons.is_empty() {
            let message = "the result would show a restricted column, which may only be counted";
            let suggestion = Some("name the columns you need in place of *".to_owned());
            self.refuse(Reason::at(ReasonCode::ColumnRestricted, query.pos, message).suggest(suggestion));
        }
    }

    /// A column of a SELECT may hand a value on as it is.
    fn item(&mut self, expr: &Expr) {
        if !matches!(expr.bare(), Expr::Column(_)) {
            self.expr(expr);
        }
    }

    /// `ORDER BY 2` and `GROUP BY 2` mean the second column of the result.
    fn by_place(&mut self, expr: &Expr, items: Option<&[Item]>) {
        let (Some(place), Some(items)) = (expr.integer(), items) else { return };
        let plain = !items.iter().any(|item| matches!(item, Item::Star(_)));
        let item = usize::try_from(place - 1).ok().and_then(|index| items.get(index));
        match item {
            Some(Item::Expr { expr, alias: _ }) if plain => self.expr(expr),
            _ => self.compared(Marks::of_items(items)),
        }
    }

    fn order(&mut self, items: &[OrderItem]) {
        items.iter().for_each(|item| self.expr(&item.expr));
    }

    fn joined(&mut self, item: &FromItem) {
        self.relation(&item.relation);
        for join in &item.joins {
            self.relation(&join.relation);
            if let Constraint::On(expr) = &join.constraint {
                self.expr(expr);
            }
        }
    }

    fn relation(&mut self, relation: &Relation) {
        match &relation.source {
            Source::Function { lateral: _, call } => children::of_call(call, &mut |part| self.child(part)),
            Source::Unnest { exprs, ordinality: _, offset: _ } => exprs.iter().for_each(|expr| self.expr(expr)),
            Source::Nested(item) => self.joined(item),
            Source::Pivot(pivot) => {
                self.relation(&pivot.of);
                pivot.aggregates.iter().chain(&pivot.values).for_each(|(expr, _)| self.expr(expr));
                self.expr(&pivot.column);
            }
            Source::Unpivot(unpivot) => {
                self.relation(&unpivot.of);
                unpivot.columns.iter().for_each(|(expr, _)| self.expr(expr));
            }
            // Queries within are visited by themselves.
            Source::Derived { .. } | Source::Table(_) | Source::Refused => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(column) => {
                if column.marks.restricted {
                    let name = column.parts.last().map_or("a column", |name| name.text.as_str());
                    let pos = column.parts.first().map(|name| name.pos).unwrap_or_default();
                    self.restricted(name, pos);
                }
            }
            Expr::Is { expr, test: "NULL" | "NOT NULL" } if matches!(expr.bare(), Expr::Column(_)) => {}
            Expr::Call(call) if is_count(call) => {
                self.single_values(call);
                // The argument is counted; whatever else the call says is not.
                beside_arguments(call, &mut |part| self.child(part));
            }
            Expr::Call(call) => {
                self.single_values(call);
                children::of_call(call, &mut |part| self.child(part));
            }
            // Whether there are rows, and nothing of them.
            Expr::Exists { query: _, negated: _ } => {}
            other => children::of_expr(other, &mut |part| self.child(part)),
        }
    }

    /// An aggregate that gives one of the values it was handed gives a person's; one that takes only some of a group's
    /// rows, by what tells of persons, may take those of a single one.
    fn single_values(&mut self, call: &Call) {
        let name = functions::name_of(call).unwrap_or_default();
        if call.over.is_some() || !functions::is_aggregate(name) {
            return;
        }
        let plain = |expr: &Expr| functions::is_statistic(name) && matches!(expr.bare(), Expr::Column(_));
        let mut marks = Marks::default();
        let args = call.args.iter().flatten().filter_map(|arg| match arg {
            Arg::Expr(expr) | Arg::Named(_, expr) => Some(expr),
            Arg::Star => None,
        });
        args.filter(|expr| !plain(expr)).for_each(|expr| marks = marks.and(Marks::of(expr)));
        beside_arguments(call, &mut |part| {
            if let Child::Expr(expr) = part {
                marks = marks.and(Marks::of(expr));
            }
        });
        if marks.quasi {
            let pos = call.name.first().map(|name| name.pos).unwrap_or_default();
            let message = format!("this {name} could tell about a single person within a group");
            let suggestion = Some("group by the column instead".to_owned());
            self.refuse(Reason::at(ReasonCode::ColumnQuasi, pos, message).suggest(suggestion));
        }
    }

    fn child(&mut self, part: Child<'_>) {
        match part {
            Child::Expr(expr) => self.expr(expr),
            // A value that comes out of a query within is used here.
            Child::Query(query) => self.compared(Marks::of_output(&query.body)),
        }
    }
}

fn is_count(call: &Call) -> bool {
    functions::name_of(call) == Some("count")
        && matches!(call.args.as_deref(), Some([Arg::Expr(expr)]) if matches!(expr.bare(), Expr::Column(_)))
}
