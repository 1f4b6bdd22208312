//! A calendar month, as it is written: `2026-11`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::window::begins;
use crate::Micros;

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(Date);

/// Text that is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written as 2026-11")]
pub struct InvalidMonth;

impl Month {
    /// The month in which a moment lies, by the clocks of a zone.
    pub fn of(at: Micros, zone: &TimeZone) -> Self {
        let stamp = Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(stamp.to_zoned(zone.clone()).date().first_of_month())
    }

    /// When it begins and when the next one does, by the clocks of a zone.
    pub fn bounds(self, zone: &TimeZone) -> (Micros, Micros) {
        let next = self.0.last_of_month().tomorrow().ok();
        let begin = begins(self.0, zone).unwrap_or(Micros::MIN);
        (begin, next.and_then(|next| begins(next, zone)).unwrap_or(Micros::MAX))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(InvalidMonth);
        }
        let date = Date::new(year.parse().map_err(|_| InvalidMonth)?, month.parse().map_err(|_| InvalidMonth)?, 1);
        date.map(Self).map_err(|_| InvalidMonth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_and_written() {
        for text in ["2026-11", "1970-01", "2024-02"] {
            assert_eq!(text.parse::<Month>().unwrap().to_string(), text);
        }
        for text in
            ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "+026-11", "2026-+1", "November"]
        {
            assert_eq!(text.parse::<Month>(), Err(InvalidMonth), "{text}");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let (_, end) = "2026-10".parse::<Month>().unwrap().bounds(&zone);
        let (begin, _) = "2026-11".parse::<Month>().unwrap().bounds(&zone);
        assert_eq!(end, begin);
        assert_eq!(Month::of(begin, &zone).to_string(), "2026-11");
        assert_eq!(Month::of(begin - 1, &zone).to_string(), "2026-10");
    }
}
