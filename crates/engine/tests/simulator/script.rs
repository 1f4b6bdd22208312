//! A workflow that does what its input says: steps, branches, waits and sleeps, each of which tells the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use pilothouse_domain::Code;
use pilothouse_engine::{Done, Failure, Journal, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::world::Process;

/// The workflow's kind.
pub const KIND: &str = "script";
/// The name of steps with an effect.
pub const STEP: &str = "step";
/// The name of the signals that runs wait for.
pub const GO: &str = "go";

/// What a workflow does next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Act {
    /// A step that takes so many milliseconds.
    Step(u64),
    /// The last one.
    Last(u64),
    /// A wait for a signal, at most so many milliseconds.
    Wait(Option<u64>),
    /// A sleep of so many milliseconds.
    Sleep(u64),
    /// A line and so many percent.
    Tell(u8),
    /// Branches, so many at once.
    Branches(usize, Vec<Vec<Act>>),
}

/// A script, as chance has it. `deep` scripts have branches.
pub fn script(chance: &Chance, deep: bool) -> Vec<Act> {
    let mut acts: Vec<Act> = (0..chance.between(1, if deep { 5 } else { 3 })).map(|_| act(chance, deep)).collect();
    if deep && chance.happens(500) {
        acts.push(Act::Last(chance.between(0, 20)));
    }
    acts
}

fn act(chance: &Chance, deep: bool) -> Act {
    match chance.below(if deep { 12 } else { 9 }) {
        0 => Act::Wait(chance.happens(500).then(|| chance.between(10, 4_000))),
        1 => Act::Sleep(chance.between(10, 4_000)),
        2 => Act::Tell(chance.below(101) as u8),
        3 => Act::Step(chance.between(500, 3_000)),
        4..=8 => Act::Step(chance.between(0, 50)),
        _ => {
            let branches = (0..chance.between(1, 4)).map(|_| script(chance, false)).collect();
            Act::Branches(chance.between(1, 3) as usize, branches)
        }
    }
}

/// How often, in a thousand, a step fails while there are faults: so that it is tried again, and for good.
const FAILS: u64 = 40;
const FAILS_FOR_GOOD: u64 = 8;

pub struct Script {
    pub process: Arc<Process>,
}

/// What the steps so far returned, by path.
type Results = BTreeMap<String, Value>;

#[async_trait]
impl Workflow for Script {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let acts: Vec<Act> = serde_json::from_value(input).unwrap_or_default();
        Ok(json!(self.play(journal, "", &acts).await?))
    }
}

impl Script {
    fn play<'a>(
        &'a self,
        journal: &'a Journal,
        prefix: &'a str,
        acts: &'a [Act],
    ) -> BoxFuture<'a, Result<Results, Failure>> {
        Box::pin(async move {
            let mut results = Results::new();
            let mut place = 0;
            for act in acts {
                if !matches!(act, Act::Tell(_)) {
                    place += 1;
                }
                let path = format!("{prefix}{place}");
                match act {
                    Act::Step(takes) | Act::Last(takes) => {
                        let key = journal.idempotency_key(STEP);
                        let work = self.effect(journal, &path, key, Duration::from_millis(*takes));
                        let result: Value = match act {
                            Act::Last(_) => journal.last_step(STEP, work).await?,
                            _ => journal.step(STEP, work).await?,
                        };
                        results.insert(path, result);
                    }
                    Act::Wait(limit) => {
                        let until = self.moment(journal, limit.unwrap_or(0)).await?;
                        place += 1;
                        journal.wait_for(GO, limit.map(|_| until)).await?;
                    }
                    Act::Sleep(millis) => {
                        let until = self.moment(journal, *millis).await?;
                        place += 1;
                        journal.sleep_until(until).await?;
                    }
                    Act::Tell(percent) => {
                        journal.log(tracing::Level::INFO, "a line").await;
                        journal.progress(*percent, "on").await;
                    }
                    Act::Branches(most, branches) => {
                        let ended =
                            journal.fan_out(branches.iter().enumerate(), *most, async |journal, (index, acts)| {
                                self.play(&journal, &format!("{path}/{index}/"), acts).await
                            });
                        for ended in ended.await {
                            results.extend(ended?);
                        }
                    }
                }
            }
            Ok(results)
        })
    }

    /// A moment so far away, the same in every attempt.
    async fn moment(&self, journal: &Journal, millis: u64) -> Result<i64, Failure> {
        let now = self.process.moment();
        journal.step("moment", async { Ok(Done { output: now + millis as i64 * 1_000, summary: String::new() }) }).await
    }

    async fn effect(
        &self,
        journal: &Journal,
        path: &str,
        key: String,
        takes: Duration,
    ) -> Result<Done<Value>, Failure> {
        let world = &self.process.world;
        let (id, epoch, faults) = (journal.id(), journal.fence(), world.has_faults());
        tokio::time::sleep(takes / 2).await;
        self.process.goes_on().await;
        world.tell(format_args!("{} does {path} of {id} under {epoch}", self.process.name));
        let (value, fails, for_good) = world.with(|inner| inner.does(id, path, epoch, &key));
        // Whoever is told to stop half-way does so here.
        tokio::select! {
            biased;
            () = journal.cancel().cancelled() => return Err(Failure::retryable(Code::Unavailable, "stopped")),
            () = tokio::time::sleep(takes / 2) => {}
        }
        self.process.goes_on().await;
        match (faults && fails, for_good) {
            (true, true) => Err(Failure::last(Code::QueryFailed, "for good")),
            (true, false) => Err(Failure::retryable(Code::Unavailable, "not now")),
            _ => Ok(Done { output: json!(value), summary: String::new() }),
        }
    }
}

/// What becomes of a step: its result, whether it fails, and whether for good.
pub fn outcome(chance: &Chance) -> (u64, bool, bool) {
    let (value, fails, for_good) = (chance.number() >> 12, chance.happens(FAILS), chance.happens(FAILS_FOR_GOOD));
    (value, fails || for_good, for_good)
}
