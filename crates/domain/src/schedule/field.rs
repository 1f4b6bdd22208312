//! One field of a cron expression: which values it takes, and how its text becomes a set of them. Knows no calendar.

/// The fields of a cron expression, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// 0 to 59; may be left out, and is then 0.
    Second,
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31, `L`, `LW`, `15W`.
    DayOfMonth,
    /// 1 to 12 or `JAN` to `DEC`.
    Month,
    /// 0 to 7 (both ends are Sunday) or `SUN` to `SAT`, `5L`, `5#2`.
    DayOfWeek,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Sunday, where it ends a range as in `fri-sun`.
const SUNDAY_AT_END: u8 = 7;

/// Why the text of a field is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Two commas side by side, or one at an end.
    #[error("an item of its list is empty")]
    Empty,
    /// Neither a number nor a name that the field has.
    #[error("`{text}` is not a value of this field, which takes {takes}")]
    NotAValue {
        /// The item.
        text: String,
        /// What the field takes.
        takes: &'static str,
    },
    /// A number outside of the field's range.
    #[error("{value} is outside of {min} to {max}")]
    OutOfRange {
        /// The number, as it was written.
        value: String,
        /// The least value.
        min: u8,
        /// The greatest value.
        max: u8,
    },
    /// A range whose end is before its beginning.
    #[error("the range `{text}` runs backwards; write it as two ranges with a comma")]
    Backwards {
        /// The range.
        text: String,
    },
    /// A step that is no number, 0, or wider than the field.
    #[error("the step `{text}` is not a number from 1 to {max}")]
    Step {
        /// The step.
        text: String,
        /// The widest step.
        max: u8,
    },
    /// A step behind a single value, which other programs read in different ways.
    #[error("the step needs `*` or a range before it; `{from}/{step}` may be meant as `{from}-{max}/{step}`")]
    StepOfOne {
        /// The single value.
        from: String,
        /// The step.
        step: u8,
        /// The field's greatest value.
        max: u8,
    },
    /// `#` with something else than 1 to 5 behind it.
    #[error("`{text}` is not a weekday, `#` and a number from 1 to 5")]
    Nth {
        /// The item.
        text: String,
    },
}

impl Field {
    /// The field's name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        }
    }

    fn takes(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::DayOfMonth => "1 to 31, L, LW and 15W",
            Self::Month => "1 to 12 and JAN to DEC",
            Self::DayOfWeek => "0 to 7, SUN to SAT, 5L and 5#2",
        }
    }

    /// The values of `*`, from the first to the last.
    fn whole(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
        }
    }

    fn is_day(self) -> bool {
        matches!(self, Self::DayOfMonth | Self::DayOfWeek)
    }

    /// Whether `text` begins with a wildcard, which in a day field means that the other day field alone decides.
    pub(super) fn begins_wild(self, text: &str) -> bool {
        text.starts_with('*') || (self.is_day() && text.starts_with('?'))
    }

    /// The number or name `text` as a value. Sunday may come out as 0 or as 7.
    pub(super) fn value(self, text: &str) -> Result<u8, Reason> {
        let (min, whole_max) = self.whole();
        let max = if self == Self::DayOfWeek { SUNDAY_AT_END } else { whole_max };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let value = text.parse::<u8>().ok().filter(|value| (min..=max).contains(value));
            return value.ok_or_else(|| Reason::OutOfRange { value: text.to_owned(), min, max });
        }
        let names: &[&str] = match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &WEEKDAYS,
            _ => &[],
        };
        let named = (min..).zip(names).find(|(_, name)| name.eq_ignore_ascii_case(text));
        named.map(|(value, _)| value).ok_or_else(|| self.not_a_value(text))
    }

    pub(super) fn not_a_value(self, text: &str) -> Reason {
        Reason::NotAValue { text: text.to_owned(), takes: self.takes() }
    }

    /// The values of a whole field: items with commas between them.
    pub(super) fn list(self, text: &str) -> Result<Set, Reason> {
        text.split(',').try_fold(Set::default(), |set, item| Ok(set.with_all(self.item(item)?)))
    }

    /// The values of one item: `*`, a value or a range, and a step behind the first and the last.
    pub(super) fn item(self, item: &str) -> Result<Set, Reason> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (item, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("", _) => return Err(Reason::Empty),
            ("*", _) => self.whole(),
            ("?", _) if self.is_day() => self.whole(),
            (_, Some((from, to))) => self.range(range, from, to)?,
            (_, None) => {
                let value = self.value(range)?;
                if let Some(step) = step {
                    return Err(Reason::StepOfOne { from: range.to_owned(), step, max: self.whole().1 });
                }
                (value, value)
            }
        };
        let values = (from..=to).step_by(usize::from(step.unwrap_or(1)));
        let folded = values.map(|value| if self == Self::DayOfWeek { value % SUNDAY_AT_END } else { value });
        Ok(folded.fold(Set::default(), Set::with))
    }

    fn range(self, range: &str, from: &str, to: &str) -> Result<(u8, u8), Reason> {
        let from = self.value(from)?;
        let to = match self.value(to)? {
            0 if self == Self::DayOfWeek && from > 0 => SUNDAY_AT_END,
            to => to,
        };
        if from > to { Err(Reason::Backwards { text: range.to_owned() }) } else { Ok((from, to)) }
    }

    fn step(self, text: &str) -> Result<u8, Reason> {
        let (_, max) = self.whole();
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let step = digits.and_then(|text| text.parse().ok()).filter(|step| (1..=max).contains(step));
        step.ok_or_else(|| Reason::Step { text: text.to_owned(), max })
    }
}

/// A set of numbers from 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set(u64);

impl Set {
    pub(super) fn with(self, value: u8) -> Self {
        Self(self.0 | 1 << value)
    }

    pub(super) fn with_all(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn contains(self, value: u8) -> bool {
        self.0 >> value & 1 == 1
    }

    /// The least value that is `from` or more.
    pub(super) fn next(self, from: u8) -> Option<u8> {
        let rest = self.0.checked_shr(u32::from(from)).unwrap_or(0);
        (rest != 0).then(|| from + u8::try_from(rest.trailing_zeros()).unwrap_or(0))
    }

    pub(super) fn values(self) -> Vec<u8> {
        (0..64).filter(|value| self.contains(*value)).collect()
    }

    /// Whether the set is everything that `*` stands for in `field`.
    pub(super) fn is_whole(self, field: Field) -> bool {
        let (from, to) = field.whole();
        (from..=to).all(|value| self.contains(value))
    }
}
