//! The two day fields of a cron expression and which dates they fit: days of the month and of the week, with `L`, `W` and
//! `#`. Knows neither times nor time zones.

use jiff::civil::{Date, Weekday};

use super::field::{Field, Reason, Set};

/// How often a weekday can come in a month.
const MAX_NTH: u8 = 5;

/// Which dates fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Days {
    pub(super) of_month: Set,
    /// Days whose nearest working day is meant (`15W`).
    nearest: Set,
    pub(super) last: bool,
    last_working_day: bool,
    /// 0 is Sunday.
    pub(super) of_week: Set,
    /// Weekday times 8 plus 1 to 5, its place among those of the month (`5#2`).
    nth: Set,
    /// Weekdays whose last of the month is meant (`5L`).
    last_of_week: Set,
    /// Whether a date must fit both fields, which it must as soon as one of them begins with a wildcard. With two
    /// fields that name days, fitting one is enough.
    both: bool,
}

impl Days {
    /// The dates that the two fields mean together, or the field that is wrong and why.
    pub(super) fn parse(of_month: &str, of_week: &str) -> Result<Self, (Field, Reason)> {
        let wild = Field::DayOfMonth.begins_wild(of_month) || Field::DayOfWeek.begins_wild(of_week);
        let mut days = Self { both: wild, ..Self::default() };
        for item in of_month.split(',') {
            days.add_of_month(item).map_err(|reason| (Field::DayOfMonth, reason))?;
        }
        for item in of_week.split(',') {
            days.add_of_week(item).map_err(|reason| (Field::DayOfWeek, reason))?;
        }
        Ok(days)
    }

    fn add_of_month(&mut self, item: &str) -> Result<(), Reason> {
        if item.eq_ignore_ascii_case("L") {
            self.last = true;
        } else if item.eq_ignore_ascii_case("LW") {
            self.last_working_day = true;
        } else if let Some(day) = item.strip_suffix(['W', 'w']) {
            self.nearest = self.nearest.with(Field::DayOfMonth.value(day)?);
        } else {
            self.of_month = self.of_month.with_all(Field::DayOfMonth.item(item)?);
        }
        Ok(())
    }

    fn add_of_week(&mut self, item: &str) -> Result<(), Reason> {
        if let Some((weekday, nth)) = item.split_once('#') {
            let weekday = Field::DayOfWeek.value(weekday)? % 7;
            let nth = nth.parse().ok().filter(|nth| (1..=MAX_NTH).contains(nth));
            let nth = nth.ok_or_else(|| Reason::Nth { text: item.to_owned() })?;
            self.nth = self.nth.with(weekday * 8 + nth);
        } else if let Some(weekday) = item.strip_suffix(['L', 'l']) {
            self.last_of_week = self.last_of_week.with(Field::DayOfWeek.value(weekday)? % 7);
        } else {
            self.of_week = self.of_week.with_all(Field::DayOfWeek.item(item)?);
        }
        Ok(())
    }

    /// Whether `date` fits, its month aside.
    pub(super) fn fit(&self, date: Date) -> bool {
        if self.both {
            self.fit_month(date) && self.fit_week(date)
        } else {
            self.fit_month(date) || self.fit_week(date)
        }
    }

    /// Whether nothing but the set of the days of the month decides.
    pub(super) fn only_of_month(&self) -> bool {
        self.both && self.nearest == Set::default() && !self.last_working_day && self.every_weekday()
    }

    /// Whether nothing but the set of the weekdays decides.
    pub(super) fn only_of_week(&self) -> bool {
        let plain = self.nth == Set::default() && self.last_of_week == Set::default();
        self.both && plain && self.of_month.is_whole(Field::DayOfMonth)
    }

    /// Whether every date fits.
    pub(super) fn every(&self) -> bool {
        self.of_month.is_whole(Field::DayOfMonth) && self.every_weekday()
    }

    fn every_weekday(&self) -> bool {
        self.of_week.is_whole(Field::DayOfWeek)
    }

    fn fit_month(&self, date: Date) -> bool {
        let (day, last) = (number(date.day()), number(date.days_in_month()));
        self.of_month.contains(day)
            || (self.last && day == last)
            || (self.last_working_day && working_day(date, last) == day)
            || self.nearest.values().into_iter().any(|near| near <= last && working_day(date, near) == day)
    }

    fn fit_week(&self, date: Date) -> bool {
        let (day, last) = (number(date.day()), number(date.days_in_month()));
        let weekday = number(date.weekday().to_sunday_zero_offset());
        self.of_week.contains(weekday)
            || self.nth.contains(weekday * 8 + (day - 1) / 7 + 1)
            || (self.last_of_week.contains(weekday) && day + 7 > last)
    }
}

/// The day from Monday to Friday that is nearest to the `day`th of the month of `date`, without leaving that month.
fn working_day(date: Date, day: u8) -> u8 {
    let last = number(date.days_in_month());
    let weekday = i8::try_from(day).ok().and_then(|day| date.with().day(day).build().ok()).map(Date::weekday);
    match weekday {
        Some(Weekday::Saturday) if day > 1 => day - 1,
        Some(Weekday::Saturday) => day + 2,
        Some(Weekday::Sunday) if day < last => day + 1,
        Some(Weekday::Sunday) => day - 2,
        _ => day,
    }
}

/// A number of the calendar, which is never negative.
fn number(of_calendar: i8) -> u8 {
    of_calendar.unsigned_abs()
}
