//! How many requests a tenant and token may send: the generic cell rate algorithm over bounded keys.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use pilothouse_domain::Code;

use crate::Error;
use crate::settings::Limits;

/// Callers that are told apart; beyond it, idle ones are forgotten, and if none is idle the newcomers share one limit.
const MAX_KEYS: usize = 50_000;
/// The key that newcomers share when every place is taken.
const SHARED_KEY: &str = "shared";

/// Counts requests per caller.
pub struct Limiter {
    limiter: Option<DefaultKeyedRateLimiter<String>>,
    clock: DefaultClock,
}

impl Limiter {
    /// A limiter with these settings; one that lets everything pass where limiting is off.
    pub fn new(settings: &Limits) -> Self {
        let limiter = NonZeroU32::new(settings.requests).filter(|_| settings.enabled).and_then(|requests| {
            let window = Duration::from_secs(u64::from(settings.window_seconds.max(1)));
            let quota = Quota::with_period(window / requests.get())?.allow_burst(requests);
            Some(RateLimiter::keyed(quota))
        });
        Self { limiter, clock: DefaultClock::default() }
    }

    /// Counts a request of `key`; refuses it, with the seconds to wait, when the limit is reached.
    pub fn check(&self, key: &str) -> Result<(), Error> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() >= MAX_KEYS {
            limiter.retain_recent();
        }
        let key = if limiter.len() >= MAX_KEYS { SHARED_KEY } else { key };
        let Err(refused) = limiter.check_key(&key.to_owned()) else { return Ok(()) };
        let wait = refused.wait_time_from(self.clock.now());
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(Error::new(Code::RateLimited, "Rate limit exceeded").retry_after(seconds.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_limited_and_others_are_not() {
        let limiter = Limiter::new(&Limits { enabled: true, requests: 3, window_seconds: 3600 });
        for _ in 0..3 {
            assert!(limiter.check("ada").is_ok());
        }
        let refused = limiter.check("ada").unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        assert!(refused.retry_after_seconds.unwrap() >= 1);
        assert!(limiter.check("bob").is_ok());
    }

    #[test]
    fn it_is_off_unless_turned_on() {
        let limiter = Limiter::new(&Limits::default());
        assert!((0..10_000).all(|_| limiter.check("ada").is_ok()));
    }
}
