//! Spans of time in words: `in February`, `between March and May`, `on 4 July 2013`, `after 8pm`, `last month`.

mod points;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use pilothouse_domain::semantic::Compare;

use crate::planner::token::{Kind, Token};
use points::{Point, after, dates, first, open, point, skip_the, span, word, year};

/// A span of time as a question names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Period {
    /// From the first date to before the second.
    Dates { from: Option<Date>, to: Option<Date>, relative: bool },
    /// Days of a year that is not named: first and last month and day, both included.
    Yearless { from: (i8, i8), to: (i8, i8) },
    /// Days of the week, Monday is 1.
    Weekdays(Vec<i64>),
    /// A time of day as hours times 100 plus minutes; with `high`, from the one to before the other.
    Clock { op: Compare, low: u16, high: Option<u16> },
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The span of time that begins at `at`, and how many tokens say it.
pub(crate) fn period(tokens: &[Token], at: usize, today: Date) -> Option<(Period, usize)> {
    between(tokens, at)
        .or_else(|| bounded(tokens, at))
        .or_else(|| relative(tokens, at, today))
        .or_else(|| weekdays(tokens, at))
        .or_else(|| plain(tokens, at))
}

/// `between X and Y`, `from X to Y`, `X to Y`.
fn between(tokens: &[Token], at: usize) -> Option<(Period, usize)> {
    let opener = word(tokens, at);
    let start = match opener {
        "between" | "from" => at + 1,
        "in" | "during" if word(tokens, at + 1) == "between" => at + 2,
        "in" | "during" | "on" => at + 1,
        _ => at,
    };
    if let (Some(Kind::Clock(low)), Some(Kind::Clock(high))) =
        (tokens.get(start).map(|t| &t.kind), tokens.get(start + 2).map(|t| &t.kind))
        && ["and", "to", "until", "till"].contains(&word(tokens, start + 1))
    {
        return Some((Period::Clock { op: Compare::Ge, low: *low, high: Some(*high) }, start + 3 - at));
    }
    let (a, used) = point(tokens, start)?;
    let mid = start + used;
    let joined = match word(tokens, mid) {
        "and" => opener == "between" || word(tokens, at + 1) == "between",
        "to" | "through" | "until" | "till" | "thru" => true,
        _ => false,
    };
    if !joined {
        return None;
    }
    // `between 4 and 10 July` and `from July 4 to 10` are left to a clarifying refusal.
    let (b, more) = point(tokens, mid + 1)?;
    Some((span(first(a), after(b))?, mid + 1 + more - at))
}

/// `before X`, `after X`, `since X`, `until X`, `by the end of`.
fn bounded(tokens: &[Token], at: usize) -> Option<(Period, usize)> {
    let (op, start) = match word(tokens, at) {
        "before" | "prior" => (Compare::Lt, at + 1 + usize::from(word(tokens, at + 1) == "to")),
        "after" | "past" => (Compare::Gt, at + 1),
        "since" | "from" => (Compare::Ge, at + 1),
        "until" | "till" => (Compare::Le, at + 1),
        "later" if word(tokens, at + 1) == "than" => (Compare::Gt, at + 2),
        "earlier" if word(tokens, at + 1) == "than" => (Compare::Lt, at + 2),
        "at" => (Compare::Eq, at + 1),
        _ => return None,
    };
    let noon = match word(tokens, start) {
        "noon" | "midday" => Some(1200),
        _ => None,
    };
    let clock = noon.or(match tokens.get(start).map(|t| &t.kind) {
        Some(Kind::Clock(clock)) => Some(*clock),
        _ => None,
    });
    if let Some(low) = clock {
        let onward = word(tokens, start + 1) == "onwards" || word(tokens, start + 1) == "onward";
        return Some((Period::Clock { op, low, high: None }, start + 1 + usize::from(onward) - at));
    }
    if op == Compare::Eq {
        return None;
    }
    let (a, used) = point(tokens, start)?;
    let onward = ["onwards", "onward", "on"].contains(&word(tokens, start + used));
    // Without `onwards`, `from 2013` is only the year.
    if word(tokens, at) == "from" && !onward {
        return None;
    }
    let end = start + used + usize::from(onward) - at;
    let period = match op {
        Compare::Lt => open(None, first(a)?, true)?,
        Compare::Gt => open(Some(()), after(a)?, true)?,
        Compare::Ge => open(Some(()), first(a)?, false)?,
        _ => open(None, after(a)?, false)?,
    };
    Some((period, end))
}

