//! BigQuery's pipe syntax, `FROM t |> WHERE … |> AGGREGATE …`, as the query that it stands for: an operator becomes a clause
//! of the SELECT at hand where that may still have one, and otherwise of a SELECT around it.

use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, ExprWithAliasAndOrderBy, PipeOperator, Query as AstQuery, SelectItem, SetOperator,
    SetQuantifier,
};

use super::Lowering;
use crate::guard::ir::{
    Alias, Body, Branch, Distinct, Expr, FromItem, GroupBy, Item, Named, Query, Relation, Select, Source, Star,
};
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

impl Lowering<'_> {
    /// What is left of `query` behind these operators.
    pub(super) fn piped(&mut self, mut query: Query, operators: &[PipeOperator]) -> Query {
        if operators.len() > self.limits.max_subquery_depth {
            let message = format!("more than {} pipe operators follow each other", self.limits.max_subquery_depth);
            self.refuse(ReasonCode::CapSubqueries, message);
            return query;
        }
        for operator in operators {
            query = self.pipe(query, operator);
        }
        query
    }

    fn pipe(&mut self, query: Query, operator: &PipeOperator) -> Query {
        match operator {
            PipeOperator::Where { expr } => {
                let asked = self.expr(expr);
                onto_rows(query, |select| select.filter = Some(both(select.filter.take(), asked)))
            }
            PipeOperator::Select { exprs } => {
                let items = self.select_items(exprs);
                onto_rows(query, |select| select.items = items)
            }
            PipeOperator::Extend { exprs } => {
                let items = self.select_items(exprs);
                onto_rows(query, |select| select.items.extend(items))
            }
            PipeOperator::Set { assignments } => {
                let replace = assignments.iter().filter_map(|one| self.assignment(one)).collect();
                onto_star(query, |star| star.replace = replace)
            }
            PipeOperator::Drop { columns } => {
                let except = columns.iter().map(|column| self.name(column)).collect();
                onto_star(query, |star| star.except = except)
            }
            PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
                let keys: Vec<_> = group_by_expr.iter().map(|expr| self.piped_expr(expr)).collect();
                let group_by: Vec<Expr> = keys.iter().map(|(expr, _)| expr.clone()).collect();
                let numbers: Vec<_> = full_table_exprs.iter().map(|expr| self.piped_expr(expr)).collect();
                let items = keys.into_iter().chain(numbers).map(|(expr, alias)| Item::Expr { expr, alias });
                onto_rows(query, |select| {
                    select.items = items.collect();
                    select.group_by = if group_by.is_empty() { GroupBy::None } else { GroupBy::Exprs(group_by) };
                })
            }
            PipeOperator::As { alias } => {
                let alias = Alias { name: self.name(alias), columns: Vec::new() };
                around(query, Some(alias))
            }
            PipeOperator::OrderBy { exprs } => {
                let mut query = unlimited(query);
                query.order_by = self.order_items(exprs);
                query
            }
            PipeOperator::Limit { expr, offset } => {
                let mut query = unlimited(query);
                query.limit = Some(self.expr(expr));
                query.offset = self.optional(offset.as_ref());
                query
            }
            PipeOperator::Union { set_quantifier, queries } => {
                self.with_branches(query, SetOperator::Union, *set_quantifier, queries)
            }
            PipeOperator::Intersect { set_quantifier, queries } => {
                self.with_branches(query, SetOperator::Intersect, *set_quantifier, queries)
            }
            PipeOperator::Except { set_quantifier, queries } => {
                self.with_branches(query, SetOperator::Except, *set_quantifier, queries)
            }
            PipeOperator::Join(join) => {
                let join = self.join(join);
                let query = if has_filter(&query) { around(query, None) } else { query };
                onto_rows(query, |select| {
                    if let Some(item) = select.from.last_mut() {
                        item.joins.push(join);
                    }
                })
            }
            PipeOperator::Rename { .. }
            | PipeOperator::TableSample { .. }
            | PipeOperator::Call { .. }
            | PipeOperator::Pivot { .. }
            | PipeOperator::Unpivot { .. } => {
                self.unsupported("this pipe operator");
                query
            }
        }
    }

    fn select_items(&mut self, items: &[SelectItem]) -> Vec<Item> {
        items.iter().map(|item| self.item(item)).collect()
    }

    fn piped_expr(&mut self, piped: &ExprWithAliasAndOrderBy) -> Named {
        let ExprWithAliasAndOrderBy { expr, order_by } = piped;
        self.only_without(order_by.asc.is_some() || order_by.nulls_first.is_some(), "an order within AGGREGATE");
        self.named_one(expr)
    }

    fn assignment(&mut self, assignment: &Assignment) -> Option<(Expr, Name)> {
        let Assignment { target, value } = assignment;
        let AssignmentTarget::ColumnName(column) = target else {
            self.unsupported("SET of several columns at once");
            return None;
        };
        let name = self.single_name(column)?;
        Some((self.expr(value), name))
    }

    fn with_branches(
        &mut self,
        query: Query,
        operator: SetOperator,
        quantifier: SetQuantifier,
        queries: &[AstQuery],
    ) -> Query {
        let operator = self.set_operator(operator, quantifier);
        let branch = |query: &AstQuery| Branch { operator, body: Body::Nested(Box::new(self.query(query))) };
        let rest = queries.iter().map(branch).collect();
        let Query { recursive, pos, .. } = query;
        let mut first = query;
        let ctes = std::mem::take(&mut first.ctes);
        first.recursive = false;
        let body = Body::Chain { first: Box::new(Body::Nested(Box::new(first))), rest };
        Query { recursive, ctes, body, order_by: Vec::new(), limit: None, offset: None, pos }
    }
}

