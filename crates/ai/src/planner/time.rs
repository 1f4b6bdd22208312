//! Periods and grains on the time fields of the rows a question is about.

use jiff::civil::{Date, DateTime};
use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{Calendar, Compare, Field, FieldRef, Filter, Grain, Group, Model, Scalar};

use super::dates::Period;
use super::graph::Graph;
use super::lexicon::Place;

/// Most years for which a month without a year is offered one by one.
const MAX_YEARS: i16 = 3;

/// A period that cannot be put on the rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Untimely {
    /// The rows have no such time.
    NoTime,
    /// The data lies wholly elsewhere: first and last day as text.
    OutOfRange(String, String),
}

/// The rows' times.
#[derive(Clone, Copy)]
pub(crate) struct Times<'a> {
    pub model: &'a Model,
    pub graph: &'a Graph,
    pub root: usize,
    /// The time that is meant, where it is not the rows' own default.
    pub own: Option<Place>,
}

impl<'a> Times<'a> {
    pub fn new(model: &'a Model, graph: &'a Graph, root: usize) -> Self {
        Self { model, graph, root, own: None }
    }

    fn field(self, place: Place) -> &'a Field {
        &self.model.datasets[place.dataset].fields[place.field]
    }

    fn reference(self, place: Place) -> Option<FieldRef> {
        self.graph.reference(self.model, self.root, place)
    }

    /// The default time of the root, or of the nearest dataset it refers to.
    pub fn default_time(self) -> Option<Place> {
        if let Some(own) = self.own.filter(|own| self.reference(*own).is_some()) {
            return Some(own);
        }
        let reachable = (0..self.model.datasets.len()).filter_map(|at| {
            let hops = self.graph.distance(self.root, at, None)?;
            let dataset = &self.model.datasets[at];
            let name = dataset.default_time.as_ref()?;
            let field = dataset.fields.iter().position(|field| field.name == *name)?;
            Some((hops, Place { dataset: at, field, via: None }))
        });
        let (_, place) = reachable.min_by_key(|(hops, _)| *hops)?;
        self.reference(place).map(|_| place)
    }

    /// The default time, or the year where that is all there is.
    pub fn default_or_year(self) -> Option<Place> {
        self.default_time().or_else(|| self.calendar(Calendar::Year))
    }

    fn calendar(self, calendar: Calendar) -> Option<Place> {
        let fields = &self.model.datasets[self.root].fields;
        let at = fields.iter().position(|field| field.calendar == Some(calendar))?;
        Some(Place { dataset: self.root, field: at, via: None })
    }

    /// How rows are grouped by `grain`.
    pub fn group(self, grain: Grain) -> Option<Group> {
        let plain = |place: Place| Some(Group::of(self.reference(place)?));
        let time = self.default_time();
        let one_year = time.and_then(|t| years(self.field(t))).is_some_and(|(a, b)| a == b);
        let column = match grain {
            Grain::Year => self.calendar(Calendar::Year),
            Grain::Month if one_year || time.is_none() => self.calendar(Calendar::Month),
            Grain::MonthOfYear => self.calendar(Calendar::Month),
            Grain::HourOfDay => self.calendar(Calendar::Hour),
            Grain::DayOfMonth => self.calendar(Calendar::Day),
            _ => None,
        };
        if let Some(place) = column {
            return plain(place);
        }
        let place = time?;
        let hourless = self.field(place).data_type == DataType::Date;
        let known = self.field(place).data_type.is_temporal();
        (known && !(hourless && matches!(grain, Grain::Hour | Grain::HourOfDay)))
            .then(|| self.reference(place).map(|field| Group::by(field, grain)))
            .flatten()
    }

    /// The conditions `periods` can mean, joined by or; several where a year is open.
    pub fn filters(self, periods: &[Period], place: Option<Place>, year: Option<i16>) -> Result<Vec<Filter>, Untimely> {
        let mut readings: Vec<Vec<Filter>> = vec![Vec::new()];
        for period in periods {
            let choices = self.one(period, place, year)?;
            if readings.len() == 1 && readings[0].is_empty() {
                readings = choices.into_iter().map(|choice| vec![choice]).collect();
            } else if readings.len() == choices.len() {
                readings.iter_mut().zip(choices).for_each(|(reading, choice)| reading.push(choice));
            } else {
                return Err(Untimely::NoTime);
            }
        }
        Ok(readings.into_iter().map(any).collect())
    }

    fn one(self, period: &Period, place: Option<Place>, year: Option<i16>) -> Result<Vec<Filter>, Untimely> {
        if let Period::Clock { op, low, high } = period {
            return self.clock(*op, *low, *high, place);
        }
        let named = place.filter(|p| self.field(*p).calendar != Some(Calendar::Hhmm));
        let place = named.or_else(|| self.default_time());
        let Some(place) = place else { return self.parts(period) };
        let field = self.field(place);
        let at = self.reference(place).ok_or(Untimely::NoTime)?;
        if field.calendar == Some(Calendar::Year) {
            return year_column(&at, period).map(|filter| vec![filter]).ok_or(Untimely::NoTime);
        }
        if !field.data_type.is_temporal() {
            return Err(Untimely::NoTime);
        }
        match period {
            Period::Dates { from, to, .. } => {
                if let Some((first, last)) = range(field)
                    && (from.is_some_and(|f| f > last) || to.is_some_and(|t| t <= first))
                {
                    return Err(Untimely::OutOfRange(first.to_string(), last.to_string()));
                }
                Ok(vec![between(&at, field, *from, *to)])
            }
            Period::Yearless { from, to } => self.yearless(&at, field, *from, *to, year),
            Period::Weekdays(days) => {
                Ok(vec![Filter::Part { field: at, part: Grain::Weekday, op: Compare::Eq, values: days.clone() }])
            }
            Period::Clock { .. } => Err(Untimely::NoTime),
        }
    }

    fn yearless(
        self,
        at: &FieldRef,
        field: &Field,
        from: (i8, i8),
        to: (i8, i8),
        year: Option<i16>,
    ) -> Result<Vec<Filter>, Untimely> {
        let (first, last) = year.map(|y| (y, y)).or_else(|| years(field)).ok_or(Untimely::NoTime)?;
        if last - first >= MAX_YEARS {
            return self.any_year(at, from, to).map(|f| vec![f]).ok_or(Untimely::NoTime);
        }
        let in_year = |y: i16| {
            let end = Date::new(y, to.0, 1).ok()?.last_of_month();
            let end = if to.1 >= end.day() { end } else { Date::new(y, to.0, to.1).ok()? };
            Some(between(at, field, Some(Date::new(y, from.0, from.1).ok()?), Some(end.tomorrow().ok()?)))
        };
        let mut choices: Vec<Filter> = (first..=last).filter_map(in_year).collect();
        if first != last {
            choices.extend(self.any_year(at, from, to));
        }
        if choices.is_empty() { Err(Untimely::NoTime) } else { Ok(choices) }
    }

    fn any_year(self, at: &FieldRef, from: (i8, i8), to: (i8, i8)) -> Option<Filter> {
        let part = |part: Grain, op: Compare, value: i8| Filter::Part {
            field: at.clone(),
            part,
            op,
            values: vec![i64::from(value)],
        };
        if from.1 == 1 && to.1 == 31 {
            let values = (from.0..=to.0).map(i64::from).collect();
            return Some(Filter::Part { field: at.clone(), part: Grain::MonthOfYear, op: Compare::Eq, values });
        }
        (from == to).then(|| Filter::All {
            of: vec![part(Grain::MonthOfYear, Compare::Eq, from.0), part(Grain::DayOfMonth, Compare::Eq, from.1)],
        })
    }

    /// Whole months and years on columns that hold them as numbers.
    fn parts(self, period: &Period) -> Result<Vec<Filter>, Untimely> {
        let number = |calendar: Calendar, low: i64, high: i64| -> Option<Filter> {
            let field = self.reference(self.calendar(calendar)?)?;
            let bound = |op, value| Filter::Compare { field: field.clone(), op, values: vec![Scalar::Integer(value)] };
            Some(if low == high {
                bound(Compare::Eq, low)
            } else {
                Filter::All { of: vec![bound(Compare::Ge, low), bound(Compare::Le, high)] }
            })
        };
        let found = match period {
            Period::Yearless { from: (m, 1), to: (n, 31) } => number(Calendar::Month, i64::from(*m), i64::from(*n)),
            Period::Yearless { from, to } if from == to => {
                number(Calendar::Month, i64::from(from.0), i64::from(from.0))
                    .zip(number(Calendar::Day, i64::from(from.1), i64::from(from.1)))
                    .map(|(month, day)| Filter::All { of: vec![month, day] })
            }
            Period::Dates { from: Some(from), to: Some(to), .. } if whole_years(*from, *to) => {
                number(Calendar::Year, i64::from(from.year()), i64::from(to.year() - 1))
            }
            _ => None,
        };
        found.map(|filter| vec![filter]).ok_or(Untimely::NoTime)
    }

    fn clock(self, op: Compare, low: u16, high: Option<u16>, place: Option<Place>) -> Result<Vec<Filter>, Untimely> {
        let hhmm = |field: &Field| field.calendar == Some(Calendar::Hhmm);
        let places: Vec<Place> = match place.filter(|p| hhmm(self.field(*p))) {
            Some(place) => vec![place],
            None => {
                let fields = &self.model.datasets[self.root].fields;
                let all = fields.iter().enumerate().filter(|(_, field)| hhmm(field));
                all.map(|(field, _)| Place { dataset: self.root, field, via: None }).collect()
            }
        };
        if !places.is_empty() {
            let made = places.into_iter().filter_map(|place| {
                let field = self.reference(place)?;
                let bound = |op, value: u16| Filter::Compare {
                    field: field.clone(),
                    op,
                    values: vec![Scalar::Integer(i64::from(value))],
                };
                Some(match high {
                    Some(high) => Filter::All { of: vec![bound(Compare::Ge, low), bound(Compare::Le, high)] },
                    None => bound(op, low),
                })
            });
            return Ok(made.collect());
        }
        let place = self.default_time().ok_or(Untimely::NoTime)?;
        if self.field(place).data_type != DataType::Timestamp
            || !low.is_multiple_of(100)
            || high.is_some_and(|h| !h.is_multiple_of(100))
        {
            return Err(Untimely::NoTime);
        }
        let field = self.reference(place).ok_or(Untimely::NoTime)?;
        let part = |op, value: u16| Filter::Part {
            field: field.clone(),
            part: Grain::HourOfDay,
            op,
            values: vec![i64::from(value / 100)],
        };
        Ok(vec![match (op, high) {
            (_, Some(high)) => Filter::All { of: vec![part(Compare::Ge, low), part(Compare::Lt, high)] },
            (Compare::Gt | Compare::Ge, None) => part(Compare::Ge, low),
            (Compare::Eq, None) => part(Compare::Eq, low),
            _ => part(Compare::Lt, low),
        }])
    }
}

