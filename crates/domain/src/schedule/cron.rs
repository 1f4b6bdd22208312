//! A cron expression in its time zone: reading and writing it. What it means on a calendar and in its zone is told by
//! `calendar` and `zone`.

use jiff::tz::TimeZone;

use super::calendar::Calendar;
use super::invalid::Invalid;

/// Longest expression in characters.
pub const MAX_EXPRESSION_CHARS: usize = 256;

/// A cron expression with the time zone whose clocks it is about.
///
/// Five fields (minute, hour, day of month, month, day of week) or six with seconds before them; lists, ranges, steps,
/// names, `L`, `LW`, `15W`, `5L`, `5#2`, and nicknames such as `@daily`. As in Vixie cron, a date fits when either day
/// field names it, and must fit both as soon as one of them begins with `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    expression: String,
    pub(super) zone: TimeZone,
    pub(super) calendar: Calendar,
}

impl Cron {
    /// The expression `expression` by the clocks of the IANA time zone `timezone`.
    ///
    /// # Errors
    /// [`Invalid`] names the field that is wrong and says why; an expression that never ticks is refused too.
    pub fn parse(expression: &str, timezone: &str) -> Result<Self, Invalid> {
        if expression.chars().count() > MAX_EXPRESSION_CHARS {
            return Err(Invalid::TooLong);
        }
        let words: Vec<&str> = expression.split_whitespace().collect();
        let fields = match words.as_slice() {
            [] => return Err(Invalid::Empty),
            [name] if name.starts_with('@') => nickname(name)?,
            [minute, hour, day, month, weekday] => ["0", *minute, *hour, *day, *month, *weekday],
            [second, minute, hour, day, month, weekday] => [*second, *minute, *hour, *day, *month, *weekday],
            _ => return Err(Invalid::FieldCount { found: words.len() }),
        };
        let calendar = Calendar::parse(&fields).map_err(|(field, reason)| {
            let text = fields.get(field as usize).copied().unwrap_or_default().to_owned();
            Invalid::Field { field, text, reason }
        })?;
        if !calendar.ever_fits() {
            let [_, _, _, day_of_month, month, day_of_week] = fields.map(str::to_owned);
            return Err(Invalid::Never { day_of_month, month, day_of_week });
        }
        Ok(Self { expression: words.join(" "), zone: zone(timezone)?, calendar })
    }

    /// The expression as it was given, with one space between its fields.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's name in the IANA database.
    pub fn timezone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

/// The time zone `name` of the database that is part of this program, so that every node has the same.
fn zone(name: &str) -> Result<TimeZone, Invalid> {
    let known = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown() && zone.iana_name().is_some());
    known.ok_or_else(|| Invalid::Timezone { name: name.chars().take(MAX_EXPRESSION_CHARS).collect() })
}

fn nickname(name: &str) -> Result<[&'static str; 6], Invalid> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => ["0", "0", "0", "1", "1", "*"],
        "@monthly" => ["0", "0", "0", "1", "*", "*"],
        "@weekly" => ["0", "0", "0", "*", "*", "0"],
        "@daily" | "@midnight" => ["0", "0", "0", "*", "*", "*"],
        "@hourly" => ["0", "0", "*", "*", "*", "*"],
        _ => return Err(Invalid::Nickname { name: name.to_owned() }),
    })
}
