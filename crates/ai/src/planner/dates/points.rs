//! Days, months and years in words, and the spans between them.

use jiff::ToSpan;
use jiff::civil::Date;

use super::Period;
use crate::planner::token::{Kind, Token};

/// A named point that may lack its year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Point {
    Day(Date),
    Month(i16, i8),
    Year(i16),
    YearlessMonth(i8),
    YearlessDay(i8, i8),
}

const MONTHS: [(&str, &str); 12] = [
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may", "may"),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sep"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
];

const HOLIDAYS: [(&[&str], (i8, i8)); 6] = [
    (&["christmas", "day"], (12, 25)),
    (&["christmas", "eve"], (12, 24)),
    (&["new", "year", "day"], (1, 1)),
    (&["new", "year", "eve"], (12, 31)),
    (&["independence", "day"], (7, 4)),
    (&["christmas"], (12, 25)),
];

pub(super) fn word(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).filter(|t| t.kind == Kind::Word).map_or("", |t| t.lower.as_str())
}

pub(super) fn skip_the(tokens: &[Token], at: usize) -> usize {
    if word(tokens, at) == "the" { at + 1 } else { at }
}

fn month(text: &str) -> Option<i8> {
    let at = MONTHS
        .iter()
        .position(|(long, short)| text == *long || text == *short || (text == "sept" && *short == "sep"))?;
    i8::try_from(at + 1).ok()
}

pub(super) fn year(tokens: &[Token], at: usize) -> Option<i16> {
    match tokens.get(at)?.kind {
        Kind::Number { value, money: false, percent: false, ordinal: false }
            if value.fract() == 0.0 && (1900.0..=2100.0).contains(&value) && tokens[at].lower.len() == 4 =>
        {
            Some(value as i16)
        }
        _ => None,
    }
}

fn day_number(tokens: &[Token], at: usize) -> Option<i8> {
    let value = tokens.get(at)?.number()?;
    let short = tokens[at].lower.len() <= 4;
    (short && value.fract() == 0.0 && (1.0..=31.0).contains(&value)).then_some(value as i8)
}

/// A day, month or year at `at`, and how many tokens name it.
pub(super) fn point(tokens: &[Token], start: usize) -> Option<(Point, usize)> {
    let at = skip_the(tokens, start);
    let extra = at - start;
    if let Some(Kind::Date(date)) = tokens.get(at).map(|t| &t.kind) {
        return Some((Point::Day(*date), 1 + extra));
    }
    for (words, (m, d)) in HOLIDAYS {
        if words.iter().enumerate().all(|(i, w)| word(tokens, at + i) == *w) {
            let end = at + words.len();
            let next = if word(tokens, end) == "of" || word(tokens, end) == "in" { end + 1 } else { end };
            return Some(match year(tokens, next) {
                Some(y) => (Point::Day(Date::new(y, m, d).ok()?), next + 1 - start),
                None => (Point::YearlessDay(m, d), end - start),
            });
        }
    }
    if let Some(m) = month(word(tokens, at)).filter(|_| !modal_may(tokens, at)) {
        let mut next = at + 1;
        if let Some(d) = day_number(tokens, next) {
            next += 1;
            let comma = tokens.get(next).is_some_and(|t| t.kind == Kind::Comma);
            return Some(match year(tokens, next + usize::from(comma)) {
                Some(y) => (Point::Day(Date::new(y, m, d).ok()?), next + usize::from(comma) + 1 - start),
                None => (Point::YearlessDay(m, d), next - start),
            });
        }
        let of = ["of", "in"].contains(&word(tokens, next));
        let comma = tokens.get(next).is_some_and(|t| t.kind == Kind::Comma);
        return Some(match year(tokens, next + usize::from(of || comma)) {
            Some(y) => (Point::Month(y, m), next + usize::from(of || comma) + 1 - start),
            None => (Point::YearlessMonth(m), next - start),
        });
    }
    if let Some(d) = day_number(tokens, at) {
        let next = at + 1 + usize::from(word(tokens, at + 1) == "of");
        if let Some(m) = month(word(tokens, next)) {
            let comma = tokens.get(next + 1).is_some_and(|t| t.kind == Kind::Comma);
            return Some(match year(tokens, next + 1 + usize::from(comma)) {
                Some(y) => (Point::Day(Date::new(y, m, d).ok()?), next + 2 + usize::from(comma) - start),
                None => (Point::YearlessDay(m, d), next + 1 - start),
            });
        }
    }
    year(tokens, at).map(|y| (Point::Year(y), 1 + extra))
}

