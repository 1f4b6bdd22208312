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

/// What stands between two periods that are held against each other, and between two that may be.
const AGAINST: [&[&str]; 7] =
    [&["compared", "to"], &["compared", "with"], &["relative", "to"], &["against"], &["versus"], &["vs"], &["than"]];
const BESIDE: [&[&str]; 5] = [&["over"], &["and"], &["to"], &["with"], &["on"]];

/// Two periods held against each other, the earlier first, and how many tokens say it: `in March 2025 compared with March
/// 2024`, `Q1 vs Q2 2025`; where the question asks for a change also `from 2024 to 2025`.
pub(crate) fn pair(tokens: &[Token], at: usize, today: Date, change: bool) -> Option<([Period; 2], usize)> {
    let start = at + usize::from(change && ["between", "from"].contains(&word(tokens, at)));
    let one = |at: usize| {
        let lead = usize::from(["in", "during", "for", "of", "on", "from"].contains(&word(tokens, at)));
        let plain = part(tokens, skip_the(tokens, at + lead));
        plain.or_else(|| relative(tokens, at, today).map(|(period, used)| (period, at + used)))
    };
    let (first, mid) = one(start)?;
    let said = |words: &&&[&str]| words.iter().enumerate().all(|(i, w)| word(tokens, mid + i) == *w);
    let join = AGAINST.iter().find(said).or_else(|| BESIDE.iter().find(said).filter(|_| change))?;
    let (second, end) = one(mid + join.len())?;
    let first = with_year_of(first, &second)?;
    let second = with_year_of(second, &first)?;
    let in_order = begins(&first) <= begins(&second);
    Some((if in_order { [first, second] } else { [second, first] }, end - at))
}

/// A day, month, quarter, half or year, and where it ends.
fn part(tokens: &[Token], at: usize) -> Option<(Period, usize)> {
    if let Some((month, months, end)) = part_of_year(tokens, at) {
        let next = end + usize::from(["of", "in"].contains(&word(tokens, end)));
        return Some(match year(tokens, next) {
            Some(y) => {
                let from = Date::new(y, month, 1).ok()?;
                (dates(Some(from), Some(from.checked_add(i64::from(months).months()).ok()?)), next + 1)
            }
            None => (Period::Yearless { from: (month, 1), to: (month + months - 1, 31) }, end),
        });
    }
    let (a, used) = point(tokens, at)?;
    Some((span(first(a), after(a))?, at + used))
}

/// `March` beside `April 2025` is of the same year.
fn with_year_of(period: Period, other: &Period) -> Option<Period> {
    match (&period, other) {
        (Period::Yearless { from, to }, Period::Dates { from: Some(known), .. }) => {
            let from = Date::new(known.year(), from.0, from.1).ok()?;
            let last = Date::new(known.year(), to.0, 1).ok()?.last_of_month();
            let end = if to.1 >= last.day() { last } else { Date::new(known.year(), to.0, to.1).ok()? };
            Some(dates(Some(from), Some(end.tomorrow().ok()?)))
        }
        _ => Some(period),
    }
}

fn begins(period: &Period) -> Option<(i16, i8, i8)> {
    match period {
        Period::Dates { from, .. } => from.map(|day| (day.year(), day.month(), day.day())),
        Period::Yearless { from, .. } => Some((0, from.0, from.1)),
        _ => None,
    }
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
    if let Some((period, end)) = days_of_one_month(tokens, start) {
        return Some((period, end - at));
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
    // `from July 4 to 10` is left to a clarifying refusal.
    let (b, more) = point(tokens, mid + 1)?;
    Some((span(first(a), after(b))?, mid + 1 + more - at))
}

/// `1 to 7 November 2025`, and where it ends.
fn days_of_one_month(tokens: &[Token], at: usize) -> Option<(Period, usize)> {
    let number = tokens.get(at)?.number().filter(|n| n.fract() == 0.0 && (1.0..=31.0).contains(n))?;
    if !["to", "and", "through", "until", "till"].contains(&word(tokens, at + 1)) {
        return None;
    }
    let (last, used) = point(tokens, at + 2)?;
    let first_day = number as i8;
    let opening = match last {
        Point::Day(date) => Point::Day(Date::new(date.year(), date.month(), first_day).ok()?),
        Point::YearlessDay(month, _) => Point::YearlessDay(month, first_day),
        _ => return None,
    };
    Some((span(first(opening), after(last))?, at + 2 + used))
}

/// `before X`, `after X`, `since X`, `until X`, `by the end of`.
fn bounded(tokens: &[Token], at: usize) -> Option<(Period, usize)> {
    let (op, start) = match word(tokens, at) {
        "before" | "prior" => (Compare::Lt, at + 1 + usize::from(word(tokens, at + 1) == "to")),
        "after" | "past" => (Compare::Gt, at + 1),
        "since" | "from" => (Compare::Ge, at + 1),
        "until" | "till" => (Compare::Le, at + 1),
        "as" if ["of", "at", "per"].contains(&word(tokens, at + 1)) => (Compare::Le, at + 2),
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
    // `since the start of 2024`
    let begin = skip_the(tokens, start);
    let start = match (word(tokens, begin), word(tokens, begin + 1)) {
        ("start" | "beginning", "of") if op == Compare::Ge => begin + 2,
        ("end", "of") if op == Compare::Le => begin + 2,
        _ => start,
    };
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
    let lead =
        ["in", "on", "during", "of", "for", "from", "throughout", "through", "across", "within", "over", "at", "as"]
            .contains(&word(tokens, start));
    let at = start + usize::from(lead);
    let at = skip_the(tokens, at);
    // `the month of May` and `the year 2024` are the month and the year, `each month of 2024` is not.
    let named = at + 1 + usize::from(word(tokens, at + 1) == "of");
    let at = match (word(tokens, at), point(tokens, named)) {
        ("month", Some((Point::Month(..) | Point::YearlessMonth(_), _))) | ("year", Some((Point::Year(_), _))) => named,
        _ => at,
    };
    if part_of_year(tokens, at).is_some() {
        return part(tokens, at).map(|(period, end)| (period, end - start));
    }
    let (a, used) = point(tokens, at)?;
    if matches!(a, Point::Year(_)) && !lead && !year_alone(tokens, at) {
        return None;
    }
    Some((span(first(a), after(a))?, at + used - start))
}

/// A bare number is a year unless something is counted.
fn year_alone(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |b| tokens[b].lower.as_str());
    let after = tokens.get(at + 1).map_or("", |t| t.lower.as_str());
    let value = tokens[at].number().map_or(0, |value| value as i64);
    const COUNTS: [&str; 18] = [
        "than", "least", "most", "over", "under", "above", "below", "top", "exactly", "between", "first", "last",
        "bottom", "with", "have", "has", "had", "limit",
    ];
    let unit = ["or", "rows", "times", "percent", "miles", "minutes", "hours", "days", "feet", "pieces", "dollars"];
    let year = before == "year" || after.is_empty() || (1990..=2035).contains(&value);
    let compared = at.checked_sub(2).is_some_and(|two| tokens[two].is("compared"));
    (compared || !COUNTS.contains(&before)) && year && (!unit.contains(&after) || self::year(tokens, at + 2).is_some())
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
