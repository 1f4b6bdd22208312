//! Numbers of different rows side by side: each kind of rows is aggregated by the same groups, and only then do they
//! meet, one under the other, so that no row is counted twice. Levels are taken at the last time of each period.

use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, Value};
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{Additivity, Calculation, Fact, FieldRef, Filter, Group, Measure, Model, Query};

use super::CompileError;
use super::expressions::{Call, call, cast, column, double, name, number};
use super::filters::condition;
use super::scope::Scope;
use super::select::{Parts, union_all};
use super::shapes::{Column, changed, group_expressions, grouped, having, order, scaled};

/// What the rows of all facts are called.
const FACTS: &str = "facts";

/// Measures of several facts by the same groups.
pub(super) fn joined(
    query: &Query,
    root: &Fact,
    names: &[String],
    model: &Model,
    dialect: Dialect,
) -> Result<ast::Query, CompileError> {
    let mut leaves = Leaves::default();
    let mut parts = Parts::default();
    let mut sort_keys = Vec::new();
    let keys: Vec<String> = (1..=query.groups.len()).map(|at| format!("group_{at}")).collect();
    for (key, alias) in keys.iter().zip(names) {
        parts.projection.push((column(FACTS, key), Some(alias.clone())));
        parts.group_by.push(column(FACTS, key));
        sort_keys.push(name(alias));
    }
    let measures: Vec<Expr> = query.measures.iter().map(|measure| leaves.number(measure, &[])).collect();
    for (expr, alias) in measures.iter().zip(&names[query.groups.len()..]) {
        parts.projection.push((expr.clone(), Some(alias.clone())));
    }
    parts.having = having(query, &measures)?;
    order(query, names, &sort_keys, &mut parts)?;
    let all = leaves.of_all_facts(query, root, &keys, model, dialect)?;
    Ok(parts.over(all, FACTS, query.limit))
}

/// The numbers that each come from one fact, and the conditions on each.
#[derive(Default)]
struct Leaves<'a> {
    found: Vec<(&'a Measure, Vec<Filter>)>,
}

impl<'a> Leaves<'a> {
    /// `measure` as an expression over the rows of all facts; `more` are conditions from around it.
    fn number(&mut self, measure: &'a Measure, more: &[Filter]) -> Expr {
        let with = |further: &[Filter]| more.iter().chain(further).cloned().collect::<Vec<_>>();
        match &measure.calculation {
            Calculation::Ratio { numerator, denominator, percent } => {
                let within = with(&measure.filters);
                let (top, bottom) = (self.number(numerator, &within), self.number(denominator, &within));
                // A group without rows of what adds up has none of it, where it has rows of the other.
                let adds_up = numerator.additivity() == Additivity::Additive;
                let top = if adds_up { call("coalesce", vec![top, number("0")]) } else { top };
                scaled(top, bottom, !percent)
            }
            Calculation::Change { measure: of, from, to, relative } => {
                let before = self.number(of, &with(from));
                changed(of, before, self.number(of, &with(to)), *relative)
            }
            Calculation::ShareOfTotal { measure: of, fraction } => {
                let part = self.number(of, more);
                let whole = Call { distinct: false, filter: None, over: true }.of("sum", vec![double(part.clone())]);
                scaled(part, whole, *fraction)
            }
            _ => {
                let leaf = (measure, more.to_vec());
                let at = self.found.iter().position(|known| *known == leaf).unwrap_or_else(|| {
                    self.found.push(leaf);
                    self.found.len() - 1
                });
                // One row of each group has it, the others have nothing.
                call("max", vec![column(FACTS, &number_name(at))])
            }
        }
    }

