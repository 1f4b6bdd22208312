//! The real clock and the real source of ids and secrets: the one place where the program touches the globals.

use pilothouse_domain::{Clock, Ids, Micros};
use uuid::Uuid;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock becomes an input")]
    fn now(&self) -> Micros {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since_1970.map_or(0, |since| since.as_micros() as Micros)
    }
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn uuid(&self, now: Micros) -> Uuid {
        let mut random = [0; 10];
        self.secret(&mut random);
        uuid::Builder::from_unix_timestamp_millis((now / 1000) as u64, &random).into_uuid()
    }

    #[expect(clippy::panic, reason = "without random numbers no secret can be made, and going on would be unsafe")]
    fn secret(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            panic!("the operating system gives no random numbers");
        }
    }
}
