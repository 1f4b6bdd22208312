//! Conditions as expressions.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use jiff::civil::{Date, DateTime};
use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{Compare, FieldRef, Filter, Grain, Query, Scalar};

use super::CompileError;
use super::expressions::{Call, all, binary, boolean, call, cast, moment, nested, number, text};
use super::scope::Scope;
use super::select::Parts;

/// `filter` as an expression over the tables of `scope`.
pub(super) fn condition(scope: &mut Scope<'_>, filter: &Filter) -> Result<Expr, CompileError> {
    match filter {
        Filter::Compare { field, op, values } => compare(scope, field, *op, values),
        Filter::Part { field, part, op, values } => {
            let left = part_of(scope, field, *part)?;
            let values = values.iter().map(|value| number(value.to_string())).collect();
            compared(left, *op, values)
        }
        Filter::Fields { left, op, right } => {
            let (left, right) = (scope.column(left)?, scope.column(right)?);
            compared(left, *op, vec![right])
        }
        Filter::All { of } => {
            let parts = of.iter().map(|one| condition(scope, one)).collect::<Result<Vec<_>, _>>()?;
            Ok(all(parts).map_or_else(|| boolean(true), nested))
        }
        Filter::Any { of } => {
            let parts = of.iter().map(|one| condition(scope, one)).collect::<Result<Vec<_>, _>>()?;
            let any = parts.into_iter().reduce(|a, b| binary(a, BinaryOperator::Or, b));
            Ok(any.map_or_else(|| boolean(false), nested))
        }
        Filter::Related { dataset, via, filters, op, count } => {
            related(scope, dataset, via.as_deref(), filters, *op, *count)
        }
    }
}

fn compare(scope: &mut Scope<'_>, field: &FieldRef, op: Compare, values: &[Scalar]) -> Result<Expr, CompileError> {
    let data_type = scope.field(field)?.data_type;
    let left = scope.column(field)?;
    let values = values.iter().map(|value| literal(value, data_type)).collect::<Result<Vec<_>, _>>()?;
    compared(left, op, values)
}

fn compared(left: Expr, op: Compare, mut values: Vec<Expr>) -> Result<Expr, CompileError> {
    let operator = match op {
        Compare::IsNull => return Ok(Expr::IsNull(Box::new(left))),
        Compare::IsNotNull => return Ok(Expr::IsNotNull(Box::new(left))),
        Compare::Contains | Compare::StartsWith => return matches_text(left, op == Compare::Contains, values),
        Compare::Eq => BinaryOperator::Eq,
        Compare::Ne => BinaryOperator::NotEq,
        Compare::Lt => BinaryOperator::Lt,
        Compare::Le => BinaryOperator::LtEq,
        Compare::Gt => BinaryOperator::Gt,
        Compare::Ge => BinaryOperator::GtEq,
    };
    if values.len() > 1 && matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Expr::InList { expr: Box::new(left), list: values, negated: op == Compare::Ne });
    }
    match (values.pop(), values.is_empty()) {
        (Some(value), true) => Ok(binary(left, operator, value)),
        (Some(value), false) => {
            values.push(value);
            let each = values.into_iter().map(|value| binary(left.clone(), operator.clone(), value));
            let any = each.reduce(|a, b| binary(a, BinaryOperator::Or, b));
            any.map(nested).ok_or(CompileError::Unsupported("a condition has no value"))
        }
        (None, _) => Err(CompileError::Unsupported("a condition has no value")),
    }
}

/// Text within text, whatever the case; nothing in the text is a pattern.
fn matches_text(left: Expr, anywhere: bool, values: Vec<Expr>) -> Result<Expr, CompileError> {
    let lower = |expr| call("lower", vec![expr]);
    let each = values.into_iter().map(|value| {
        let place = call("strpos", vec![lower(left.clone()), lower(value)]);
        let (op, at) = if anywhere { (BinaryOperator::Gt, "0") } else { (BinaryOperator::Eq, "1") };
        binary(place, op, number(at))
    });
    let any = each.reduce(|a, b| binary(a, BinaryOperator::Or, b));
    any.map(nested).ok_or(CompileError::Unsupported("a condition has no value"))
}

