//! What each caller may see of an open connection: the policy of the connection and what is known of the caller make a
//! guard, and callers with the same rights share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::{Code, Role, TenantId};
use pilothouse_warehouse::guard::access::{Access, AccessPolicy, CallerWords};
use pilothouse_warehouse::guard::{Guard, Limits};

use crate::Error;

/// Guards kept of one connection; beyond it they are made anew.
const MAX_GUARDS: usize = 256;

/// The guards of one connection.
pub struct Rights {
    catalog: Arc<Catalog>,
    /// What nobody may see, by what is known of personal data.
    base: Access,
    policy: AccessPolicy,
    limits: Limits,
    guards: Mutex<HashMap<CallerWords, Arc<Guard>>>,
}

impl Rights {
    /// The rights of all callers, by the policy in `yaml`.
    ///
    /// # Errors
    /// Where the policy does not fit the catalog any more: then nobody sees anything.
    pub fn read(catalog: Arc<Catalog>, base: Access, yaml: &str, limits: Limits) -> Result<Self, Error> {
        let policy = AccessPolicy::read(yaml, &catalog)
            .map_err(|fault| Error::new(Code::PolicyInvalid, format!("The access policy: {fault}")))?;
        Ok(Self { catalog, base, policy, limits, guards: Mutex::default() })
    }

    /// The guard of a caller.
    ///
    /// # Errors
    /// Where a condition of the policy cannot be put into its words.
    pub fn guard(&self, tenant: &TenantId, subject: &str, role: Role) -> Result<Arc<Guard>, Error> {
        let words = self.policy.rights(tenant.as_str(), subject, role);
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guard) = guards.get(&words) {
            return Ok(guard.clone());
        }
        let access = self
            .policy
            .narrow(&self.base, &self.catalog, &words)
            .map_err(|reason| Error::new(Code::PolicyInvalid, format!("The access policy: {reason}")))?;
        let guard = Arc::new(Guard::new(self.catalog.clone(), access, self.limits.clone()));
        if guards.len() >= MAX_GUARDS {
            guards.clear();
        }
        guards.insert(words, guard.clone());
        Ok(guard)
    }
}