    fn of_all_facts(
        &self,
        query: &Query,
        root: &Fact,
        keys: &[String],
        model: &Model,
        dialect: Dialect,
    ) -> Result<ast::Query, CompileError> {
        let mut facts: Vec<Fact> = Vec::new();
        for (measure, _) in &self.found {
            let fact = Fact::of(measure, model);
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
        let names: Vec<String> = keys.iter().cloned().chain((0..self.found.len()).map(number_name)).collect();
        let selects = facts.iter().map(|fact| {
            let told = told_of(query, fact, root, model)?;
            let columns = self.found.iter().map(|(measure, more)| {
                let own = Fact::of(measure, model) == *fact;
                let more = if own { on_fact(more, fact, root, model)? } else { Vec::new() };
                Ok(Column { measure: own.then_some(*measure), more })
            });
            grouped(&told, fact, &columns.collect::<Result<Vec<_>, _>>()?, &names, model, dialect)
        });
        let selects = selects.collect::<Result<Vec<_>, _>>()?;
        union_all(selects).ok_or(CompileError::Unsupported("it has no numbers"))
    }
}

fn number_name(at: usize) -> String {
    format!("number_{}", at + 1)
}

/// The groups and conditions of `query` on the rows of `fact`, without its order.
fn told_of(query: &Query, fact: &Fact, root: &Fact, model: &Model) -> Result<Query, CompileError> {
    let elsewhere = CompileError::Unsupported("not all of its numbers can be told by the same groups");
    let groups: Option<Vec<Group>> = query.groups.iter().map(|group| fact.group(group, root, model)).collect();
    Ok(Query {
        dataset: fact.dataset.clone(),
        groups: groups.ok_or(elsewhere)?,
        filters: on_fact(&query.filters, fact, root, model)?,
        ..Query::default()
    })
}

fn on_fact(filters: &[Filter], fact: &Fact, root: &Fact, model: &Model) -> Result<Vec<Filter>, CompileError> {
    let told: Option<Vec<Filter>> = filters.iter().map(|filter| fact.filter(filter, root, model)).collect();
    told.ok_or(CompileError::Unsupported("not all of its numbers know these conditions"))
}

/// Nothing, where another row has the number.
pub(super) fn nothing(dialect: Dialect) -> Expr {
    let null = Expr::Value(Value::Null.into());
    match dialect {
        Dialect::PostgreSql => cast(null, ast::DataType::Numeric(ast::ExactNumberInfo::None)),
        _ => null,
    }
}

/// That a row's time is the last of its period: of each period of the query's time group, or of all that it asks about.
pub(super) fn last_times(scope: &mut Scope<'_>, query: &Query, fact: &Fact) -> Result<Expr, CompileError> {
    let time = fact.time.as_ref().ok_or(CompileError::Unsupported("its levels have no time"))?;
    let at = FieldRef { dataset: fact.dataset.clone(), field: time.clone(), via: None };
    let mut inner = Scope::new(scope.model, scope.dialect, &fact.dataset)?;
    let mut parts = Parts::default();
    let own = inner.column(&at)?;
    parts.projection.push((call("max", vec![own]), None));
    for filter in query.filters.iter().filter(|filter| is_about(filter, &at)) {
        parts.conditions.push(condition(&mut inner, filter)?);
    }
    if let Some(group) = query.groups.iter().find(|group| group.field == at) {
        parts.group_by = group_expressions(&mut inner, group)?.1;
    }
    let subquery = Box::new(parts.into_query(&inner, None));
    Ok(Expr::InSubquery { expr: Box::new(scope.column(&at)?), subquery, negated: false })
}

/// Whether the filter is about nothing but the field.
pub(super) fn is_about(filter: &Filter, at: &FieldRef) -> bool {
    match filter {
        Filter::Compare { field, .. } | Filter::Part { field, .. } => field == at,
        Filter::Any { of } | Filter::All { of } => of.iter().all(|one| is_about(one, at)),
        Filter::Fields { .. } | Filter::Related { .. } => false,
    }
}

/// `left = right`.
pub(super) fn equal(left: Expr, right: Expr) -> Expr {
    super::expressions::binary(left, BinaryOperator::Eq, right)
}
