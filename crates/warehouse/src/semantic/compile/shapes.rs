//! The statements a query can become: rows listed, rows aggregated, groups averaged, groups counted.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr};
use pilothouse_domain::catalog::{DataType, Dialect};
use pilothouse_domain::semantic::{
    Additivity, Aggregate, Calculation, Compare, Fact, FieldRef, Filter, Grain, Group, Measure, Model, Order, Query,
    Scalar, field_text, group_text, measure_text,
};

use super::expressions::{Call, all, binary, call, cast, column, divide, double, name, nested, number, text};
use super::filters::{condition, literal, part_of};
use super::scope::Scope;
use super::select::Parts;
use super::{CompileError, drivers, facts, growth};

/// Longest name of a result column in characters.
const MAX_NAME_CHARS: usize = 60;

/// Rows of the dataset.
pub(super) fn rows(query: &Query, model: &Model, dialect: Dialect) -> Result<ast::Query, CompileError> {
    if query.select.is_empty() || !query.groups.is_empty() || !query.having.is_empty() {
        return Err(CompileError::Unsupported("a list of rows needs fields, and no groups"));
    }
    let mut scope = Scope::new(model, dialect, &query.dataset)?;
    let mut parts = Parts { distinct: query.distinct, ..Parts::default() };
    let names = names(query, model);
    for (field, alias) in query.select.iter().zip(names) {
        parts.projection.push((scope.column(field)?, Some(alias)));
    }
    for filter in &query.filters {
        parts.conditions.push(condition(&mut scope, filter)?);
    }
    for order in &query.order {
        let Order::Field { field, direction } = order else {
            return Err(CompileError::Unsupported("a list of rows is ordered by fields"));
        };
        parts.order_by.push((scope.column(field)?, *direction));
    }
    // Ties fall in the order of the listed fields, so that the same question always lists the same rows.
    if query.limit.is_some() {
        for field in &query.select {
            let tie = scope.column(field)?;
            if !parts.order_by.iter().any(|(known, _)| *known == tie) {
                parts.order_by.push((tie, pilothouse_domain::semantic::Direction::Ascending));
            }
        }
    }
    Ok(parts.into_query(&scope, query.limit))
}

/// Measures, perhaps by groups.
pub(super) fn aggregate(query: &Query, model: &Model, dialect: Dialect) -> Result<ast::Query, CompileError> {
    if !query.drivers.is_empty() {
        return drivers::drivers(query, model, dialect);
    }
    if query.measures.iter().any(|measure| matches!(measure.calculation, Calculation::Growth { .. })) {
        return growth::grown(query, model, dialect);
    }
    let per = query.measures.iter().find_map(|measure| match &measure.calculation {
        Calculation::AveragePer { per, .. } => Some(per.as_ref()),
        _ => None,
    });
    match per {
        Some(per) => averaged(query, per, model, dialect),
        None => plain(query, &names(query, model), model, dialect),
    }
}

/// Measures of one kind of rows or of several, perhaps by groups; `names` are those of the columns.
pub(super) fn plain(
    query: &Query,
    names: &[String],
    model: &Model,
    dialect: Dialect,
) -> Result<ast::Query, CompileError> {
    let root = query.root(model);
    let told = |measure: &Measure| Fact::all_of(measure, model).iter().all(|fact| *fact == root);
    if query.measures.iter().all(told) {
        let columns: Vec<Column<'_>> = query.measures.iter().map(Column::of).collect();
        return grouped(query, &root, &columns, names, model, dialect);
    }
    facts::joined(query, &root, names, model, dialect)
}

/// A number of a SELECT; nothing where another one computes it.
pub(super) struct Column<'a> {
    pub measure: Option<&'a Measure>,
    /// Conditions of this number from around it.
    pub more: Vec<Filter>,
}

impl<'a> Column<'a> {
    fn of(measure: &'a Measure) -> Self {
        Self { measure: Some(measure), more: Vec::new() }
    }
}

