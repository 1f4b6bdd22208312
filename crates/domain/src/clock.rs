//! Time and identity as inputs: the traits that the program's edges implement and tests replace.

use uuid::Uuid;

/// A moment: microseconds since 1970-01-01T00:00:00 UTC, without leap seconds. The one form of time in the database.
pub type Micros = i64;

/// One second in [`Micros`].
pub const SECOND: Micros = 1_000_000;

/// Where the present moment comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Micros;
}

/// Where new ids and secrets come from.
pub trait Ids: Send + Sync + 'static {
    /// A new UUIDv7 at the moment `now`.
    fn uuid(&self, now: Micros) -> Uuid;
    /// Fills `bytes` with cryptographically secure random bytes.
    fn secret(&self, bytes: &mut [u8]);
}

/// `at` as RFC 3339 in UTC with microseconds, for instance `2026-11-21T09:00:00.000000Z`.
pub fn rfc3339(at: Micros) -> String {
    match jiff::Timestamp::from_microsecond(at) {
        Ok(timestamp) => format!("{timestamp:.6}"),
        Err(_) => "9999-12-31T23:59:59.999999Z".to_owned(),
    }
}

/// The moment that a text in the form of RFC 3339 names; none where it names none.
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    text.parse::<jiff::Timestamp>().ok().map(|moment| moment.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::{parse_rfc3339, rfc3339};

    #[test]
    fn times_survive_their_own_text() {
        for at in [0, 1_700_000_000_123_456] {
            assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at));
        }
        assert_eq!(parse_rfc3339("2026-11-21T10:00:00+01:00"), parse_rfc3339("2026-11-21T09:00:00Z"));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn times_print_with_six_digits() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
    }
}