/// `may` is the month only where a preposition or another month stands before it, or a number after.
fn modal_may(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |b| word(tokens, b));
    word(tokens, at) == "may"
        && !([
            "in", "of", "during", "and", "to", "since", "until", "before", "after", "for", "by", "from", "between",
            "or", "on", "vs", "through", "last", "this", "than",
        ]
        .contains(&before)
            || month(before).is_some()
            || before.is_empty() && at > 0
            || tokens.get(at + 1).is_some_and(|t| t.number().is_some()))
}

pub(super) fn first(point: Point) -> Option<Edge> {
    Some(match point {
        Point::Day(d) => Edge::Date(d),
        Point::Month(y, m) => Edge::Date(Date::new(y, m, 1).ok()?),
        Point::Year(y) => Edge::Date(Date::new(y, 1, 1).ok()?),
        Point::YearlessMonth(m) => Edge::Yearless(m, 1),
        Point::YearlessDay(m, d) => Edge::Yearless(m, d),
    })
}

/// The first day after the point.
pub(super) fn after(point: Point) -> Option<Edge> {
    Some(match point {
        Point::Day(d) => Edge::Date(d.checked_add(1.day()).ok()?),
        Point::Month(y, m) => Edge::Date(Date::new(y, m, 1).ok()?.checked_add(1.month()).ok()?),
        Point::Year(y) => Edge::Date(Date::new(y + 1, 1, 1).ok()?),
        Point::YearlessMonth(m) => Edge::Yearless(m, 31),
        Point::YearlessDay(m, d) => Edge::Yearless(m, d),
    })
}

#[derive(Clone, Copy)]
pub(super) enum Edge {
    Date(Date),
    /// Included, also at the end.
    Yearless(i8, i8),
}

pub(super) fn dates(from: Option<Date>, to: Option<Date>) -> Period {
    Period::Dates { from, to, relative: false }
}

pub(super) fn span(from: Option<Edge>, to: Option<Edge>) -> Option<Period> {
    match (from, to) {
        (Some(Edge::Date(a)), Some(Edge::Date(b))) => (a < b).then(|| dates(Some(a), Some(b))),
        (Some(Edge::Date(a)), None) => Some(dates(Some(a), None)),
        (None, Some(Edge::Date(b))) => Some(dates(None, Some(b))),
        (Some(Edge::Yearless(m, d)), Some(Edge::Yearless(n, e))) => {
            ((m, d) <= (n, e)).then_some(Period::Yearless { from: (m, d), to: (n, e) })
        }
        // The year stands at the end only: `from March to May 2024`.
        (Some(Edge::Yearless(m, d)), Some(Edge::Date(b))) => {
            let last = b.checked_sub(1.day()).ok()?;
            let from = Date::new(last.year(), m, d).ok()?;
            (from < b).then(|| dates(Some(from), Some(b)))
        }
        _ => None,
    }
}

/// A span with one end; for days without a year the other end is the year's.
pub(super) fn open(from: Option<()>, edge: Edge, strict: bool) -> Option<Period> {
    match (from, edge) {
        (Some(()), Edge::Date(a)) => Some(dates(Some(a), None)),
        (None, Edge::Date(b)) => Some(dates(None, Some(b))),
        (Some(()), Edge::Yearless(m, d)) => {
            let from = if strict { next_day(m, d)? } else { (m, d) };
            Some(Period::Yearless { from, to: (12, 31) })
        }
        (None, Edge::Yearless(m, d)) => {
            let to = if strict { previous_day(m, d)? } else { (m, d) };
            Some(Period::Yearless { from: (1, 1), to })
        }
    }
}

fn next_day(month: i8, day: i8) -> Option<(i8, i8)> {
    match (month, day) {
        (12, 31) => None,
        (_, 31) => Some((month + 1, 1)),
        _ => Some((month, day + 1)),
    }
}

fn previous_day(month: i8, day: i8) -> Option<(i8, i8)> {
    match (month, day) {
        (1, 1) => None,
        (_, 1) => Some((month - 1, 31)),
        _ => Some((month, day - 1)),
    }
}
