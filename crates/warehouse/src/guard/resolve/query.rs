//! Queries and SELECTs: which names each clause sees, and which columns come out.

use pilothouse_domain::catalog::Dialect;

use smol_str::{SmolStr, format_smolstr};

use super::scope::{CteInfo, OutColumn, Rel, Scope, Shape, literal_limit, named};
use super::{Resolver, groups, recursive};
use crate::guard::access::Marks;
use crate::guard::children::{self, ChildMut};
use crate::guard::functions;
use crate::guard::ir::{Body, Distinct, Expr, GroupBy, Item, OrderItem, Query, Select, Star, Window};
use crate::guard::lexer::Pos;
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

impl<'a> Resolver<'a> {
    /// Resolves a query and returns the columns it gives.
    pub(super) fn query(&mut self, query: &mut Query) -> Shape<'a> {
        let visible = self.ctes.len();
        let Query { recursive, ctes, body, order_by, limit, offset, pos: _ } = query;
        let passing = std::mem::take(&mut self.passing);
        if let Some(cte) = recursive::named_early(ctes).filter(|_| *recursive) {
            let message = format!("{} is named before it is defined", cte.name.text);
            self.refuse(ReasonCode::QueryRecursive, cte.name.pos, message, None);
        }
        for cte in ctes {
            let outside = std::mem::take(&mut self.cost);
            let telling = self.telling;
            let mut shape = if *recursive && recursive::names_itself(cte) {
                self.recursive(cte)
            } else {
                self.query(&mut cte.query)
            };
            self.telling = telling;
            shape.rename(&cte.columns);
            let cost = std::mem::replace(&mut self.cost, outside).max(1);
            self.ctes.push(CteInfo { name: cte.name.text.clone(), shape, cost });
        }
        let mut shape = self.body(body, order_by);
        // LIMIT and OFFSET see no columns of the query.
        for expr in limit.iter_mut().chain(offset) {
            self.expr(expr);
        }
        if let Some(limit) = literal_limit(query) {
            shape.rows = Some(shape.rows.map_or(limit, |rows| rows.min(limit)));
        }
        self.ctes.truncate(visible);
        self.passing = passing;
        shape
    }

    /// A query within an expression: what it gives is used there.
    fn inner(&mut self, query: &mut Query) {
        let shape = self.query(query);
        self.telling |= shape.telling || (shape.marks().quasi && !self.raw);
    }

    pub(super) fn body(&mut self, body: &mut Body, order_by: &mut [OrderItem]) -> Shape<'a> {
        match body {
            Body::Select(select) => self.select(select, order_by),
            Body::Nested(query) => {
                let shape = self.query(query);
                self.order_by_output(order_by, &shape);
                shape
            }
            Body::Values(rows) => {
                let width = rows.iter().map(Vec::len).max().unwrap_or(0);
                for expr in rows.iter_mut().flatten() {
                    self.expr(expr);
                }
                let name = |index: usize| Some(format_smolstr!("column{}", index + 1));
                let column = |index| OutColumn { nested: false, ..OutColumn::made(name(index), Marks::default()) };
                let rows = u64::try_from(rows.len()).ok();
                let shape = Shape { columns: (0..width).map(column).collect(), rows, ..Shape::default() };
                self.order_by_output(order_by, &shape);
                shape
            }
            Body::Chain { first, rest } => {
                let mut shape = self.body(first, &mut []);
                for branch in rest {
                    let other = self.body(&mut branch.body, &mut []);
                    shape.rows = shape.rows.zip(other.rows).map(|(a, b)| a.saturating_add(b));
                    shape.telling |= other.telling;
                    for (column, other) in shape.columns.iter_mut().zip(&other.columns) {
                        column.marks = column.marks.and(other.marks);
                    }
                }
                for column in &mut shape.columns {
                    column.base = None;
                }
                shape.key = None;
                self.order_by_output(order_by, &shape);
                shape
            }
        }
    }

    /// ORDER BY after a set operation sees the names of the result only.
    fn order_by_output(&mut self, order_by: &mut [OrderItem], shape: &Shape<'a>) {
        if order_by.is_empty() {
            return;
        }
        self.scopes.push(Scope { aliases: named(&shape.columns), ..Scope::default() });
        for item in order_by {
            self.expr(&mut item.expr);
        }
        self.scopes.pop();
    }

    fn select(&mut self, select: &mut Select, order_by: &mut [OrderItem]) -> Shape<'a> {
        let around = std::mem::take(&mut self.telling);
        let mut scope = Scope::default();
        for item in &mut select.from {
            self.joined_item(item, &mut scope);
        }
        self.scopes.push(scope);
        if let Some(filter) = &mut select.filter {
            self.expr(filter);
        }
        let (mut columns, open) = self.items(&mut select.items);
        if let Some(scope) = self.scopes.last_mut() {
            scope.aliases = named(&columns);
        }
        self.grouping_clauses(select);
        for item in order_by {
            self.expr(&mut item.expr);
        }
        let rows = self.rows(select);
        let telling = self.grouped(select, &mut columns);
        let key = self.scopes.last().and_then(|scope| scope.key_among(&columns));
        self.scopes.pop();
        self.telling = around;
        Shape { columns, open, rows, telling, key }
    }

    /// The columns of a SELECT, and whether there may be more. What they carry goes on with them, so that reading them
    /// here tells nothing yet.
    fn items(&mut self, items: &mut [Item]) -> (Vec<OutColumn<'a>>, bool) {
        let (mut columns, mut open) = (Vec::new(), false);
        let passing = std::mem::replace(&mut self.passing, true);
        for item in items {
            match item {
                Item::Expr { expr, alias } => {
                    self.expr(expr);
                    let name = alias.as_ref().map(|alias| alias.text.clone()).or_else(|| self.made_name(expr));
                    columns.push(OutColumn::made(name, Marks::of(expr)));
                }
                Item::Star(star) => open |= self.star(star, &mut columns),
            }
        }
        self.passing = passing;
        (columns, open)
    }

    /// Groups that tell something of persons are shown from a size on. Returns whether rows of single persons tell it.
    fn grouped(&mut self, select: &mut Select, columns: &mut [OutColumn<'a>]) -> bool {
        let exprs = select.items.iter().filter_map(|item| match item {
            Item::Expr { expr, alias: _ } => Some(expr),
            Item::Star(_) => None,
        });
        let aggregated = exprs.chain(&select.having).any(functions::aggregates);
        if !aggregated && select.group_by == GroupBy::None {
            return self.telling;
        }
        let told = self.telling || columns.iter().any(|column| column.marks.quasi);
        if !told || self.raw {
            return false;
        }
        for column in columns {
            column.marks.quasi = false;
        }
        let persons = self.scopes.last().and_then(Scope::persons);
        groups::of_at_least(select, self.access.min_group, persons);
        let message = format!("groups of fewer than {} are left out", self.access.min_group);
        self.refuse(ReasonCode::GroupThreshold, Pos::default(), message, None);
        false
    }

    /// The result must tell nothing of single persons.
    pub(super) fn shown(&mut self, query: &Query, shape: &Shape<'a>) {
        if !shape.telling && !shape.marks().quasi {
            return;
        }
        let marked = shape.columns.iter().find(|column| column.marks.quasi).and_then(|column| column.name.clone());
        let what = marked.map_or_else(|| "these rows tell".to_owned(), |name| format!("{name} tells"));
        let message = format!("{what} something about single persons");
        let suggestion = Some("group by it and count, or leave it out".to_owned());
        self.refuse(ReasonCode::ColumnQuasi, query.pos, message, suggestion);
    }

    /// The clauses that see the names of output columns.
    fn grouping_clauses(&mut self, select: &mut Select) {
        if let Distinct::On(exprs) = &mut select.distinct {
            exprs.iter_mut().for_each(|expr| self.expr(expr));
        }
        if let GroupBy::Exprs(exprs) = &mut select.group_by {
            exprs.iter_mut().for_each(|expr| self.expr(expr));
        }
        for expr in select.having.iter_mut().chain(&mut select.qualify) {
            self.expr(expr);
        }
        for (_, window) in &mut select.windows {
            if let Window::Spec(spec) = window {
                children::of_window_mut(spec, &mut |part| self.child(part));
            }
        }
    }

    /// The name an engine gives to an output column without one.
    fn made_name(&self, expr: &Expr) -> Option<SmolStr> {
        match expr {
            Expr::Column(column) => column.parts.last().map(|name| name.text.clone()),
            Expr::Call(call) if self.catalog.dialect == Dialect::PostgreSql => {
                call.name.last().map(|name| name.text.clone())
            }
            Expr::Cast { expr, .. } => self.made_name(expr),
            Expr::Nested(expr) => self.made_name(expr),
            _ => None,
        }
    }

    /// Adds the columns of a star; returns whether there may be more than those.
    fn star(&mut self, star: &mut Star, columns: &mut Vec<OutColumn<'a>>) -> bool {
        for (expr, _) in &mut star.replace {
            self.expr(expr);
        }
        let Some(scope) = self.scopes.last() else { return false };
        let meant = |rel: &&Rel<'_>| star.qualifier.is_empty() || super::columns::is_named(rel, &star.qualifier);
        let rels: Vec<&Rel<'_>> = scope.rels.iter().filter(meant).collect();
        if rels.is_empty() && !star.qualifier.is_empty() {
            let name = star.qualifier.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
            let message = format!("there is no table {name} in this query");
            self.refuse(ReasonCode::ColumnUnknown, star.pos, message, None);
            return true;
        }
        let open = rels.iter().any(|rel| rel.shape.open);
        let known = |name: &&Name| open || rels.iter().any(|rel| rel.shape.column(&name.text).is_some());
        let left_out = star.except.iter().chain(star.rename.iter().map(|(from, _)| from));
        let unknown: Vec<&Name> = left_out.filter(|name| !known(name)).collect();
        let mut seen = Vec::new();
        let before = columns.len();
        for column in rels.iter().flat_map(|rel| &rel.shape.columns) {
            let text = column.name.as_deref().unwrap_or_default();
            if star.qualifier.is_empty() && scope.merged.iter().any(|merged| merged == text) {
                if seen.contains(&text) {
                    continue;
                }
                seen.push(text);
            }
            if star.except.iter().any(|left_out| left_out.text == text) {
                continue;
            }
            self.facts.columns.extend(column.base);
            let renamed = star.rename.iter().find(|(from, _)| from.text == text).map(|(_, to)| to.text.clone());
            let replaced = star.replace.iter().find(|(_, name)| name.text == text);
            let marks = replaced.map_or(column.marks, |(expr, _)| Marks::of(expr));
            let name = renamed.or_else(|| column.name.clone());
            columns.push(OutColumn { name, base: None, nested: column.nested, marks });
        }
        for name in unknown {
            let message = format!("there is no column {} to leave out", name.text);
            self.refuse(ReasonCode::ColumnUnknown, name.pos, message, None);
        }
        let added = columns.get_mut(before..).unwrap_or_default();
        star.marks = added.iter().map(|column| column.marks).collect();
        for column in added.iter().filter(|column| column.marks.masked) {
            let name = Name { text: column.name.clone().unwrap_or_default(), pos: star.pos };
            self.read(&mut column.marks.clone(), Some(&name));
        }
        open
    }

    /// Most rows a SELECT can give, where its shape says so.
    fn rows(&self, select: &Select) -> Option<u64> {
        let exprs = || {
            select.items.iter().filter_map(|item| match item {
                Item::Expr { expr, .. } => Some(expr),
                Item::Star(_) => None,
            })
        };
        if exprs().chain(&select.having).any(functions::makes_rows) {
            return None;
        }
        if select.group_by == GroupBy::None && exprs().chain(&select.having).any(functions::aggregates) {
            return Some(1);
        }
        let rels = &self.scopes.last()?.rels;
        rels.iter().try_fold(1_u64, |product, rel| Some(product.saturating_mul(rel.shape.rows?)))
    }

    pub(super) fn child(&mut self, part: ChildMut<'_>) {
        match part {
            ChildMut::Expr(expr) => self.expr(expr),
            ChildMut::Query(query) => self.inner(query),
        }
    }
}