/// Changes the SELECT at hand, as long as nothing but rows was asked of it.
fn onto_rows(query: Query, change: impl FnOnce(&mut Select)) -> Query {
    let mut query = if gives_rows(&query) { query } else { around(query, None) };
    if let Body::Select(select) = &mut query.body {
        change(select);
    }
    query
}

fn onto_star(query: Query, change: impl FnOnce(&mut Star)) -> Query {
    onto_rows(query, |select| {
        if let Some(Item::Star(star)) = select.items.first_mut() {
            change(star);
        }
    })
}

/// Whether a query gives all columns of some rows, in no order.
fn gives_rows(query: &Query) -> bool {
    let Body::Select(select) = &query.body else { return false };
    let plain = Star::all(query.pos);
    let all_columns = matches!(select.items.as_slice(), [Item::Star(star)] if *star == plain);
    let unordered = query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
    let ungrouped = select.group_by == GroupBy::None && select.having.is_none() && select.qualify.is_none();
    let whole = !select.as_struct && select.distinct == Distinct::No && select.windows.is_empty();
    all_columns && unordered && ungrouped && whole
}

fn has_filter(query: &Query) -> bool {
    matches!(&query.body, Body::Select(select) if select.filter.is_some() || select.from.len() > 1)
}

/// A query whose rows are not yet cut off, so that they may still be put in order and counted off.
fn unlimited(query: Query) -> Query {
    if query.limit.is_some() || query.offset.is_some() { around(query, None) } else { query }
}

/// `SELECT * FROM (query) AS alias`. The WITH queries stay outermost.
fn around(mut query: Query, alias: Option<Alias>) -> Query {
    let (pos, recursive, ctes) = (query.pos, query.recursive, std::mem::take(&mut query.ctes));
    query.recursive = false;
    let source = Source::Derived { lateral: false, query: Box::new(query) };
    let select = Select {
        as_struct: false,
        distinct: Distinct::No,
        items: vec![Item::Star(Star::all(pos))],
        from: vec![FromItem { relation: Relation { source, alias, pos, id: 0 }, joins: Vec::new() }],
        filter: None,
        group_by: GroupBy::None,
        having: None,
        windows: Vec::new(),
        qualify: None,
    };
    let body = Body::Select(Box::new(select));
    Query { recursive, ctes, body, order_by: Vec::new(), limit: None, offset: None, pos }
}

fn both(filter: Option<Expr>, asked: Expr) -> Expr {
    let bracketed = |expr| match expr {
        Expr::Chain { .. } => Expr::Nested(Box::new(expr)),
        expr => expr,
    };
    match filter {
        None => asked,
        Some(filter) => Expr::Chain { first: Box::new(bracketed(filter)), rest: vec![("AND", bracketed(asked))] },
    }
}
