//! Other periods of the same kind: the months of the year for a month, the days around a day.

use jiff::civil::{Date, DateTime};

use super::super::phrases::WEEKDAYS;
use super::super::span::{Span, day};
use super::super::{Calendar, Compare, FieldRef, Filter, Grain, Model, Scalar, field_text, filter_text};

/// Most periods looked at on each side.
const REACH: i64 = 12;
/// Most periods offered; those nearest to the one in the question.
const MAX_PERIODS: usize = 9;

/// Each in words and as conditions, in the order of time; none when `filters` are no period.
pub(super) fn others(filters: &[Filter], model: &Model) -> Option<Vec<(String, Vec<Filter>)>> {
    match filters {
        [from, to] => spans(from, to, model),
        [Filter::Part { field, part, op: Compare::Eq, values }] if values.len() == 1 => {
            let made = parts(*part)?.map(|value| {
                let values = vec![value];
                Filter::Part { field: field.clone(), part: *part, op: Compare::Eq, values }
            });
            Some(nearest(made.collect(), filters, model))
        }
        [Filter::Compare { field, op: Compare::Eq, values }] => match values.as_slice() {
            [value @ (Scalar::Date(_) | Scalar::Timestamp(_))] => days(field, value, model),
            [Scalar::Integer(_)] => numbers(field, filters, model),
            _ => None,
        },
        _ => None,
    }
}

fn spans(from: &Filter, to: &Filter, model: &Model) -> Option<Vec<(String, Vec<Filter>)>> {
    let (field, span) = Span::of(from, to)?;
    let Filter::Compare { values, .. } = from else { return None };
    let like = values.first()?;
    let label = field_text(field, model);
    let (first, last) = range(field, model).unwrap_or((Date::MIN, Date::MAX));
    let moved = (-REACH..=REACH).filter(|steps| *steps != 0).filter_map(|steps| Some((steps, span.moved(steps)?)));
    let mut inside: Vec<(i64, Span)> = moved.filter(|(_, span)| span.end > first && span.first <= last).collect();
    inside.sort_by_key(|(steps, _)| steps.abs());
    inside.truncate(MAX_PERIODS);
    inside.sort_by_key(|(steps, _)| *steps);
    let said =
        inside.into_iter().map(|(_, span)| (format!("{label} {}", span.text()), span.filters(field, like).into()));
    Some(said.collect())
}

fn days(field: &FieldRef, value: &Scalar, model: &Model) -> Option<Vec<(String, Vec<Filter>)>> {
    let today = Span::around(day(value)?, Grain::Day)?;
    let (first, last) = range(field, model).unwrap_or((Date::MIN, Date::MAX));
    let reach = i64::try_from(MAX_PERIODS / 2).unwrap_or(REACH);
    let near = (-reach..=reach).filter(|steps| *steps != 0).filter_map(|steps| today.moved(steps));
    let inside = near.filter(|span| span.end > first && span.first <= last);
    let made = inside.filter_map(|span| {
        let [Filter::Compare { field, values, .. }, _] = span.filters(field, value) else { return None };
        let filter = Filter::Compare { field, op: Compare::Eq, values };
        Some((filter_text(&filter, model), vec![filter]))
    });
    Some(made.collect())
}

/// Years, months and hours that stand in a column of their own.
fn numbers(at: &FieldRef, filters: &[Filter], model: &Model) -> Option<Vec<(String, Vec<Filter>)>> {
    let field = model.field(at)?;
    let known = field.range.as_ref().and_then(|(low, high)| Some(low.parse::<i64>().ok()?..=high.parse().ok()?));
    let all = match field.calendar? {
        Calendar::Year => known?,
        Calendar::Month => known.unwrap_or(1..=12),
        Calendar::Day => known.unwrap_or(1..=31),
        Calendar::Hour => known.unwrap_or(0..=23),
        Calendar::Hhmm => return None,
    };
    // A year that is no year would make the list endless.
    let made = all.take(usize::try_from(i64::from(i16::MAX)).unwrap_or_default()).map(|value| {
        let values = vec![Scalar::Integer(value)];
        Filter::Compare { field: at.clone(), op: Compare::Eq, values }
    });
    Some(nearest(made.collect(), filters, model))
}

fn parts(part: Grain) -> Option<std::ops::RangeInclusive<i64>> {
    Some(match part {
        Grain::Weekday => 1..=i64::try_from(WEEKDAYS.len()).ok()?,
        Grain::MonthOfYear => 1..=12,
        Grain::DayOfMonth => 1..=31,
        Grain::HourOfDay => 0..=23,
        _ => return None,
    })
}

/// Those of `all` that stand around the one there is.
fn nearest(all: Vec<Filter>, current: &[Filter], model: &Model) -> Vec<(String, Vec<Filter>)> {
    let here = all.iter().position(|one| current.first() == Some(one)).unwrap_or_default();
    let from = here.saturating_sub(MAX_PERIODS / 2).min(all.len().saturating_sub(MAX_PERIODS + 1));
    let near = all.into_iter().skip(from).filter(|one| current.first() != Some(one)).take(MAX_PERIODS);
    near.map(|filter| (filter_text(&filter, model), vec![filter])).collect()
}

/// The first and the last day of the field's values.
fn range(at: &FieldRef, model: &Model) -> Option<(Date, Date)> {
    let (low, high) = model.field(at)?.range.as_ref()?;
    let date = |text: &str| {
        let text = text.replace(' ', "T");
        text.parse::<Date>().ok().or_else(|| text.parse::<DateTime>().ok().map(DateTime::date))
    };
    Some((date(low)?, date(high)?))
}
