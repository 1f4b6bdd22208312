//! Who is calling: a subject with a role in one tenant. How the caller proved it is the API's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TenantId;

/// What a subject may do in a tenant; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Asks questions and starts work.
    Member,
    /// Approves, retries, cancels the work of others.
    Operator,
    /// Makes connections, tenants and tokens.
    Admin,
}

impl Role {
    /// The role as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: use viewer, member, operator or admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    /// Reads a role, whatever its case.
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Viewer, Self::Member, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownRole)
    }
}

/// An authenticated caller, in the tenant it acts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The tenant whose things it may see.
    pub tenant: TenantId,
    /// A person or a service, for instance `ada@example.com`.
    pub subject: String,
    /// What it may do there.
    pub role: Role,
}

impl Principal {
    /// This caller with at most `role`: a caller may narrow its role and never widen it.
    pub fn narrowed_to(mut self, role: Role) -> Self {
        self.role = self.role.min(role);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_never_widens() {
        let roles = [Role::Viewer, Role::Member, Role::Operator, Role::Admin];
        for has in roles {
            for asked in roles {
                let caller = Principal { tenant: TenantId::default_tenant(), subject: "ada".into(), role: has };
                assert!(caller.narrowed_to(asked).role <= has);
            }
        }
    }
}
