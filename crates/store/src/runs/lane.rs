//! A lane: the runs of one queue, tenant and key, which begin in their order. Between lanes, workers take turns.

use std::fmt;
use std::str::FromStr;

use pilothouse_domain::TenantId;
use pilothouse_domain::ids::InvalidId;

/// A line that runs stand in, written `queue/tenant/key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The queue, without `/`.
    pub queue: String,
    /// Whose runs.
    pub tenant: TenantId,
    /// What they share, for instance a repository; empty where nothing.
    pub key: String,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.queue, self.tenant, self.key)
    }
}

impl FromStr for Lane {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.splitn(3, '/');
        let (queue, tenant) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Ok(Self { queue: queue.to_owned(), tenant: tenant.parse()?, key: parts.next().unwrap_or_default().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_lane_is_read_back_as_it_was_written(queue in "[a-z0-9_.-]{1,20}", tenant in "[a-z0-9][a-z0-9-]{0,9}", key in ".*") {
            let lane = Lane { queue, tenant: tenant.parse().unwrap(), key };
            prop_assert_eq!(lane.to_string().parse::<Lane>().unwrap(), lane);
        }
    }
}
