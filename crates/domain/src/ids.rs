//! Typed ids. A tenant is named by a short word that people choose; everything else has a UUIDv7, which sorts by the
//! time it was made. What an id means is known only to the modules that use it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Micros;

/// Longest tenant id in characters.
pub const MAX_TENANT_ID_CHARS: usize = 64;

/// Text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct InvalidId {
    /// The kind of id that was expected, for instance `run`.
    pub kind: &'static str,
}

/// A tenant's id: 1 to 64 characters of `A-Z a-z 0-9 _ - .`, beginning with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

impl TenantId {
    /// The tenant that exists from the first start.
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let first_is_alphanumeric = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        let all_allowed = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if first_is_alphanumeric && all_allowed && text.len() <= MAX_TENANT_ID_CHARS {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { kind: "tenant" })
        }
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> String {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($name:ident, $prefix:literal, $doc:literal) => {
        #[doc = $doc]
        #[doc = concat!("Written as `", $prefix, "` and 32 hexadecimal digits.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .filter(|digits| digits.len() == 32)
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map(Self)
                    .ok_or(InvalidId { kind: stringify!($name) })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

uuid_id!(ApprovalId, "apr_", "An action that waits for people, or did. ");
uuid_id!(RunId, "run_", "A run: one execution of a workflow. ");
uuid_id!(PreviewId, "qry_", "A query that was shown to somebody before it runs. ");
uuid_id!(ConnectionId, "conn_", "A tenant's connection to a warehouse. ");
uuid_id!(ChargeId, "chg_", "Something that costs money or tokens. ");
uuid_id!(LimitId, "lim_", "How much may be spent. ");
uuid_id!(DelegationId, "dlg_", "Somebody's decisions in the hands of somebody else, for a time. ");
uuid_id!(FeedbackId, "fb_", "What somebody thinks of what they were given. ");
uuid_id!(ScheduleId, "sch_", "A schedule: when a workflow is to run by itself. ");
uuid_id!(TokenId, "tok_", "An API token, not its secret. ");

impl From<RunId> for PreviewId {
    /// A question that waits is its own preview.
    fn from(run: RunId) -> Self {
        Self(run.0)
    }
}

impl RunId {
    /// Lower than every other.
    pub const FIRST: Self = Self(Uuid::nil());

    /// Higher than every other.
    pub const LAST: Self = Self(Uuid::max());

    /// The lowest id of those that are made at this moment or later.
    pub fn first_at(moment: Micros) -> Self {
        let ms = u128::try_from(moment / 1_000).unwrap_or(0);
        Self(Uuid::from_u128(ms << 80))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tenant_ids_are_short_plain_words() {
        for good in ["default", "org_cap", "A.b-c_9", "0"] {
            assert_eq!(good.parse::<TenantId>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn a_uuid_id_survives_its_own_text(bits: u128) {
            let id = RunId(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
        }

        #[test]
        fn parsing_any_text_never_panics(text in ".{0,80}") {
            let _ = text.parse::<RunId>();
            let _ = text.parse::<TenantId>();
        }
    }
}
