//! The ledger: what was spent, and what is held for what is under way, for each limit that it counts for.
//!
//! Read first: [`take`] (holds the most that something can take, where no limit would be passed) with [`begin`] before its first
//! time, and [`settle`] (puts what it took in its place). What is held past its time is let go by whoever finds no room, or
//! looks ([`expire`]). `accounts` is what each limit is compared with, `alerts` who was told of it, `usage` who has spent what.
//!
//! Whoever changes several accounts locks them in their order, so that two who wait never wait for each other.

mod accounts;
mod alerts;
mod reserving;
mod settling;
mod usage;

pub use accounts::{Account, Full, Hold, begin, forget, used};
pub use alerts::{Alert, Balance, alert, alerts, balances};
pub use reserving::{Taken, begin_and_take, passed, take};
pub use settling::{Settled, expire, release, settle};
pub use usage::{Bought, By, Share, bought, usage};

use pilothouse_domain::ledger::{Amounts, Payer};
use pilothouse_domain::{ChargeId, Micros, TenantId};

use crate::{Error, Tx, args};

/// Something that costs money or tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Its id; the same charge is reserved once.
    pub id: ChargeId,
    /// When.
    pub at: Micros,
    /// When it is let go unless it was settled before.
    pub expires_at: Micros,
    /// What it is, for instance `ai` or `query`.
    pub kind: String,
    /// Who pays.
    pub payer: Payer,
    /// The step of the run.
    pub step: Option<String>,
    /// Whom it is bought from.
    pub provider: Option<String>,
    /// What.
    pub model: Option<String>,
    /// The version of the prompt.
    pub prompt: Option<String>,
    /// The most that it can take.
    pub worst: Amounts,
}

/// What a charge took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Used {
    /// Money, in nano-USD.
    pub nano_usd: i64,
    /// Tokens that were sent,
    pub tokens_in: i64,
    /// and received.
    pub tokens_out: i64,
    /// Of those that were sent, how many the provider had kept.
    pub tokens_cached: i64,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// Who did it in the end, where that is not who was asked first.
    pub provider: Option<String>,
    /// And with what.
    pub model: Option<String>,
    /// Why it failed, as a code.
    pub error: Option<String>,
}

impl Used {
    fn amounts(&self) -> Amounts {
        Amounts { nano_usd: self.nano_usd, tokens: self.tokens_in.saturating_add(self.tokens_out) }
    }
}

/// One at a time for each tenant, until the unit ends.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(1885956987, hashtext($1))";

/// Nobody else begins accounts of the tenant, looks at windows that roll, or lets go what is over, until the unit ends. Whoever
/// only takes, settles or releases does not wait for it.
pub async fn hold(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<(), Error> {
    // SQLite has one writer anyway.
    if !tx.is_sqlite() {
        tx.fetch_optional(ONE_AT_A_TIME, args![tenant]).await?;
    }
    Ok(())
}
