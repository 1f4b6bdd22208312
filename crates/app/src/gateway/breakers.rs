//! The circuit breakers of this process, one for each provider and model.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pilothouse_domain::breaker::{Breaker, Pass, Settings, State};
use pilothouse_domain::{Micros, TenantId};

/// Breakers that are kept; beyond it those that are closed are forgotten.
const MAX_KEPT: usize = 10_000;

/// Whose breaker: the tenant's provider, or the installation's where there is no tenant; and the model there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub tenant: Option<TenantId>,
    pub provider: String,
    pub model: String,
}

#[derive(Default)]
pub(super) struct Breakers {
    kept: Mutex<HashMap<Key, Breaker>>,
}

impl Breakers {
    /// Leave for one call, or when to ask again.
    pub fn admit(&self, key: &Key, now: Micros) -> Result<Pass, Micros> {
        let mut kept = self.kept();
        if let Some(breaker) = kept.get_mut(key) {
            return breaker.admit(now);
        }
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, breaker| breaker.state() != State::Closed);
        }
        kept.entry(key.clone()).or_insert_with(|| Breaker::new(Settings::default())).admit(now)
    }

    /// What became of the call: whether it went well, where that says anything about the provider. Tells how it stands where
    /// that has changed it.
    pub fn tell(&self, key: &Key, pass: &Pass, well: Option<bool>, now: Micros) -> Option<State> {
        let mut kept = self.kept();
        let breaker = kept.get_mut(key)?;
        let before = breaker.state();
        match well {
            Some(true) => breaker.succeeded(pass),
            Some(false) => breaker.failed(pass, now),
            None => breaker.let_go(pass),
        }
        let after = breaker.state();
        if before == after {
            return None;
        }
        let (Key { provider, model, .. }, state) = (key, after.as_str());
        tracing::warn!(provider, model, state, "a circuit breaker has changed");
        Some(after)
    }

    /// How those stand that were ever used, by their keys.
    pub fn all(&self) -> Vec<(Key, State)> {
        let mut all: Vec<_> = self.kept().iter().map(|(key, breaker)| (key.clone(), breaker.state())).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Key, Breaker>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
