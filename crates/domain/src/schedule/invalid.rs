//! Why the text or JSON of a timing is refused.

use super::cron::MAX_EXPRESSION_CHARS;
use super::field::{Field, Reason};
use super::interval::MAX_INTERVAL_SECONDS;

/// Why something is not a timing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing but white space.
    #[error("the cron expression is empty")]
    Empty,
    /// More than anybody needs.
    #[error("the cron expression is longer than {MAX_EXPRESSION_CHARS} characters")]
    TooLong,
    /// Neither five fields nor six.
    #[error(
        "a cron expression has 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds before them; this one has {found}"
    )]
    FieldCount {
        /// How many it has.
        found: usize,
    },
    /// A nickname that is none.
    #[error("`{name}` is not one of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly")]
    Nickname {
        /// The word.
        name: String,
    },
    /// A field that cannot be read.
    #[error("the {} field `{text}`: {reason}", field.as_str())]
    Field {
        /// Which field.
        field: Field,
        /// Its text.
        text: String,
        /// What is wrong with it.
        reason: Reason,
    },
    /// Every field is good by itself, and no date fits all of them.
    #[error("no date ever fits day of month `{day_of_month}`, month `{month}` and day of week `{day_of_week}`")]
    Never {
        /// The field's text.
        day_of_month: String,
        /// The field's text.
        month: String,
        /// The field's text.
        day_of_week: String,
    },
    /// A time zone that is not in the time zone database.
    #[error("`{name}` is not a time zone of the IANA database, as for instance Europe/Berlin or UTC")]
    Timezone {
        /// The name.
        name: String,
    },
    /// An interval of no length, or one that is longer than a year.
    #[error("an interval is 1 to {MAX_INTERVAL_SECONDS} seconds; this one is {seconds}")]
    Interval {
        /// Its length.
        seconds: i64,
    },
    /// An interval that is counted from a moment outside of the calendar.
    #[error("an interval's anchor is a moment from the year -9999 to the year 9999")]
    Anchor,
    /// Both kinds of timing, none, or parts of one with the other.
    #[error("a timing is either `cron` with an optional `timezone`, or `every_seconds` with an optional `anchor`")]
    Shape,
}