/// One SELECT over the rows of `fact`, with the groups, conditions and order of `query`.
pub(super) fn grouped(
    query: &Query,
    fact: &Fact,
    columns: &[Column<'_>],
    names: &[String],
    model: &Model,
    dialect: Dialect,
) -> Result<ast::Query, CompileError> {
    let mut scope = Scope::new(model, dialect, &fact.dataset)?;
    let mut parts = Parts::default();
    let mut sort_keys: Vec<Expr> = Vec::new();
    for (group, alias) in query.groups.iter().zip(names) {
        let (shown, by) = group_expressions(&mut scope, group)?;
        sort_keys.push(if by.len() > 1 { by[1].clone() } else { name(alias) });
        parts.projection.push((shown, Some(alias.clone())));
        parts.group_by.extend(by);
    }
    let mut measures: Vec<Expr> = Vec::new();
    for (column, alias) in columns.iter().zip(&names[query.groups.len()..]) {
        let expr = match column.measure {
            Some(measure) => value(&mut scope, measure, &column.more)?,
            None => facts::nothing(dialect),
        };
        measures.push(expr.clone());
        parts.projection.push((expr, Some(alias.clone())));
    }
    for filter in &query.filters {
        parts.conditions.push(condition(&mut scope, filter)?);
    }
    if fact.latest {
        parts.conditions.push(facts::last_times(&mut scope, query, fact)?);
    }
    parts.having = having(query, &measures)?;
    order(query, names, &sort_keys, &mut parts)?;
    Ok(parts.into_query(&scope, query.limit))
}

/// First the measure of each group of `per`, then the average over them.
fn averaged(query: &Query, per: &Group, model: &Model, dialect: Dialect) -> Result<ast::Query, CompileError> {
    let names = names(query, model);
    let mut each: Vec<Measure> = Vec::new();
    for measure in &query.measures {
        let Calculation::AveragePer { measure: one, per: own } = &measure.calculation else {
            return Err(CompileError::Unsupported("an average over groups stands beside another number"));
        };
        if own.as_ref() != per {
            return Err(CompileError::Unsupported("two averages run over different groups"));
        }
        let filters = one.filters.iter().chain(&measure.filters).cloned().collect();
        each.push(Measure { filters, ..one.as_ref().clone() });
    }
    let groups: Vec<Group> = query.groups.iter().chain([per]).cloned().collect();
    let inner = Query {
        dataset: query.dataset.clone(),
        measures: each,
        groups,
        filters: query.filters.clone(),
        ..Query::default()
    };
    let keys = names.iter().take(query.groups.len()).cloned();
    let values: Vec<String> = (0..query.measures.len()).map(|at| format!("value_{at}")).collect();
    let columns: Vec<String> = keys.chain(["part".to_owned()]).chain(values.iter().cloned()).collect();
    let mut outer = Parts::default();
    let mut sort_keys: Vec<Expr> = Vec::new();
    for alias in &names[..query.groups.len()] {
        outer.projection.push((column("parts", alias), Some(alias.clone())));
        outer.group_by.push(column("parts", alias));
        sort_keys.push(name(alias));
    }
    let mut measures = Vec::new();
    for (value, alias) in values.iter().zip(&names[query.groups.len()..]) {
        let average = call("avg", vec![double(column("parts", value))]);
        measures.push(average.clone());
        outer.projection.push((average, Some(alias.clone())));
    }
    outer.having = having(query, &measures)?;
    order(query, &names, &sort_keys, &mut outer)?;
    Ok(outer.over(plain(&inner, &columns, model, dialect)?, "parts", query.limit))
}

/// How many rows `inner` has.
pub(super) fn count_of(inner: ast::Query) -> ast::Query {
    let rows = Call { distinct: false, filter: None, over: false }.star("count");
    let parts = Parts { projection: vec![(rows, Some("number".to_owned()))], ..Parts::default() };
    let mut inner = inner;
    inner.order_by = None;
    parts.over(inner, "groups", None)
}

pub(super) fn having(query: &Query, measures: &[Expr]) -> Result<Option<Expr>, CompileError> {
    let mut conditions = Vec::new();
    for having in &query.having {
        let left = measures.get(having.measure).ok_or(CompileError::Unsupported("a condition names no measure"))?;
        let right = literal(&having.value, DataType::Number)?;
        let op = match having.op {
            Compare::Eq => BinaryOperator::Eq,
            Compare::Ne => BinaryOperator::NotEq,
            Compare::Lt => BinaryOperator::Lt,
            Compare::Le => BinaryOperator::LtEq,
            Compare::Gt => BinaryOperator::Gt,
            Compare::Ge => BinaryOperator::GtEq,
            _ => return Err(CompileError::Unsupported("a number of groups is compared with something else")),
        };
        if !matches!(having.value, Scalar::Integer(_) | Scalar::Number(_)) {
            return Err(CompileError::Unsupported("a number of groups is compared with something else"));
        }
        conditions.push(binary(left.clone(), op, right));
    }
    Ok(all(conditions))
}

pub(super) fn order(
    query: &Query,
    names: &[String],
    sort_keys: &[Expr],
    parts: &mut Parts,
) -> Result<(), CompileError> {
    for order in &query.order {
        let (expr, direction) = match order {
            Order::Measure { index, direction } => {
                (names.get(query.groups.len() + index).map(|alias| name(alias)), direction)
            }
            Order::Group { index, direction } => (sort_keys.get(*index).cloned(), direction),
            Order::Field { .. } => (None, &pilothouse_domain::semantic::Direction::Ascending),
        };
        parts.order_by.push((expr.ok_or(CompileError::Unsupported("the order names nothing"))?, *direction));
    }
    Ok(())
}

/// What a group shows, and what its rows are grouped by.
pub(super) fn group_expressions(scope: &mut Scope<'_>, group: &Group) -> Result<(Expr, Vec<Expr>), CompileError> {
    let plain = if group.counted { scope.counted(&group.field)? } else { scope.column(&group.field)? };
    if let Some(step) = group.step {
        let begin = stepped(plain, step)?;
        return Ok((begin.clone(), vec![begin]));
    }
    let Some(grain) = group.grain else { return Ok((plain.clone(), vec![plain])) };
    let day = |expr| cast(expr, ast::DataType::Date);
    let truncated = |unit: &str| call("date_trunc", vec![text(unit), plain.clone()]);
    let one = |expr: Expr| Ok((expr.clone(), vec![expr]));
    match grain {
        Grain::Quarter => one(day(truncated("quarter"))),
        Grain::Month => one(day(truncated("month"))),
        Grain::Week => one(day(truncated("week"))),
        Grain::Day => one(day(plain)),
        Grain::Hour => one(truncated("hour")),
        Grain::Year | Grain::DayOfMonth | Grain::MonthOfYear | Grain::HourOfDay => {
            one(part_of(scope, &group.field, grain)?)
        }
        Grain::Weekday => {
            let format = if scope.dialect == Dialect::PostgreSql { "FMDay" } else { "%A" };
            let shown = call("to_char", vec![plain, text(format)]);
            let number = part_of(scope, &group.field, grain)?;
            Ok((shown.clone(), vec![shown, number]))
        }
    }
}

/// Where the step of `width` begins that a number lies in.
fn stepped(number_of: Expr, width: f64) -> Result<Expr, CompileError> {
    if !(width.is_finite() && width > 0.0) {
        return Err(CompileError::Unsupported("a step is wider than nothing"));
    }
    let width = number(width.to_string());
    let steps = call("floor", vec![binary(double(number_of), BinaryOperator::Divide, width.clone())]);
    Ok(binary(steps, BinaryOperator::Multiply, width))
}

/// A measure as an expression; `more` are conditions from around it.
fn value(scope: &mut Scope<'_>, measure: &Measure, more: &[Filter]) -> Result<Expr, CompileError> {
    let mut filters: Vec<Filter> = measure.filters.clone();
    filters.extend(more.iter().cloned());
    match &measure.calculation {
        Calculation::CountRows => {
            Ok(Call { distinct: false, filter: filter(scope, &filters)?, over: false }.star("count"))
        }
        Calculation::Aggregate { aggregate, field } => {
            let data_type = scope.field(field)?.data_type;
            let plain = scope.column(field)?;
            let filter = filter(scope, &filters)?;
            aggregated(scope, *aggregate, plain, data_type, filter)
        }
        Calculation::ShareOfRows { of, fraction } => {
            let rows = |filters| Measure { filters, ..Measure::new(&measure.dataset, Calculation::CountRows) };
            let whole = value(scope, &rows(Vec::new()), &filters)?;
            let part = value(scope, &rows(of.clone()), &filters)?;
            Ok(scaled(part, whole, *fraction))
        }
        Calculation::ShareOfMeasure { measure: whole, of, fraction } => {
            let mut narrowed = filters.clone();
            narrowed.extend(of.iter().cloned());
            let part = value(scope, whole, &narrowed)?;
            let whole = value(scope, whole, &filters)?;
            Ok(scaled(part, whole, *fraction))
        }
        Calculation::ShareOfTotal { measure: each, fraction } => {
            let part = value(scope, each, &filters)?;
            let whole = Call { distinct: false, filter: None, over: true }.of("sum", vec![double(part.clone())]);
            Ok(scaled(part, whole, *fraction))
        }
        Calculation::Ratio { numerator, denominator, percent } => {
            let top = value(scope, numerator, &filters)?;
            let bottom = value(scope, denominator, &filters)?;
            Ok(scaled(top, bottom, !percent))
        }
        Calculation::Latest { measure, .. } => value(scope, measure, &filters),
        Calculation::Change { measure, from, to, relative } => {
            let with = |more: &[Filter]| filters.iter().chain(more).cloned().collect::<Vec<_>>();
            let (before, after) = (value(scope, measure, &with(from))?, value(scope, measure, &with(to))?);
            Ok(changed(measure, before, after, *relative))
        }
        Calculation::AveragePer { .. } | Calculation::Growth { .. } => {
            Err(CompileError::Unsupported("a number over groups is part of another number"))
        }
    }
}

/// What came to be less what was, perhaps in percent of it. Where nothing was of what adds up, it was zero.
pub(super) fn changed(measure: &Measure, before: Expr, after: Expr, relative: bool) -> Expr {
    let adds_up = measure.additivity() != Additivity::NonAdditive;
    let at_least = |expr: Expr| if adds_up { call("coalesce", vec![expr, number("0")]) } else { expr };
    let difference = binary(at_least(after), BinaryOperator::Minus, at_least(before.clone()));
    if relative { scaled(nested(difference), before, false) } else { difference }
}

pub(super) fn scaled(part: Expr, whole: Expr, fraction: bool) -> Expr {
    let share = divide(part, whole);
    if fraction { share } else { binary(number("100.0"), BinaryOperator::Multiply, nested(share)) }
}

fn filter(scope: &mut Scope<'_>, filters: &[Filter]) -> Result<Option<Expr>, CompileError> {
    let conditions = filters.iter().map(|one| condition(scope, one)).collect::<Result<Vec<_>, _>>()?;
    Ok(all(conditions))
}

fn aggregated(
    scope: &Scope<'_>,
    aggregate: Aggregate,
    plain: Expr,
    data_type: DataType,
    filter: Option<Expr>,
) -> Result<Expr, CompileError> {
    let numeric = data_type.is_numeric();
    let call = |name: &str, distinct: bool, arg: Expr| {
        Ok(Call { distinct, filter: filter.clone(), over: false }.of(name, vec![arg]))
    };
    match aggregate {
        Aggregate::Count => call("count", false, plain),
        Aggregate::CountDistinct => call("count", true, plain),
        Aggregate::Min => call("min", false, plain),
        Aggregate::Max => call("max", false, plain),
        Aggregate::Sum if numeric => call("sum", false, plain),
        Aggregate::Avg if numeric => call("avg", false, plain),
        // Doubled first: the embedded engine's median of whole numbers is a whole number.
        Aggregate::Median if numeric && scope.dialect == Dialect::DataFusion => call("median", false, double(plain)),
        Aggregate::Median if numeric => Ok(super::expressions::percentile(plain, filter)),
        Aggregate::Sum | Aggregate::Avg | Aggregate::Median => {
            Err(CompileError::Unsupported("only numbers are added up"))
        }
    }
}

/// The names of the result's columns: groups or listed fields, then measures; readable and unique.
pub(in crate::semantic) fn names(query: &Query, model: &Model) -> Vec<String> {
    let field = |at: &FieldRef| field_text(at, model);
    let wanted = if !query.drivers.is_empty() {
        drivers::COLUMNS.map(str::to_owned).to_vec()
    } else if query.measures.is_empty() {
        query.select.iter().map(field).collect()
    } else if query.count_groups {
        Vec::from_iter(
            query
                .groups
                .iter()
                .map(|g| group_name(g, model))
                .chain(query.measures.iter().map(|m| measure_text(m, model))),
        )
    } else {
        let groups = query.groups.iter().map(|group| match group.grain {
            Some(grain) => grain_name(grain).to_owned(),
            None => group_name(group, model),
        });
        groups.chain(query.measures.iter().map(|measure| number_name(measure, model))).collect::<Vec<String>>()
    };
    let mut taken = HashSet::new();
    wanted.iter().map(|text| unique(text, &mut taken)).collect()
}

fn group_name(group: &Group, model: &Model) -> String {
    let plain = Group { grain: None, step: None, ..group.clone() };
    group_text(&plain, model)
}

/// A change stands beside what it is of, so its name need not say it again.
fn number_name(measure: &Measure, model: &Model) -> String {
    match &measure.calculation {
        Calculation::Change { relative: true, .. } | Calculation::Growth { relative: true, .. } => {
            "percent change".into()
        }
        Calculation::Change { .. } | Calculation::Growth { .. } => "change".into(),
        _ => measure_text(measure, model),
    }
}

fn grain_name(grain: Grain) -> &'static str {
    match grain {
        Grain::Year => "year",
        Grain::Quarter => "quarter",
        Grain::Month | Grain::MonthOfYear => "month",
        Grain::Week => "week",
        Grain::Day => "day",
        Grain::Hour | Grain::HourOfDay => "hour",
        Grain::Weekday => "weekday",
        Grain::DayOfMonth => "day_of_month",
    }
}

fn unique(text: &str, taken: &mut HashSet<String>) -> String {
    let mut base = String::new();
    for letter in text.chars().take(MAX_NAME_CHARS) {
        if letter.is_alphanumeric() {
            base.extend(letter.to_lowercase());
        } else if !base.ends_with('_') && !base.is_empty() {
            base.push('_');
        }
    }
    let base = base.trim_end_matches('_').to_owned();
    let mut name = base.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}_{number}");
        number += 1;
    }
    name
}
