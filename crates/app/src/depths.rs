//! How deep queues are, counted anew at most every two seconds however many ask: a page that everybody watches, or whoever
//! reads the metrics, must not keep the database counting.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pilothouse_domain::TenantId;
use pilothouse_store::queues::{self, Depth};

use crate::{App, Error};

/// How long a count is good.
const GOOD_FOR: Duration = Duration::from_secs(2);
/// Most counts that are kept.
const MAX_KEPT: usize = 1_000;

/// Every queue that has runs, with how deep it is.
pub(crate) type Counted = Arc<BTreeMap<String, Depth>>;

/// The counts of each tenant, and of all together (none), with when they were made.
#[derive(Default)]
pub(crate) struct Depths {
    kept: Mutex<HashMap<Option<TenantId>, (Instant, Counted)>>,
}

impl Depths {
    fn get(&self, whose: &Option<TenantId>, now: Instant) -> Option<Counted> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(whose).filter(|(at, _)| now.duration_since(*at) < GOOD_FOR).map(|(_, counted)| counted.clone())
    }

    fn keep(&self, whose: Option<TenantId>, now: Instant, counted: Counted) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, (at, _)| now.duration_since(*at) < GOOD_FOR);
        }
        if kept.len() < MAX_KEPT {
            kept.insert(whose, (now, counted));
        }
    }
}

/// How deep the queues are, of one tenant or of all; two seconds old at most.
pub(crate) async fn depths(app: &App, whose: Option<TenantId>) -> Result<Counted, Error> {
    // Before the count, so that it is never taken for newer than it is.
    let now = Instant::now();
    if let Some(counted) = app.depths.get(&whose, now) {
        return Ok(counted);
    }
    let tenant = whose.clone();
    let counted = app.store.read(move |tx| Box::pin(async move { queues::depths(tx, tenant.as_ref()).await }));
    let counted = Arc::new(counted.await?);
    app.depths.keep(whose, now, counted.clone());
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_good_for_a_while_and_for_whom_it_was_made() {
        let (depths, at) = (Depths::default(), Instant::now());
        let tenant = |n: usize| Some(format!("t{n}").parse::<TenantId>().unwrap());
        let counted = Counted::default();
        depths.keep(tenant(0), at, counted.clone());
        assert!(Arc::ptr_eq(&depths.get(&tenant(0), at).unwrap(), &counted));
        assert!(depths.get(&None, at).is_none() && depths.get(&tenant(1), at).is_none());
        assert!(depths.get(&tenant(0), at + GOOD_FOR).is_none());
        for n in 0..MAX_KEPT + 5 {
            depths.keep(tenant(n), at, counted.clone());
        }
        let kept = |depths: &Depths| depths.kept.lock().unwrap().len();
        assert_eq!(kept(&depths), MAX_KEPT, "more are not kept");
        depths.keep(None, at + GOOD_FOR, counted);
        assert_eq!(kept(&depths), 1, "what is old goes when there is no room");
    }
}