/// `value` as a literal of the column's type.
pub(super) fn literal(value: &Scalar, data_type: DataType) -> Result<Expr, CompileError> {
    Ok(match value {
        Scalar::Integer(n) if data_type == DataType::String => text(&n.to_string()),
        Scalar::Integer(n) => number(n.to_string()),
        Scalar::Number(n) if n.is_finite() => number(n.to_string()),
        Scalar::Number(_) => return Err(CompileError::Unsupported("a number is not finite")),
        Scalar::Text(value) => text(value),
        Scalar::Boolean(value) => boolean(*value),
        Scalar::Date(value) => {
            let date: Date = value.parse().map_err(|_| CompileError::BadMoment(value.clone()))?;
            moment(data_type == DataType::Timestamp, &date.to_string())
        }
        Scalar::Timestamp(value) => {
            let at: DateTime = value.parse().map_err(|_| CompileError::BadMoment(value.clone()))?;
            moment(true, &at.strftime("%Y-%m-%d %H:%M:%S").to_string())
        }
    })
}

/// A part of a time field as a whole number.
pub(super) fn part_of(scope: &mut Scope<'_>, field: &FieldRef, part: Grain) -> Result<Expr, CompileError> {
    let name = match part {
        Grain::Year => "year",
        Grain::Quarter => "quarter",
        Grain::Month | Grain::MonthOfYear => "month",
        Grain::Week => "week",
        Grain::Day | Grain::DayOfMonth => "day",
        Grain::Hour | Grain::HourOfDay => "hour",
        Grain::Weekday => "dow",
    };
    let column = scope.column(field)?;
    let number_of = call("date_part", vec![text(name), column]);
    let whole = cast(number_of, datafusion::sql::sqlparser::ast::DataType::BigInt(None));
    // Engines count Sunday as 0; here Monday is 1 and Sunday is 7.
    Ok(if part == Grain::Weekday {
        let shifted =
            binary(nested(binary(whole, BinaryOperator::Plus, number("6"))), BinaryOperator::Modulo, number("7"));
        nested(binary(shifted, BinaryOperator::Plus, number("1")))
    } else {
        whole
    })
}

/// How many rows refer to this one, by a subquery over them.
fn related(
    scope: &mut Scope<'_>,
    dataset: &str,
    via: Option<&str>,
    filters: &[Filter],
    op: Compare,
    count: i64,
) -> Result<Expr, CompileError> {
    let model = scope.model;
    let no_way = || CompileError::NoWay { from: dataset.to_owned(), to: scope.root.name.clone() };
    let mut ways = model.joins.iter().filter(|join| {
        join.from == dataset && join.to == scope.root.name && via.is_none_or(|role| join.role.as_deref() == Some(role))
    });
    let (Some(join), None) = (ways.next(), ways.next()) else { return Err(no_way()) };
    let ([refers], [key]) = (join.columns.as_slice(), join.references.as_slice()) else { return Err(no_way()) };
    let mut inner = Scope::new(model, scope.dialect, dataset)?;
    let refers = super::expressions::column(&inner.root_alias, refers);
    let key = super::expressions::column(&scope.root_alias, key);
    let mut parts = Parts::default();
    for filter in filters {
        parts.conditions.push(condition(&mut inner, filter)?);
    }
    parts.conditions.push(Expr::IsNotNull(Box::new(refers.clone())));
    parts.projection.push((refers.clone(), None));
    // Rows that nothing refers to are not in the subquery: where zero satisfies the condition, the rows outside count.
    let zero_fits = match op {
        Compare::Eq => count == 0,
        Compare::Ne => count != 0,
        Compare::Lt => count > 0,
        Compare::Le => count >= 0,
        Compare::Gt => count < 0,
        Compare::Ge => count <= 0,
        _ => return Err(CompileError::Unsupported("a number of rows is compared with something else")),
    };
    let (inside, negated) = if zero_fits { (opposite(op), true) } else { (op, false) };
    let any = matches!((inside, count), (Compare::Ge, 1) | (Compare::Gt, 0) | (Compare::Ne, 0));
    if any {
        parts.distinct = true;
    } else {
        let rows = Call { distinct: false, filter: None, over: false }.star("count");
        parts.group_by.push(refers);
        parts.having = Some(compared(rows, inside, vec![number(count.to_string())])?);
    }
    let subquery = Box::new(parts.into_query(&inner, Query::default().limit));
    Ok(Expr::InSubquery { expr: Box::new(key), subquery, negated })
}

fn opposite(op: Compare) -> Compare {
    match op {
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
        Compare::Lt => Compare::Ge,
        Compare::Le => Compare::Gt,
        Compare::Gt => Compare::Le,
        Compare::Ge => Compare::Lt,
        other => other,
    }
}
