//! What the rules have said lately, so that other rules can be tried on it. Written a few at a time: of a process that is
//! killed, the last few seconds are missing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pilothouse_domain::approval::policy::{Effect, Facts, Rule, Ruling};
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Ids, Micros, TenantId};
use pilothouse_store::approval_rules::{self as rows, Ruling as Row};
use pilothouse_store::{Error as StoreError, Store};

use super::rules::Rules;

/// How far other rules are tried back.
pub const REMEMBERED: Micros = 30 * 24 * 3600 * SECOND;
/// Most rulings that rules are tried on.
pub const MAX_TRIED: u32 = 100_000;
/// Most that is shown of what would change.
const MAX_EXAMPLES: usize = 20;
/// How long a ruling may wait to be written, and how many.
const WRITE_EVERY: Micros = 5 * SECOND;
const WRITE_AT: usize = 50;

/// What other rules would have said.
#[derive(Debug, Clone, Default)]
pub struct DryRun {
    /// Since when actions were looked at.
    pub since: Micros,
    /// How many.
    pub actions: usize,
    /// Whether there were more.
    pub capped: bool,
    /// How many would have been decided otherwise: from what, to what, and how many.
    pub changed: Vec<(Effect, Effect, usize)>,
    /// How many each rule would have decided, the most first; those that none is about under no name.
    pub by_rule: Vec<(Option<String>, usize)>,
    /// Some of those that would have been decided otherwise, the newest first.
    pub examples: Vec<Example>,
}

/// An action that other rules would have decided otherwise.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its figures.
    pub facts: Facts,
    /// What was decided, and by which rule.
    pub was: (Effect, Option<String>),
    /// What would have been.
    pub would_be: Ruling,
}

/// Rulings on their way into the database.
#[derive(Default)]
pub(super) struct Rulings {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    rows: HashMap<TenantId, Vec<Row>>,
    count: usize,
    oldest: Option<Micros>,
}

impl Rulings {
    /// Notes what was said of an action; writes those that have waited long enough.
    pub async fn note(
        &self,
        (store, ids): (&Store, &dyn Ids),
        tenant: &TenantId,
        facts: &Facts,
        ruling: &Ruling,
    ) -> Result<(), StoreError> {
        let row = Row {
            id: ids.uuid(facts.at).simple().to_string(),
            at: facts.at,
            facts: serde_json::to_string(facts).unwrap_or_default(),
            effect: serde_json::to_string(&ruling.effect).unwrap_or_default(),
            rule: ruling.rule.clone(),
        };
        let is_due = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.rows.entry(tenant.clone()).or_default().push(row);
            waiting.count += 1;
            let oldest = *waiting.oldest.get_or_insert(facts.at);
            waiting.count >= WRITE_AT || facts.at - oldest >= WRITE_EVERY
        };
        if is_due { self.write(store, facts.at).await } else { Ok(()) }
    }

    /// Writes those that wait.
    pub async fn write(&self, store: &Store, now: Micros) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.rows.is_empty() {
            return Ok(());
        }
        let written = store.write_unflushed(move |tx| {
            Box::pin(async move {
                for (tenant, new) in &taken.rows {
                    rows::note(tx, tenant, new, now - REMEMBERED).await?;
                }
                Ok(())
            })
        });
        written.await
    }
}

/// What `own` would have said of the tenant's actions, in the place of its rules. `seen` are those of the last 30 days, the
/// newest first; one that cannot be read any more is left out.
pub(super) fn tried(rules: &Rules, own: &[Rule], seen: &[Row], since: Micros) -> DryRun {
    let mut run = DryRun { since, capped: seen.len() > MAX_TRIED as usize, ..DryRun::default() };
    let (mut by_rule, mut changed) = (HashMap::<_, usize>::new(), HashMap::<_, usize>::new());
    for row in seen.iter().take(MAX_TRIED as usize) {
        let (Ok(facts), Ok(was)) = (serde_json::from_str::<Facts>(&row.facts), serde_json::from_str(&row.effect))
        else {
            continue;
        };
        let would_be = rules.judge_by(own, &facts);
        run.actions += 1;
        *by_rule.entry(would_be.rule.clone()).or_default() += 1;
        if would_be.effect != was {
            *changed.entry((was, would_be.effect)).or_default() += 1;
            if run.examples.len() < MAX_EXAMPLES {
                run.examples.push(Example { facts, was: (was, row.rule.clone()), would_be });
            }
        }
    }
    run.by_rule = by_rule.into_iter().collect();
    run.by_rule.sort_by(|(name, count), (other, others)| others.cmp(count).then(name.cmp(other)));
    run.changed = changed.into_iter().map(|((from, to), count)| (from, to, count)).collect();
    run.changed.sort_by_key(|(from, to, count)| (std::cmp::Reverse(*count), format!("{from:?} {to:?}")));
    run
}
