//! The next date and time on a wall calendar that a cron expression names. Knows no time zone: on this calendar every
//! day has 24 hours.

use jiff::civil::{Date, DateTime, Time};

use super::days::Days;
use super::field::{Field, Reason, Set};

/// How many days ahead a date is looked for. The calendar has fourteen kinds of years (where January begins, leap or
/// not), and none stays away longer than 40 years (leap years around a century that has none), so what does not come
/// in 41 years never comes.
const HORIZON_DAYS: u32 = 41 * 366;

/// The fields of an expression as sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) seconds: Set,
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) months: Set,
    pub(super) days: Days,
}

impl Calendar {
    /// The fields in their written order, or the one that is wrong and why.
    pub(super) fn parse(fields: &[&str; 6]) -> Result<Self, (Field, Reason)> {
        let [second, minute, hour, day_of_month, month, day_of_week] = fields;
        let list = |field: Field, text: &str| field.list(text).map_err(|reason| (field, reason));
        Ok(Self {
            seconds: list(Field::Second, second)?,
            minutes: list(Field::Minute, minute)?,
            hours: list(Field::Hour, hour)?,
            days: Days::parse(day_of_month, day_of_week)?,
            months: list(Field::Month, month)?,
        })
    }

    /// Whether any date fits at all.
    pub(super) fn ever_fits(&self) -> bool {
        self.date_after(Date::constant(2000, 1, 1)).is_some()
    }

    /// The first named second after `after`, whose fraction of a second does not matter.
    pub(super) fn next(&self, after: DateTime) -> Option<DateTime> {
        let today = after.date();
        if self.fits(today) {
            let from = (after.hour().unsigned_abs(), after.minute().unsigned_abs(), after.second().unsigned_abs() + 1);
            if let Some(time) = self.time_from(from) {
                return at(today, time);
            }
        }
        at(self.date_after(today)?, self.time_from((0, 0, 0))?)
    }

    fn fits(&self, date: Date) -> bool {
        self.months.contains(date.month().unsigned_abs()) && self.days.fit(date)
    }

    fn date_after(&self, mut date: Date) -> Option<Date> {
        for _ in 0..HORIZON_DAYS {
            date = date.tomorrow().ok()?;
            if !self.months.contains(date.month().unsigned_abs()) {
                date = date.last_of_month();
            } else if self.days.fit(date) {
                return Some(date);
            }
        }
        None
    }

    /// The first named hour, minute and second from those given on; the second may be 60.
    fn time_from(&self, (hour, minute, second): (u8, u8, u8)) -> Option<(u8, u8, u8)> {
        if self.hours.contains(hour) {
            if let Some(second) = self.seconds.next(second).filter(|_| self.minutes.contains(minute)) {
                return Some((hour, minute, second));
            }
            if let Some(minute) = self.minutes.next(minute + 1) {
                return Some((hour, minute, self.seconds.next(0)?));
            }
        }
        Some((self.hours.next(hour + 1)?, self.minutes.next(0)?, self.seconds.next(0)?))
    }

    /// Whether every date fits.
    pub(super) fn every_date(&self) -> bool {
        self.months.is_whole(Field::Month) && self.days.every()
    }

    /// Whether the hour field names every hour.
    pub(super) fn every_hour(&self) -> bool {
        self.hours.is_whole(Field::Hour)
    }
}

fn at(date: Date, (hour, minute, second): (u8, u8, u8)) -> Option<DateTime> {
    let part = |value: u8| i8::try_from(value).ok();
    Some(date.to_datetime(Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?))
}
