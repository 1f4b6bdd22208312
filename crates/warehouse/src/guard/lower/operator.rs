//! Operators and units of time, as they are printed; what is not named is refused.

use datafusion::sql::sqlparser::ast::{BinaryOperator as B, DateTimeField as F, UnaryOperator as U};
use pilothouse_domain::catalog::Dialect;

/// The text of a binary operator, when the dialect's analysts use it.
pub fn binary(operator: &B, dialect: Dialect) -> Option<&'static str> {
    let text = match operator {
        B::Plus => "+",
        B::Minus => "-",
        B::Multiply => "*",
        B::Divide => "/",
        B::Modulo => "%",
        B::StringConcat => "||",
        B::Gt => ">",
        B::Lt => "<",
        B::GtEq => ">=",
        B::LtEq => "<=",
        B::Eq => "=",
        B::NotEq => "<>",
        B::And => "AND",
        B::Or => "OR",
        B::BitwiseOr => "|",
        B::BitwiseAnd => "&",
        B::BitwiseXor | B::PGExp => "^",
        B::PGBitwiseXor => "#",
        B::PGBitwiseShiftLeft => "<<",
        B::PGBitwiseShiftRight => ">>",
        B::PGRegexMatch => "~",
        B::PGRegexIMatch => "~*",
        B::PGRegexNotMatch => "!~",
        B::PGRegexNotIMatch => "!~*",
        B::PGLikeMatch => "~~",
        B::PGILikeMatch => "~~*",
        B::PGNotLikeMatch => "!~~",
        B::PGNotILikeMatch => "!~~*",
        B::AtArrow => "@>",
        B::ArrowAt => "<@",
        other => return postgres_binary(other).filter(|_| dialect == Dialect::PostgreSql),
    };
    Some(text)
}

fn postgres_binary(operator: &B) -> Option<&'static str> {
    match operator {
        B::Arrow => Some("->"),
        B::LongArrow => Some("->>"),
        B::HashArrow => Some("#>"),
        B::HashLongArrow => Some("#>>"),
        B::PGOverlap => Some("&&"),
        B::PGStartsWith => Some("^@"),
        B::Overlaps => Some("OVERLAPS"),
        // Every operator not named here or above is refused, among them those of types that analysts do not meet.
        _ => None,
    }
}

/// Parts of dates and times as BigQuery's functions take them.
const PARTS: [&str; 23] = [
    "MICROSECOND",
    "MILLISECOND",
    "SECOND",
    "MINUTE",
    "HOUR",
    "DAY",
    "DAYOFWEEK",
    "DAYOFYEAR",
    "WEEK",
    "ISOWEEK",
    "MONTH",
    "QUARTER",
    "YEAR",
    "ISOYEAR",
    "DATE",
    "TIME",
    "WEEK(SUNDAY)",
    "WEEK(MONDAY)",
    "WEEK(TUESDAY)",
    "WEEK(WEDNESDAY)",
    "WEEK(THURSDAY)",
    "WEEK(FRIDAY)",
    "WEEK(SATURDAY)",
];

/// A part of a date by its word in capitals.
pub fn part(word: &str) -> Option<&'static str> {
    PARTS.iter().find(|part| **part == word).copied()
}

/// The text of a unary operator.
pub fn unary(operator: &U) -> Option<&'static str> {
    match operator {
        U::Plus => Some("+"),
        U::Minus => Some("-"),
        U::Not => Some("NOT"),
        U::BitwiseNot
        | U::AtDashAt
        | U::BangNot
        | U::DoubleAt
        | U::Hash
        | U::PGAbs
        | U::PGCubeRoot
        | U::PGPostfixFactorial
        | U::PGPrefixFactorial
        | U::PGSquareRoot
        | U::QuestionDash
        | U::QuestionPipe => None,
    }
}

/// The text of a unit of time.
pub fn field(field: &F) -> Option<&'static str> {
    match field {
        F::Year => Some("YEAR"),
        F::Years => Some("YEARS"),
        F::Month => Some("MONTH"),
        F::Months => Some("MONTHS"),
        F::Week(None) => Some("WEEK"),
        F::Weeks => Some("WEEKS"),
        F::Day => Some("DAY"),
        F::Days => Some("DAYS"),
        F::Hour => Some("HOUR"),
        F::Hours => Some("HOURS"),
        F::Minute => Some("MINUTE"),
        F::Minutes => Some("MINUTES"),
        F::Second => Some("SECOND"),
        F::Seconds => Some("SECONDS"),
        F::Century => Some("CENTURY"),
        F::Decade => Some("DECADE"),
        F::Dow => Some("DOW"),
        F::Doy => Some("DOY"),
        F::Epoch => Some("EPOCH"),
        F::Isodow => Some("ISODOW"),
        F::Isoyear => Some("ISOYEAR"),
        F::Julian => Some("JULIAN"),
        F::Microsecond => Some("MICROSECOND"),
        F::Microseconds => Some("MICROSECONDS"),
        F::Millennium => Some("MILLENNIUM"),
        F::Millisecond => Some("MILLISECOND"),
        F::Milliseconds => Some("MILLISECONDS"),
        F::Nanosecond => Some("NANOSECOND"),
        F::Nanoseconds => Some("NANOSECONDS"),
        F::Quarter => Some("QUARTER"),
        F::Week(Some(_))
        | F::DayOfWeek
        | F::DayOfYear
        | F::Date
        | F::Datetime
        | F::IsoWeek
        | F::Millenium
        | F::Time
        | F::Timezone
        | F::TimezoneAbbr
        | F::TimezoneHour
        | F::TimezoneMinute
        | F::TimezoneRegion
        | F::NoDateTime
        | F::Custom(_) => None,
    }
}
