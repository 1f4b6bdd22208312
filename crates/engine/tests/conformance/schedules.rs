//! What becomes of the ticks of schedules: each is decided on once, by whichever node, whatever the clock does.

use std::collections::BTreeSet;
use std::time::Duration;

use pilothouse_domain::run::Status;
use pilothouse_domain::schedule::{Interval, Overlap, Policy, Timing};
use pilothouse_domain::{Clock as _, Ids as _, ScheduleId};
use pilothouse_engine::Engine;
use pilothouse_store::runs::{self, Run};
use pilothouse_store::schedules::{self as rows, Schedule};
use pilothouse_store::{Store, audit};

use crate::cancelling::stoppable;
use crate::queue::noting;
use crate::support::{Bench, LEASE, PATIENCE, World};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

impl Bench {
    /// A schedule of the workflow `flow` that ticks every `every`, stored.
    async fn schedule(&self, name: &str, every: Duration, policy: Policy) -> Schedule {
        self.schedule_of("flow", name, every, policy).await
    }

    async fn schedule_of(&self, kind: &str, name: &str, every: Duration, policy: Policy) -> Schedule {
        let now = self.clock.now();
        let timing = Timing::Every(Interval::new(every.as_secs().try_into().unwrap(), 0).unwrap());
        let next = timing.next_after(now);
        let schedule = Schedule {
            id: ScheduleId(self.ids.uuid(now)),
            tenant: self.tenant.clone(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            queue: kind.to_owned(),
            title: name.to_owned(),
            input: "{}".to_owned(),
            subject: "ada".to_owned(),
            max_attempts: 3,
            timing,
            policy,
            paused: None,
            next_at: next,
            due_at: next,
            last: None,
            missed: 0,
            created_at: now,
            updated_at: now,
        };
        let row = schedule.clone();
        self.store.write(move |tx| Box::pin(async move { rows::insert(tx, &row).await })).await.unwrap();
        schedule
    }

    async fn look(&self, schedule: &Schedule) -> Schedule {
        let (tenant, id) = (self.tenant.clone(), schedule.id);
        let found = self.store.read(move |tx| Box::pin(async move { rows::get(tx, &tenant, id).await }));
        found.await.unwrap().unwrap()
    }

    /// Has the engines look, and waits until nothing of the schedule is due any more; returns it as it stands then.
    async fn decided(&self, engines: &[&Engine], schedule: &Schedule) -> Schedule {
        engines.iter().for_each(|engine| engine.schedules_changed());
        let looking = async {
            loop {
                let found = self.look(schedule).await;
                if found.due_at.is_some_and(|due| due > self.clock.now()) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("the schedule is decided on")
    }

    /// The schedule's runs, the oldest first.
    async fn runs_of(&self, schedule: &Schedule) -> Vec<Run> {
        let (tenant, id) = (self.tenant.clone(), schedule.id);
        let read =
            self.store.read(move |tx| Box::pin(async move { runs::of_schedule(tx, &tenant, id, None, 200).await }));
        let mut found = read.await.unwrap();
        found.sort_by_key(|run| run.idem_key.clone());
        found
    }

    /// The schedule's runs, the oldest first, once all of them have ended.
    async fn ended_runs_of(&self, engine: &Engine, schedule: &Schedule) -> Vec<Run> {
        let runs = self.runs_of(schedule).await;
        for run in &runs {
            self.ended(engine, run.id).await;
        }
        runs
    }
}

fn ticks(runs: &[Run]) -> BTreeSet<String> {
    runs.iter().map(|run| run.idem_key.clone().unwrap()).collect()
}

fn overlapping(overlap: Overlap) -> Policy {
    Policy { overlap, ..Policy::default() }
}

pub async fn each_tick_fires_once_over_two_nodes(store: &Store) {
    const TICKS: usize = 12;
    let (bench, world) = (Bench::on(store).await, World::new());
    let policy = Policy { overlap: Overlap::Queue, catch_up: "all".parse().unwrap(), jitter_seconds: 0 };
    let schedule = bench.schedule("often", MINUTE, policy).await;
    let nodes = [(); 2].map(|()| bench.sharing(noting(world.clone(), false), 4, LEASE).0);
    let engines = [&nodes[0].engine, &nodes[1].engine];
    for _ in 0..TICKS {
        bench.clock.forward(MINUTE);
        bench.decided(&engines, &schedule).await;
    }
    let runs = bench.runs_of(&schedule).await;
    assert_eq!((runs.len(), ticks(&runs).len()), (TICKS, TICKS));
    for run in &runs {
        assert_eq!(bench.ended(engines[0], run.id).await.status, Status::Succeeded);
    }
    assert_eq!(world.effects().len(), TICKS);
    let read = store.read(|tx| Box::pin(async { audit::list(tx, "acme", None, 200).await }));
    let audited = read.await.unwrap().into_iter().filter(|row| row.entry.action == rows::FIRE).count();
    assert_eq!(audited, TICKS, "each stands in the audit log");
    for node in nodes {
        node.end().await;
    }
}

pub async fn a_tick_is_skipped_while_a_run_has_not_ended(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let schedule = bench.schedule("skips", MINUTE, overlapping(Overlap::Skip)).await;
    let working = bench.working(noting(world.clone(), true), 4);
    bench.clock.forward(MINUTE);
    bench.decided(&[&working.engine], &schedule).await;
    world.at_gate(1).await;
    bench.clock.forward(MINUTE);
    let skipped = bench.decided(&[&working.engine], &schedule).await.last.unwrap();
    assert_eq!((skipped.outcome.as_str(), skipped.run), ("skipped", None));
    let first = bench.runs_of(&schedule).await;
    assert_eq!(first.len(), 1);
    world.gate.add_permits(2);
    bench.ended(&working.engine, first[0].id).await;
    bench.clock.forward(MINUTE);
    assert_eq!(bench.decided(&[&working.engine], &schedule).await.last.unwrap().outcome, "started");
    let runs = bench.runs_of(&schedule).await;
    assert_eq!(runs.len(), 2);
    bench.ended(&working.engine, runs[1].id).await;
    working.end().await;
}

pub async fn a_tick_waits_for_the_runs_before_it(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let schedule = bench.schedule("queues", MINUTE, overlapping(Overlap::Queue)).await;
    let working = bench.working(noting(world.clone(), true), 4);
    bench.clock.forward(MINUTE);
    bench.decided(&[&working.engine], &schedule).await;
    world.at_gate(1).await;
    bench.clock.forward(MINUTE);
    bench.decided(&[&working.engine], &schedule).await;
    let runs = bench.runs_of(&schedule).await;
    // There are slots free, and yet the second run does not begin beside the first.
    assert_eq!(runs.iter().map(|run| run.status).collect::<Vec<_>>(), [Status::Running, Status::Queued]);
    world.gate.add_permits(2);
    let (first, second) =
        (bench.ended(&working.engine, runs[0].id).await, bench.ended(&working.engine, runs[1].id).await);
    assert_eq!((first.status, second.status), (Status::Succeeded, Status::Succeeded));
    assert_eq!(world.effects(), [runs[0].id.to_string(), runs[1].id.to_string()]);
    working.end().await;
}

pub async fn a_tick_takes_the_place_of_the_run_before_it(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let schedule = bench.schedule("replaces", MINUTE, overlapping(Overlap::Replace)).await;
    let working = bench.working(stoppable(world.clone()), 4);
    bench.clock.forward(MINUTE);
    bench.decided(&[&working.engine], &schedule).await;
    world.at_gate(1).await;
    bench.clock.forward(MINUTE);
    assert_eq!(bench.decided(&[&working.engine], &schedule).await.last.unwrap().outcome, "replaced");
    let runs = bench.runs_of(&schedule).await;
    assert_eq!(bench.ended(&working.engine, runs[0].id).await.status, Status::Cancelled);
    world.at_gate(1).await;
    world.gate.add_permits(1);
    assert_eq!(bench.ended(&working.engine, runs[1].id).await.status, Status::Succeeded);
    working.end().await;
}

pub async fn missed_ticks_are_made_up_for_as_the_policy_says(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let mut schedules = Vec::new();
    for (catch_up, fired, missed) in [("none", 0, 5), ("last", 1, 4), ("all", 5, 0), ("bounded:2", 2, 3)] {
        let policy = Policy { catch_up: catch_up.parse().unwrap(), ..Policy::default() };
        schedules.push((bench.schedule(catch_up, HOUR, policy).await, fired, missed));
    }
    let working = bench.working(noting(world.clone(), false), 4);
    bench.clock.forward(HOUR * 5);
    for (schedule, fired, missed) in &schedules {
        let decided = bench.decided(&[&working.engine], schedule).await;
        let runs = bench.runs_of(schedule).await;
        assert_eq!((runs.len(), decided.missed), (*fired, *missed), "{}", schedule.name);
        for run in runs {
            assert_eq!(bench.ended(&working.engine, run.id).await.status, Status::Succeeded);
        }
    }
    working.end().await;
}

pub async fn a_clock_that_jumps_back_fires_nothing_twice(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let schedule = bench.schedule("hourly", HOUR, Policy::default()).await;
    let working = bench.working(noting(world.clone(), false), 4);
    bench.clock.forward(HOUR);
    bench.decided(&[&working.engine], &schedule).await;
    assert_eq!(bench.ended_runs_of(&working.engine, &schedule).await.len(), 1);
    bench.clock.backward(HOUR * 3);
    // What comes due by the clock as it is now shows that the engine has looked meanwhile.
    let witness = bench.schedule("witness", HOUR, Policy::default()).await;
    for fired in 1..=3 {
        bench.clock.forward(HOUR);
        bench.decided(&[&working.engine], &witness).await;
        assert_eq!(bench.ended_runs_of(&working.engine, &witness).await.len(), fired);
        assert_eq!(bench.runs_of(&schedule).await.len(), 1);
    }
    bench.clock.forward(HOUR);
    bench.decided(&[&working.engine], &schedule).await;
    let runs = bench.ended_runs_of(&working.engine, &schedule).await;
    assert_eq!((runs.len(), ticks(&runs).len()), (2, 2));
    bench.ended_runs_of(&working.engine, &witness).await;
    working.end().await;
}

pub async fn a_paused_schedule_fires_nothing(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let schedule = bench.schedule("paused", HOUR, Policy::default()).await;
    let witness = bench.schedule("witness", HOUR, Policy::default()).await;
    let pause = |schedule: Schedule| {
        bench.store.write(move |tx| Box::pin(async move { rows::update(tx, &schedule).await.map(|_| ()) }))
    };
    let paused = Some((bench.clock.now(), "ada".to_owned()));
    pause(Schedule { paused, due_at: None, ..schedule.clone() }).await.unwrap();
    let working = bench.working(noting(world.clone(), false), 4);
    bench.clock.forward(HOUR * 3);
    bench.decided(&[&working.engine], &witness).await;
    let kept = bench.look(&schedule).await;
    assert_eq!((bench.runs_of(&schedule).await.len(), kept.next_at), (0, schedule.next_at));
    // Resumed, it makes up for what it missed as its policy says.
    pause(Schedule { paused: None, due_at: schedule.next_at, ..kept }).await.unwrap();
    let resumed = bench.decided(&[&working.engine], &schedule).await;
    let runs = bench.runs_of(&schedule).await;
    assert_eq!((runs.len(), resumed.missed), (1, 2));
    bench.ended(&working.engine, runs[0].id).await;
    working.end().await;
}

pub async fn the_runs_of_a_removed_schedule_stay(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let schedule = bench.schedule("removed", HOUR, Policy::default()).await;
    let witness = bench.schedule("witness", HOUR, Policy::default()).await;
    let working = bench.working(noting(world.clone(), true), 4);
    bench.clock.forward(HOUR);
    for schedule in [&schedule, &witness] {
        bench.decided(&[&working.engine], schedule).await;
    }
    world.at_gate(2).await;
    let (tenant, id) = (bench.tenant.clone(), schedule.id);
    let removed = store.write(move |tx| Box::pin(async move { rows::delete(tx, &tenant, id).await }));
    assert!(removed.await.unwrap());
    world.gate.add_permits(3);
    let runs = bench.runs_of(&schedule).await;
    assert_eq!(bench.ended(&working.engine, runs[0].id).await.status, Status::Succeeded);
    let before = bench.runs_of(&witness).await;
    bench.ended(&working.engine, before[0].id).await;
    bench.clock.forward(HOUR);
    bench.decided(&[&working.engine], &witness).await;
    let again = bench.runs_of(&witness).await;
    assert_eq!((again.len(), bench.runs_of(&schedule).await.len()), (2, 1));
    bench.ended(&working.engine, again[1].id).await;
    working.end().await;
}

pub async fn schedules_of_workflows_that_nobody_knows_are_in_nobodys_way(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    // More than are looked at in one commit, and all of them due before the one that counts.
    for number in 0..60 {
        bench.schedule_of("nobodys", &format!("{number}"), MINUTE, Policy::default()).await;
    }
    let schedule = bench.schedule("known", HOUR, Policy::default()).await;
    let working = bench.working(noting(world.clone(), false), 4);
    bench.clock.forward(HOUR);
    bench.decided(&[&working.engine], &schedule).await;
    let runs = bench.runs_of(&schedule).await;
    assert_eq!(runs.len(), 1);
    bench.ended(&working.engine, runs[0].id).await;
    working.end().await;
}
