//! What is known of each tenant, read again once a second: what somebody has changed holds without a restart, on every node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Micros, TenantId};

/// How long what is known is taken for what it was.
const READ_EVERY: Micros = SECOND;
/// Tenants of whom something is kept; beyond it they are read again.
const MAX_HELD: usize = 1_000;

/// What was read of tenants lately.
pub(crate) struct Lately<T>(Mutex<State<T>>);

struct State<T> {
    held: HashMap<TenantId, Held<T>>,
    /// How often something was put here or forgotten.
    changes: u64,
}

struct Held<T> {
    /// What was read, and when; none where it was forgotten.
    known: Option<(Arc<T>, Micros)>,
    /// Which change this was.
    change: u64,
}

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self(Mutex::new(State { held: HashMap::new(), changes: 0 }))
    }
}

impl<T> Lately<T> {
    /// What is known of a tenant at the moment `now`, read where that was too long ago.
    ///
    /// # Errors
    /// Those of `read`; nothing older is taken in its place.
    pub async fn get<E>(
        &self,
        tenant: &TenantId,
        now: Micros,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let began = match self.with(|state| state.known(tenant, now).ok_or(state.changes)) {
            Ok(known) => return Ok(known),
            Err(began) => began,
        };
        let new = Arc::new(read.await?);
        Ok(self.with(|state| match state.held.get(tenant).filter(|held| held.change > began) {
            // What was put here or forgotten meanwhile is not undone by what was read before.
            Some(newer) => newer.known.as_ref().map_or(new, |(known, _)| known.clone()),
            None => {
                state.put(tenant, Some((new.clone(), now)));
                new
            }
        }))
    }

    /// Forgets what is known of a tenant, since it was changed.
    pub fn forget(&self, tenant: &TenantId) {
        self.with(|state| state.put(tenant, None));
    }

    fn with<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> State<T> {
    fn known(&self, tenant: &TenantId, now: Micros) -> Option<Arc<T>> {
        let (known, read_at) = self.held.get(tenant)?.known.as_ref()?;
        (0..READ_EVERY).contains(&(now - read_at)).then(|| known.clone())
    }

    fn put(&mut self, tenant: &TenantId, known: Option<(Arc<T>, Micros)>) {
        if self.held.len() >= MAX_HELD {
            self.held.clear();
        }
        self.changes += 1;
        self.held.insert(tenant.clone(), Held { known, change: self.changes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `value` at the second `at`, while `meanwhile` happens.
    async fn read(lately: &Lately<u32>, at: Micros, value: u32, meanwhile: impl FnOnce()) -> u32 {
        let reading = async {
            meanwhile();
            Ok::<_, ()>(value)
        };
        *lately.get(&TenantId::default_tenant(), at * SECOND, reading).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_known_is_read_again_after_a_second_or_once_it_is_forgotten() {
        let lately = Lately::default();
        assert_eq!(read(&lately, 0, 1, || {}).await, 1);
        let late = lately.get(&TenantId::default_tenant(), SECOND - 1, async { Ok::<_, ()>(2) }).await.unwrap();
        assert_eq!((*late, read(&lately, 1, 3, || {}).await), (1, 3));
        lately.forget(&TenantId::default_tenant());
        assert_eq!(read(&lately, 1, 4, || {}).await, 4);
        let failed = lately.get(&TenantId::default_tenant(), 9 * SECOND, async { Err("it cannot be read") }).await;
        assert_eq!(failed.unwrap_err(), "it cannot be read", "nothing older is taken in its place");
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        let (lately, tenant) = (Lately::default(), TenantId::default_tenant());
        assert_eq!(read(&lately, 0, 1, || lately.forget(&tenant)).await, 1);
        assert_eq!(read(&lately, 0, 2, || {}).await, 2, "the first was not kept");
        let slow = lately.get(&tenant, 5 * SECOND, async {
            assert_eq!(read(&lately, 5, 4, || {}).await, 4);
            Ok::<_, ()>(3)
        });
        assert_eq!(*slow.await.unwrap(), 4, "somebody who began later was faster");
    }
}
