//! A timing in words for people: "every day at 07:30, Europe/Berlin". What has no simple words is given as it was written.

use super::calendar::Calendar;
use super::cron::Cron;
use super::field::{Field, Set};
use super::timing::Timing;
use crate::format::MONTHS;

/// Most times of day, weekdays or days of the month that a sentence lists.
const MAX_LISTED: usize = 7;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Timing {
    /// The timing in words, with the time zone of a cron expression.
    pub fn describe(&self) -> String {
        match self {
            Self::Every(interval) => length(interval.seconds()),
            Self::Cron(cron) => format!("{}, {}", words(cron), cron.timezone()),
        }
    }
}

fn words(cron: &Cron) -> String {
    let calendar = &cron.calendar;
    let found = if calendar.every_date() { rhythm(calendar) } else { None };
    let found = found.or_else(|| Some(format!("{} at {}", dates(calendar)?, times(calendar)?)));
    found.unwrap_or_else(|| format!("cron {}", cron.expression()))
}

/// "every 90 seconds", "every 5 minutes", "every hour".
fn length(seconds: u32) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "second"));
    every(seconds / size, unit)
}

fn every(count: u32, unit: &str) -> String {
    if count == 1 { format!("every {unit}") } else { format!("every {count} {unit}s") }
}

/// What comes at the same distance all day, on every day: "every 15 minutes", "every hour at minute 30".
fn rhythm(calendar: &Calendar) -> Option<String> {
    let step = |set: Set, field: Field| even_step(set, field);
    let (second, minute) = (only(calendar.seconds), only(calendar.minutes));
    let (every_minute, every_hour) = (calendar.minutes.is_whole(Field::Minute), calendar.every_hour());
    match (second, minute) {
        (None, _) if every_minute && every_hour => Some(every(step(calendar.seconds, Field::Second)?, "second")),
        (Some(0), None) if every_hour => Some(every(step(calendar.minutes, Field::Minute)?, "minute")),
        (Some(0), Some(0)) => step(calendar.hours, Field::Hour).map(|hours| every(hours, "hour")),
        (Some(0), Some(minute)) if every_hour => Some(format!("every hour at minute {minute}")),
        _ => None,
    }
}

/// The distance of the values of `set`, when they begin at 0 and divide the field evenly.
fn even_step(set: Set, field: Field) -> Option<u32> {
    let size = if field == Field::Hour { 24 } else { 60 };
    let step = set.next(1).filter(|step| set.contains(0) && size % step == 0)?;
    let even = (0..size).step_by(usize::from(step)).fold(Set::default(), Set::with);
    (even == set).then_some(u32::from(step))
}

fn only(set: Set) -> Option<u8> {
    let first = set.next(0)?;
    set.next(first + 1).is_none().then_some(first)
}

/// "07:30", "09:00, 12:00 and 18:00", "07:30:15".
fn times(calendar: &Calendar) -> Option<String> {
    let (second, minutes, hours) = (only(calendar.seconds)?, calendar.minutes.values(), calendar.hours.values());
    if minutes.len() * hours.len() > MAX_LISTED {
        return None;
    }
    let seconds = if second == 0 { String::new() } else { format!(":{second:02}") };
    let of_hour =
        |hour: &u8| minutes.iter().map(|minute| format!("{hour:02}:{minute:02}{seconds}")).collect::<Vec<_>>();
    Some(listed(&hours.iter().flat_map(of_hour).collect::<Vec<_>>()))
}

