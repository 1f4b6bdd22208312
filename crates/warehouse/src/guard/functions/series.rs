//! How many rows `generate_series` and `range` give, where their arguments say so.

use crate::guard::ir::{Arg, Call, Expr, Literal};

use super::name_of;

/// Most rows of a series whose arguments are literals; none when it cannot be told.
pub fn generated_rows(call: &Call) -> Option<u64> {
    if !matches!(name_of(call), Some("generate_series" | "range" | "generate_array")) {
        return None;
    }
    let args: Vec<&Expr> = call
        .args
        .as_ref()?
        .iter()
        .filter_map(|arg| match arg {
            Arg::Expr(expr) => Some(expr.bare()),
            Arg::Named(..) | Arg::Star => None,
        })
        .collect();
    match args.as_slice() {
        [end] => steps(0, end.integer()?, 1),
        [start, end] if start.integer().is_some() => steps(start.integer()?, end.integer()?, 1),
        [start, end, step] if start.integer().is_some() => steps(start.integer()?, end.integer()?, step.integer()?),
        [start, end, step] => steps(seconds(start)?, seconds(end)?, step_seconds(step)?),
        _ => None,
    }
}

fn steps(start: i128, end: i128, step: i128) -> Option<u64> {
    if step == 0 {
        return None;
    }
    let span = end.checked_sub(start)?.checked_div(step)?;
    Some(u64::try_from(span.max(-1).checked_add(1)?).unwrap_or(u64::MAX))
}

/// A date or time literal as seconds since some day, near enough for counting.
fn seconds(expr: &Expr) -> Option<i128> {
    let text = text_of(expr)?;
    let mut parts = text.get(..10)?.splitn(3, '-').map(|part| part.parse::<i128>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // A year of 372 days makes every month 31 days long: spans come out at most a little too large.
    Some((year * 372 + month * 31 + day) * SECONDS_PER_DAY)
}

const SECONDS_PER_DAY: i128 = 86_400;

fn text_of(expr: &Expr) -> Option<&str> {
    match expr.bare() {
        Expr::Typed { ty: _, text } => Some(text),
        Expr::Literal(Literal::Text(text)) => Some(text),
        Expr::Cast { expr, .. } => text_of(expr),
        _ => None,
    }
}

/// An interval literal of one number and one unit, in seconds.
fn step_seconds(expr: &Expr) -> Option<i128> {
    let Expr::Interval { value, unit } = expr.bare() else {
        let Expr::Cast { expr, .. } = expr.bare() else { return None };
        return words(text_of(expr)?, None);
    };
    match value.bare() {
        Expr::Literal(Literal::Text(text)) => words(text, *unit),
        Expr::Literal(Literal::Number(number)) => words(number, *unit),
        _ => None,
    }
}

fn words(text: &str, unit: Option<&str>) -> Option<i128> {
    let mut words = text.split_whitespace();
    let number: i128 = words.next()?.parse().ok()?;
    let unit = match (words.next(), unit) {
        (Some(unit), None) | (None, Some(unit)) => unit.to_ascii_lowercase(),
        _ => return None,
    };
    let size = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => SECONDS_PER_DAY,
        "week" => 7 * SECONDS_PER_DAY,
        "month" => 28 * SECONDS_PER_DAY,
        "quarter" => 84 * SECONDS_PER_DAY,
        "year" => 365 * SECONDS_PER_DAY,
        _ => return None,
    };
    if words.next().is_some() { None } else { number.checked_mul(size) }
}
