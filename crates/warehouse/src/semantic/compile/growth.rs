//! Numbers of periods beside those of earlier ones. The earlier ones are looked up by their time, so that a period without
//! rows leaves a gap rather than moving its neighbours together, and the first period asked about has one before it.

use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, Interval};
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{Calculation, Calendar, FieldRef, Grain, Group, Measure, Model, Query};

use super::CompileError;
use super::expressions::{all, binary, cast, column, name, number, text};
use super::facts::{equal, is_about};
use super::select::Parts;
use super::shapes::{changed, having, names, order, plain};

const NOW: &str = "now";
const EARLIER: &str = "earlier";

/// Measures of which some are growth.
pub(super) fn grown(query: &Query, model: &Model, dialect: Dialect) -> Result<ast::Query, CompileError> {
    let names = names(query, model);
    let time = time_group(query, model)?;
    let mut year = None;
    let mut bases: Vec<Measure> = Vec::new();
    let mut place = |measure: &Measure| {
        bases.iter().position(|known| known == measure).unwrap_or_else(|| {
            bases.push(measure.clone());
            bases.len() - 1
        })
    };
    let value = |side: &str, at: usize| column(side, &format!("number_{}", at + 1));
    let mut measures: Vec<Expr> = Vec::new();
    for measure in &query.measures {
        measures.push(match &measure.calculation {
            Calculation::Growth { measure: of, year: own, relative } => {
                if *year.get_or_insert(*own) != *own {
                    return Err(CompileError::Unsupported("it looks back in two ways"));
                }
                let at = place(of);
                changed_since(of, value(NOW, at), value(EARLIER, at), *relative)
            }
            _ => value(NOW, place(measure)),
        });
    }
    let inner = Query { measures: bases, order: Vec::new(), limit: None, having: Vec::new(), ..query.clone() };
    let columns: Vec<String> = (1..=query.groups.len())
        .map(|at| format!("group_{at}"))
        .chain((1..=inner.measures.len()).map(|at| format!("number_{at}")))
        .collect();
    let at = &query.groups[time];
    let before = Query {
        filters: inner.filters.iter().filter(|filter| !is_about(filter, &at.field)).cloned().collect(),
        ..inner.clone()
    };
    let mut on = Vec::new();
    let mut parts = Parts::default();
    for (index, alias) in names.iter().take(query.groups.len()).enumerate() {
        let (now, earlier) = (column(NOW, &columns[index]), column(EARLIER, &columns[index]));
        let earlier = if index == time { later(earlier, at, year.unwrap_or_default(), model)? } else { earlier };
        on.push(equal(now.clone(), earlier));
        parts.projection.push((now, Some(alias.clone())));
    }
    for (expr, alias) in measures.iter().zip(&names[query.groups.len()..]) {
        parts.projection.push((expr.clone(), Some(alias.clone())));
    }
    if having(query, &measures)?.is_some() {
        return Err(CompileError::Unsupported("a growth is compared with a number"));
    }
    let sort_keys: Vec<Expr> = names.iter().take(query.groups.len()).map(|alias| name(alias)).collect();
    order(query, &names, &sort_keys, &mut parts)?;
    let on = all(on).ok_or(CompileError::Unsupported("a growth needs periods"))?;
    let (now, earlier) = (plain(&inner, &columns, model, dialect)?, plain(&before, &columns, model, dialect)?);
    Ok(parts.over_both((now, NOW), (earlier, EARLIER), on, query.limit))
}

/// What is less what was; nothing where nothing is known of the earlier period.
fn changed_since(of: &Measure, now: Expr, earlier: Expr, relative: bool) -> Expr {
    match relative {
        true => changed(of, earlier, now, true),
        false => binary(now, BinaryOperator::Minus, earlier),
    }
}

/// The place of the group that periods are told by.
fn time_group(query: &Query, model: &Model) -> Result<usize, CompileError> {
    let timed = |group: &Group| group.grain.is_some() || calendar(&group.field, model).is_some();
    let mut places = query.groups.iter().enumerate().filter(|(_, group)| timed(group)).map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        _ => Err(CompileError::Unsupported("a growth needs periods of one kind")),
    }
}

fn calendar(at: &FieldRef, model: &Model) -> Option<Calendar> {
    model.field(at).and_then(|field| field.calendar)
}

/// The period that comes one after `earlier`, or a year after it.
fn later(earlier: Expr, group: &Group, year: bool, model: &Model) -> Result<Expr, CompileError> {
    let next = |expr| Ok(binary(expr, BinaryOperator::Plus, number("1")));
    let after = |expr, span: &str| {
        let span = Interval {
            value: Box::new(text(span)),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        };
        Ok(cast(binary(expr, BinaryOperator::Plus, Expr::Interval(span)), ast::DataType::Date))
    };
    match (group.grain, calendar(&group.field, model)) {
        (Some(Grain::Year), _) | (None, Some(Calendar::Year)) => next(earlier),
        (None, Some(Calendar::Month)) if !year => next(earlier),
        (Some(Grain::Quarter | Grain::Month | Grain::Day), _) if year => after(earlier, "1 year"),
        (Some(Grain::Quarter), _) => after(earlier, "3 months"),
        (Some(Grain::Month), _) => after(earlier, "1 month"),
        (Some(Grain::Week), _) if !year => after(earlier, "7 days"),
        (Some(Grain::Day), _) => after(earlier, "1 day"),
        _ => Err(CompileError::Unsupported("these periods have none before them")),
    }
}