fn any(mut filters: Vec<Filter>) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            Filter::Any { of: filters }
        }
        None => Filter::All { of: Vec::new() },
    }
}

fn whole_years(from: Date, to: Date) -> bool {
    from.day_of_year() == 1 && to.day_of_year() == 1
}

fn year_column(at: &FieldRef, period: &Period) -> Option<Filter> {
    let bound =
        |op, year: i16| Filter::Compare { field: at.clone(), op, values: vec![Scalar::Integer(i64::from(year))] };
    match period {
        Period::Dates { from: Some(from), to: Some(to), .. } if whole_years(*from, *to) => {
            let (first, last) = (from.year(), to.year() - 1);
            Some(if first == last {
                bound(Compare::Eq, first)
            } else {
                Filter::All { of: vec![bound(Compare::Ge, first), bound(Compare::Le, last)] }
            })
        }
        Period::Dates { from: Some(from), to: None, .. } if from.day_of_year() == 1 => {
            Some(bound(Compare::Ge, from.year()))
        }
        Period::Dates { from: None, to: Some(to), .. } if to.day_of_year() == 1 => Some(bound(Compare::Lt, to.year())),
        _ => None,
    }
}

fn between(at: &FieldRef, field: &Field, from: Option<Date>, to: Option<Date>) -> Filter {
    let value = |date: Date| match field.data_type {
        DataType::Date => Scalar::Date(date.to_string()),
        _ => Scalar::Timestamp(format!("{date}T00:00:00")),
    };
    let bound = |op, date| Filter::Compare { field: at.clone(), op, values: vec![value(date)] };
    match (from, to) {
        (Some(from), Some(to)) if field.data_type == DataType::Date && from.tomorrow().is_ok_and(|next| next == to) => {
            bound_eq(at, value(from))
        }
        (Some(from), Some(to)) => Filter::All { of: vec![bound(Compare::Ge, from), bound(Compare::Lt, to)] },
        (Some(from), None) => bound(Compare::Ge, from),
        (None, Some(to)) => bound(Compare::Lt, to),
        (None, None) => Filter::All { of: Vec::new() },
    }
}

fn bound_eq(at: &FieldRef, value: Scalar) -> Filter {
    Filter::Compare { field: at.clone(), op: Compare::Eq, values: vec![value] }
}

/// The first and last day of the field's values.
pub(crate) fn range(field: &Field) -> Option<(Date, Date)> {
    let (low, high) = field.range.as_ref()?;
    Some((day(low)?, day(high)?))
}

fn day(text: &str) -> Option<Date> {
    let text = text.replace(' ', "T");
    text.parse::<Date>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().map(DateTime::date))
        .or_else(|| text.get(..10)?.parse().ok())
}

/// The first and last year of the field's values.
fn years(field: &Field) -> Option<(i16, i16)> {
    range(field).map(|(first, last)| (first.year(), last.year()))
}
