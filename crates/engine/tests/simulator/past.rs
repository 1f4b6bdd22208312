//! Forgetting old runs in memory.

use pilothouse_domain::run::Status;
use pilothouse_domain::{RunId, TenantId};
use pilothouse_store::runs::{Horizon, Pruned};

use crate::memory::Tables;
use crate::mutation::Mutation;
use crate::row::{Row, State};

/// Most runs that one call looks at, however many it may: so that a few take several calls.
const FEW: u32 = 3;

impl Tables {
    /// Forgets runs that ended before a horizon.
    pub fn prune(&mut self, tenant: &TenantId, horizon: Horizon, after: Option<RunId>, limit: u32) -> Pruned {
        let limit = limit.min(FEW) as usize;
        let looked_at: Vec<&Row> = self
            .rows
            .values()
            .filter(|row| row.run.tenant == *tenant && after.is_none_or(|after| row.run.id > after))
            .take(limit)
            .collect();
        let last = looked_at.last().filter(|_| looked_at.len() == limit);
        let after = last.filter(|row| row.run.created_at < horizon.ended).map(|row| row.run.id);
        let any = self.mutation == Mutation::ForgetsTheLiving;
        let old: Vec<RunId> =
            looked_at.iter().filter(|row| any || is_old(row, horizon)).map(|row| row.run.id).collect();
        for id in &old {
            if self.mutation == Mutation::ForgetsAudit {
                self.audited.remove(id);
            }
            if let Some(row) = self.rows.remove(id) {
                self.forgotten.insert(*id, row);
                self.touched.insert(*id);
            }
        }
        Pruned { runs: old.len(), after }
    }
}

fn is_old(row: &Row, horizon: Horizon) -> bool {
    let open = row.run.status == Status::Dead && row.run.discarded_at.is_none();
    let before = if open { horizon.dead } else { horizon.ended };
    row.state == State::Ended && row.run.finished_at.is_some_and(|finished| finished < before)
}
