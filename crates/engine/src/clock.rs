//! The time that nodes share: the database's, where they were told it, and steady in between.

use std::sync::{Arc, Mutex, PoisonError};

use pilothouse_domain::{Clock, Micros};
use tokio::time::Instant;

/// A clock that others can set.
pub(crate) struct SharedClock {
    own: Arc<dyn Clock>,
    /// The last time that it was told, and when.
    told: Mutex<Option<(Micros, Instant)>>,
}

impl SharedClock {
    pub(crate) fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, told: Mutex::new(None) }
    }

    /// Whether it was ever told the time.
    pub(crate) fn is_told(&self) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Goes by this time from now on, however this machine's clock may jump.
    pub(crate) fn set(&self, now: Micros) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Instant::now()));
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Micros {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match told {
            Some((at, since)) => at + Micros::try_from(since.elapsed().as_micros()).unwrap_or(0),
            None => self.own.now(),
        }
    }
}
