//! How values of a result are written for people: in the sentence, in the terminal, and (by the same rules, held to the
//! same table of cases in `tests/cells.json`) on the page. It knows nothing of queries; what a column means is handed in.

use jiff::civil::{Date, DateTime};
use serde_json::{Number, Value};

use crate::answer::{ColumnRole, ResultColumn};
use crate::catalog::DataType;
use crate::semantic::Grain;

/// The months, as they stand in a date.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Units that are currencies whose amounts are written with two decimals.
const CURRENCIES: [&str; 18] = [
    "USD", "EUR", "GBP", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "INR", "CNY", "BRL", "$", "€",
    "£",
];
/// Letters of a month's short name.
const SHORT_MONTH: usize = 3;

/// The value of a cell without its unit; none where there is no value.
pub fn cell(value: &Value, column: &ResultColumn) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => numeral(number, column),
        Value::String(text) => match column.grain {
            Some(grain) => period(text, grain).unwrap_or_else(|| text.clone()),
            None if column.data_type.is_temporal() => moment(text).unwrap_or_else(|| text.clone()),
            None => text.clone(),
        },
        other => other.to_string(),
    })
}

/// The value of a cell with its unit, as it is said in a sentence; `no value` where there is none.
pub fn spoken(value: &Value, column: &ResultColumn) -> String {
    let Some(text) = cell(value, column) else { return "no value".to_owned() };
    match &column.unit {
        Some(unit) if unit == "%" => format!("{text}%"),
        Some(unit) if value.is_number() => format!("{text} {unit}"),
        _ => text,
    }
}

/// A number of bytes, in the largest unit of a thousand of the one below.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes as f64;
    let mut written = "B";
    for unit in UNITS {
        if value < 1000.0 {
            break;
        }
        (value, written) = (value / 1000.0, unit);
    }
    let digits = usize::from(written != "B" && value < 100.0);
    let text = format!("{value:.digits$}");
    format!("{} {written}", text.strip_suffix(".0").unwrap_or(&text))
}

/// A time, in the units that people would use.
pub fn duration(us: u64) -> String {
    let seconds = (us + 500_000) / 1_000_000;
    match us {
        0..1_000 => "under 1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..10_000_000 => {
            let text = format!("{:.1}", us as f64 / 1e6);
            format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
        }
        _ if seconds < 60 => format!("{seconds} s"),
        _ if seconds < 3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Whether `unit` is a currency.
pub fn is_money(unit: &str) -> bool {
    CURRENCIES.iter().any(|currency| currency.eq_ignore_ascii_case(unit))
}

fn numeral(number: &Number, column: &ResultColumn) -> String {
    if let Some(part) = column.grain.zip(number.as_i64()).and_then(|(grain, value)| part(grain, value)) {
        return part;
    }
    let value = number.as_f64().unwrap_or(0.0);
    if column.unit.as_deref().is_some_and(is_money) {
        return grouped(&format!("{value:.2}"));
    }
    match number.as_i64() {
        // Years and ids are numbers too, and a thousands separator would make them unreadable.
        _ if column.role != ColumnRole::Measure => number.to_string(),
        Some(whole) => grouped(&whole.to_string()),
        None => grouped(&decimal(value)),
    }
}

/// A part of time that is a number in the result, for instance 2 for February.
fn part(grain: Grain, value: i64) -> Option<String> {
    Some(match grain {
        Grain::MonthOfYear => (*usize::try_from(value - 1).ok().and_then(|at| MONTHS.get(at))?).to_owned(),
        Grain::HourOfDay if (0..24).contains(&value) => format!("{value:02}:00"),
        Grain::Year | Grain::DayOfMonth => value.to_string(),
        _ => return None,
    })
}

/// A period by its first moment: `Feb 2025`, `Q1 2025`, `week of 3 Feb 2025`, `2025`, `3 Feb 2025`.
fn period(text: &str, grain: Grain) -> Option<String> {
    let at = parsed(text)?;
    let date = at.date();
    Some(match grain {
        Grain::Year => date.year().to_string(),
        Grain::Quarter => format!("Q{} {}", (date.month() + 2) / 3, date.year()),
        Grain::Month => format!("{} {}", short_month(date), date.year()),
        Grain::Week => format!("week of {}", day(date)),
        Grain::Day => day(date),
        Grain::Hour => moment(text)?,
        Grain::Weekday | Grain::DayOfMonth | Grain::MonthOfYear | Grain::HourOfDay => return None,
    })
}

/// A day: `3 Feb 2025`.
pub fn day(date: Date) -> String {
    format!("{} {} {}", date.day(), short_month(date), date.year())
}

/// A day or a moment given as ISO text: `3 Feb 2025`, `3 Feb 2025, 14:00`; none when it is neither.
pub fn moment(text: &str) -> Option<String> {
    let at = parsed(text)?;
    if text.len() <= DATE_CHARS {
        return Some(day(at.date()));
    }
    let seconds = if at.second() == 0 { String::new() } else { format!(":{:02}", at.second()) };
    Some(format!("{}, {:02}:{:02}{seconds}", day(at.date()), at.hour(), at.minute()))
}

/// Characters of `YYYY-MM-DD`.
const DATE_CHARS: usize = 10;
/// Characters of `YYYY-MM-DDTHH:MM:SS`.
const SECOND_CHARS: usize = 19;

/// The zone, where one is given, is left out: engines give moments in UTC.
fn parsed(text: &str) -> Option<DateTime> {
    if text.len() <= DATE_CHARS {
        return text.parse::<Date>().ok().map(|date| date.to_datetime(jiff::civil::Time::midnight()));
    }
    text.get(..SECOND_CHARS)?.replace(' ', "T").parse().ok()
}

fn short_month(date: Date) -> &'static str {
    let name = usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    name.get(..SHORT_MONTH).unwrap_or(name)
}

/// At most two decimals; below one, three digits that count, so that a small share does not read as nothing.
fn decimal(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 1.0 || size == 0.0 {
        2
    } else {
        // Of numbers as small as this the exponent has at most three digits.
        let leading = format!("{size:e}").rsplit_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
        usize::try_from(2 - leading).unwrap_or(2)
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A whole number with commas between its thousands.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// So many of something: `1 row`, `24,951 rows`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A numeral with commas between the thousands of its whole part.
fn grouped(numeral: &str) -> String {
    let (sign, digits) = numeral.strip_prefix('-').map_or(("", numeral), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    fraction.map_or(text.clone(), |fraction| format!("{text}.{fraction}"))
}

/// Whether the values of a column stand to the right, as numbers do.
pub fn is_numeral(column: &ResultColumn) -> bool {
    let named = matches!(column.grain, Some(Grain::MonthOfYear));
    matches!(column.data_type, DataType::Integer | DataType::Number) && !named
}
