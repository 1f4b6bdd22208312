//! Spans of time in a query: the two conditions that are one period, and the whole years, quarters, months and days
//! among them.

use jiff::civil::{Date, date};
use jiff::{Span as Length, ToSpan};

use super::{Compare, FieldRef, Filter, Grain, Scalar};
use crate::format::{self, MONTHS};

/// The days from one to before another, on one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub first: Date,
    /// The day after the last.
    pub end: Date,
    /// The year, quarter, month or day that it wholly is.
    pub whole: Option<Grain>,
}

impl Span {
    /// The span that two conditions on one field are together; none when they are none.
    pub fn of<'a>(from: &'a Filter, to: &Filter) -> Option<(&'a FieldRef, Self)> {
        let (
            Filter::Compare { field, op: Compare::Ge, values },
            Filter::Compare { field: same, op: Compare::Lt, values: ends },
        ) = (from, to)
        else {
            return None;
        };
        let ([first], [end]) = (values.as_slice(), ends.as_slice()) else { return None };
        let (first, end) = (day(first)?, day(end)?);
        let whole = [Grain::Year, Grain::Quarter, Grain::Month, Grain::Day]
            .into_iter()
            .find(|grain| floor(first, *grain) == Some(first) && first.checked_add(length(*grain)).ok() == Some(end));
        (field == same && first < end).then_some((field, Self { first, end, whole }))
    }

    /// The whole `grain` that `day` lies in.
    pub fn around(day: Date, grain: Grain) -> Option<Self> {
        let first = floor(day, grain)?;
        Some(Self { first, end: first.checked_add(length(grain)).ok()?, whole: Some(grain) })
    }

    /// The same length, `steps` of it later.
    pub fn moved(&self, steps: i64) -> Option<Self> {
        let grain = self.whole?;
        let first = self.first.checked_add(length(grain).checked_mul(steps).ok()?).ok()?;
        Self::around(first, grain)
    }

    /// In words, with the preposition: `in February 2024`, `on 4 Jul 2024`.
    pub fn text(&self) -> String {
        match self.whole {
            Some(Grain::Day) => format!("on {}", self.name()),
            Some(_) => format!("in {}", self.name()),
            None => format!("from {}", self.name()),
        }
    }

    /// In words: `February 2024`, `Q1 2024`, `4 Jul 2024 to 9 Jul 2024`.
    pub fn name(&self) -> String {
        let (first, year) = (self.first, self.first.year());
        match self.whole {
            Some(Grain::Year) => year.to_string(),
            Some(Grain::Quarter) => format!("Q{} {year}", (first.month() + 2) / 3),
            Some(Grain::Month) => {
                let month = usize::try_from(first.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied();
                format!("{} {year}", month.unwrap_or_default())
            }
            Some(Grain::Day) => format::day(first),
            _ => format!("{} to {}", format::day(first), format::day(self.end.yesterday().unwrap_or(first))),
        }
    }

    /// The span as conditions whose values are of the same type as `like`.
    pub fn filters(&self, field: &FieldRef, like: &Scalar) -> [Filter; 2] {
        let value = |date: Date| match like {
            Scalar::Date(_) => Scalar::Date(date.to_string()),
            _ => Scalar::Timestamp(format!("{date}T00:00:00")),
        };
        let bound = |op, date| Filter::Compare { field: field.clone(), op, values: vec![value(date)] };
        [bound(Compare::Ge, self.first), bound(Compare::Lt, self.end)]
    }
}

fn length(grain: Grain) -> Length {
    match grain {
        Grain::Year => 1.year(),
        Grain::Quarter => 3.months(),
        Grain::Month => 1.month(),
        _ => 1.day(),
    }
}

fn floor(day: Date, grain: Grain) -> Option<Date> {
    match grain {
        Grain::Year => Some(date(day.year(), 1, 1)),
        Grain::Quarter => Some(date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1)),
        Grain::Month => Some(day.first_of_month()),
        Grain::Day => Some(day),
        _ => None,
    }
}

/// The day that a value is the beginning of.
pub(super) fn day(value: &Scalar) -> Option<Date> {
    match value {
        Scalar::Date(text) => text.parse().ok(),
        Scalar::Timestamp(text) => text.strip_suffix("T00:00:00")?.parse().ok(),
        _ => None,
    }
}