/// "every day", "Monday to Friday", "every Monday and Thursday", "on the 1st of every month", "every year on 24 December".
fn dates(calendar: &Calendar) -> Option<String> {
    let days = &calendar.days;
    let every_month = calendar.months.is_whole(Field::Month);
    if calendar.every_date() {
        return Some("every day".to_owned());
    }
    if days.only_of_week() && every_month {
        return match days.of_week.values().as_slice() {
            [1, 2, 3, 4, 5] => Some("Monday to Friday".to_owned()),
            weekdays if weekdays.len() <= MAX_LISTED => {
                let from_monday =
                    weekdays.iter().filter(|day| **day != 0).chain(weekdays.iter().filter(|day| **day == 0));
                Some(format!(
                    "every {}",
                    listed(&from_monday.filter_map(|day| name(&WEEKDAYS, *day)).collect::<Vec<_>>())
                ))
            }
            _ => None,
        };
    }
    if !days.only_of_month() {
        return None;
    }
    match (days.of_month.values().as_slice(), days.last, every_month) {
        ([], true, true) => Some("on the last day of every month".to_owned()),
        (some, false, true) if some.len() <= MAX_LISTED => {
            Some(format!("on the {} of every month", listed(&some.iter().map(|day| ordinal(*day)).collect::<Vec<_>>())))
        }
        ([day], false, false) => {
            let month = only(calendar.months)?.checked_sub(1).and_then(|month| name(&MONTHS, month))?;
            Some(format!("every year on {day} {month}"))
        }
        _ => None,
    }
}

fn name(names: &[&'static str], index: u8) -> Option<&'static str> {
    names.get(usize::from(index)).copied()
}

fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn listed<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Interval;

    #[test]
    fn simple_shapes_have_words_and_others_are_given_as_written() {
        for (expression, words) in [
            ("30 7 * * *", "every day at 07:30, Europe/Berlin"),
            ("15 30 7 * * *", "every day at 07:30:15, Europe/Berlin"),
            ("@daily", "every day at 00:00, Europe/Berlin"),
            ("* * * * * *", "every second, Europe/Berlin"),
            ("*/10 * * * * *", "every 10 seconds, Europe/Berlin"),
            ("* * * * *", "every minute, Europe/Berlin"),
            ("*/15 * * * *", "every 15 minutes, Europe/Berlin"),
            ("@hourly", "every hour, Europe/Berlin"),
            ("30 * * * *", "every hour at minute 30, Europe/Berlin"),
            ("0 */6 * * *", "every 6 hours, Europe/Berlin"),
            ("0 9,12,18 * * *", "every day at 09:00, 12:00 and 18:00, Europe/Berlin"),
            ("0 9 * * mon-fri", "Monday to Friday at 09:00, Europe/Berlin"),
            ("0 9 * * sun,mon", "every Monday and Sunday at 09:00, Europe/Berlin"),
            ("0 3 1,15 * *", "on the 1st and 15th of every month at 03:00, Europe/Berlin"),
            ("0 3 L * *", "on the last day of every month at 03:00, Europe/Berlin"),
            ("0 3 24 12 ?", "every year on 24 December at 03:00, Europe/Berlin"),
            ("@yearly", "every year on 1 January at 00:00, Europe/Berlin"),
            ("0 3 1 * mon", "cron 0 3 1 * mon, Europe/Berlin"),
            ("0 3 15W * *", "cron 0 3 15W * *, Europe/Berlin"),
            ("0 3 * * 5#2", "cron 0 3 * * 5#2, Europe/Berlin"),
            ("0 3 1,L * *", "cron 0 3 1,L * *, Europe/Berlin"),
            ("*/7 * * * *", "cron */7 * * * *, Europe/Berlin"),
            ("*/15 9 * * *", "every day at 09:00, 09:15, 09:30 and 09:45, Europe/Berlin"),
            ("*/5 9-17 * * mon-fri", "cron */5 9-17 * * mon-fri, Europe/Berlin"),
            ("* 7 * * *", "cron * 7 * * *, Europe/Berlin"),
        ] {
            let timing = Timing::Cron(Cron::parse(expression, "europe/berlin").unwrap());
            assert_eq!(timing.describe(), words, "{expression}");
        }
        for (seconds, words) in [
            (1, "every second"),
            (90, "every 90 seconds"),
            (300, "every 5 minutes"),
            (3_600, "every hour"),
            (172_800, "every 2 days"),
        ] {
            assert_eq!(Timing::Every(Interval::new(seconds, 0).unwrap()).describe(), words);
        }
    }
}