fn relative(tokens: &[Token], start: usize, today: Date) -> Option<(Period, usize)> {
    let at = start + usize::from(["in", "during", "within", "over", "for"].contains(&word(tokens, start)));
    let at = skip_the(tokens, at);
    let made = |from: Date, to: Date, end: usize| {
        Some((Period::Dates { from: Some(from), to: Some(to), relative: true }, end - start))
    };
    match word(tokens, at) {
        "today" => return made(today, today.tomorrow().ok()?, at + 1),
        "yesterday" => return made(today.yesterday().ok()?, today, at + 1),
        _ => {}
    }
    let back = match word(tokens, at) {
        "last" | "past" | "previous" => 1,
        "this" | "current" => 0,
        _ => return None,
    };
    let (count, unit_at) = match tokens.get(at + 1)?.number() {
        Some(n) if back == 1 && n.fract() == 0.0 && (1.0..=1000.0).contains(&n) => (Some(n as i64), at + 2),
        _ => (None, at + 1),
    };
    let unit = word(tokens, unit_at).trim_end_matches('s');
    let end = unit_at + 1;
    if ["of", "in"].contains(&word(tokens, end)) && year(tokens, end + 1).is_some() {
        return None;
    }
    if let Some(count) = count {
        let tomorrow = today.tomorrow().ok()?;
        let from = match unit {
            "day" => tomorrow.checked_sub(count.days()),
            "week" => tomorrow.checked_sub(count.weeks()),
            "month" => tomorrow.checked_sub(count.months()),
            "year" => tomorrow.checked_sub(count.years()),
            _ => return None,
        };
        return made(from.ok()?, tomorrow, end);
    }
    let (from, next) = match unit {
        "week" => {
            let monday = today.checked_sub(i64::from(today.weekday().since(Weekday::Monday)).days()).ok()?;
            let from = monday.checked_sub((7 * back).days()).ok()?;
            (from, from.checked_add(7.days()).ok()?)
        }
        "month" => {
            let from = today.first_of_month().checked_sub(back.months()).ok()?;
            (from, from.checked_add(1.month()).ok()?)
        }
        "quarter" => {
            let month = (today.month() - 1) / 3 * 3 + 1;
            let from = date(today.year(), month, 1).checked_sub((3 * back).months()).ok()?;
            (from, from.checked_add(3.months()).ok()?)
        }
        "year" => {
            let from = today.first_of_year().checked_sub(back.years()).ok()?;
            (from, from.checked_add(1.year()).ok()?)
        }
        _ => return None,
    };
    made(from, next, end)
}

fn weekdays(tokens: &[Token], start: usize) -> Option<(Period, usize)> {
    let at = start + usize::from(["on", "in", "during", "over", "for", "at"].contains(&word(tokens, start)));
    let at = skip_the(tokens, at);
    let one = |w: &str| -> Option<Vec<i64>> {
        let w = w.strip_suffix('s').unwrap_or(w);
        if w == "weekend" {
            return Some(vec![6, 7]);
        }
        DAYS.iter().position(|d| *d == w).and_then(|d| i64::try_from(d + 1).ok()).map(|d| vec![d])
    };
    if word(tokens, at) == "weekdays" && at > start {
        return Some((Period::Weekdays(vec![1, 2, 3, 4, 5]), at + 1 - start));
    }
    let mut days = one(word(tokens, at))?;
    let mut end = at + 1;
    while ["and", "or"].contains(&word(tokens, end)) {
        let Some(more) = one(word(tokens, end + 1)) else { break };
        days.extend(more);
        end += 2;
    }
    Some((Period::Weekdays(days), end - start))
}

/// `in 2013`, `in February`, `on 4 July`, `in Q2 2024`, `the second half of 2024`.
fn plain(tokens: &[Token], start: usize) -> Option<(Period, usize)> {
    let lead = ["in", "on", "during", "of", "for", "from", "throughout", "within", "over", "at", "as"]
        .contains(&word(tokens, start));
    let at = start + usize::from(lead);
    let at = skip_the(tokens, at);
    let at = if ["month", "year"].contains(&word(tokens, at)) && word(tokens, at + 1) == "of" { at + 2 } else { at };
    if let Some((from_month, months, end)) = part_of_year(tokens, at) {
        let next = end + usize::from(["of", "in"].contains(&word(tokens, end)));
        return Some(match year(tokens, next) {
            Some(y) => {
                let from = Date::new(y, from_month, 1).ok()?;
                (dates(Some(from), Some(from.checked_add(i64::from(months).months()).ok()?)), next + 1 - start)
            }
            None => (Period::Yearless { from: (from_month, 1), to: (from_month + months - 1, 31) }, end - start),
        });
    }
    let (a, used) = point(tokens, at)?;
    if matches!(a, Point::Year(_)) && !lead && !year_alone(tokens, at) {
        return None;
    }
    Some((span(first(a), after(a))?, at + used - start))
}

/// A bare number is a year after a comma or a month's word, or at the end of a question.
fn year_alone(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |b| tokens[b].lower.as_str());
    let after = tokens.get(at + 1).map_or("", |t| t.lower.as_str());
    let counted = ["than", "least", "most", "over", "under", "above", "below", "top", "exactly", "between"];
    !counted.contains(&before)
        && (at + 1 == tokens.len()
            || ["and", "or", "by", ",", "vs", "versus"].contains(&after)
            || at == 0
            || before == "year")
}

fn part_of_year(tokens: &[Token], at: usize) -> Option<(i8, i8, usize)> {
    let nth = |w: &str| {
        ["first", "second", "third", "fourth"]
            .iter()
            .position(|n| *n == w)
            .or_else(|| ["1st", "2nd", "3rd", "4th"].iter().position(|n| *n == w))
    };
    let text = tokens.get(at)?.lower.as_str();
    if let Some(q) = text.strip_prefix('q').and_then(|q| q.parse::<i8>().ok()).filter(|q| (1..=4).contains(q)) {
        return Some((q * 3 - 2, 3, at + 1));
    }
    if let Some(h) = text.strip_prefix('h').and_then(|h| h.parse::<i8>().ok()).filter(|h| (1..=2).contains(h)) {
        return Some((h * 6 - 5, 6, at + 1));
    }
    let last = match (text, word(tokens, at + 1)) {
        ("last", "quarter") => Some((10, 3, at + 2)),
        ("last", "half") => Some((7, 6, at + 2)),
        ("last", "month") => Some((12, 1, at + 2)),
        _ => None,
    };
    if last.is_some() {
        return last.filter(|(_, _, end)| ["of", "in"].contains(&word(tokens, *end)));
    }
    let n = i8::try_from(nth(text)?).ok()?;
    match word(tokens, at + 1) {
        "quarter" => Some((n * 3 + 1, 3, at + 2)),
        "half" if n < 2 => Some((n * 6 + 1, 6, at + 2)),
        _ => None,
    }
}
