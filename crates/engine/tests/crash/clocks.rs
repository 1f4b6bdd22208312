//! Clocks that somebody steps while processes work: no lease is lost by it, no run is lost or done twice, and schedules
//! tick as their policies say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pilothouse_domain::run::Status;
use pilothouse_domain::schedule::{CatchUp, Interval, Overlap, Policy, Timing};
use pilothouse_domain::{Clock as _, Ids as _, Micros, ScheduleId, TenantId};
use pilothouse_store::schedules::{self, Schedule};
use pilothouse_store::{Options, Store, runs, tenants};

use crate::pack::Pack;
use crate::span::SPAN;
use crate::system::{Numbers, System};
use crate::{LONGEST_OF_PACK, Scene, moments, spans, trouble_ends};

const MISSING: &str = "this test steps the clocks of processes with libfaketime: install the Debian package faketime";
const SECOND_US: Micros = 1_000_000;
/// The most that a clock is off, in seconds. A process that is alone goes by its own clock and makes up for each second
/// of it; several go by their database's.
const OFF_ALONE: u64 = 15;
const OFF_AMONG_OTHERS: u64 = 7_200;
/// Longer than a busy machine holds a process up, so that whoever is given up was given up for its clock.
const LONG_LEASE: Duration = Duration::from_secs(10);
/// How late the newest tick may be decided on.
const LATE_US: Micros = 5 * SECOND_US;

/// How a command's clock is set while it runs: by what a file says.
pub struct Clocks {
    library: PathBuf,
    folder: PathBuf,
}

impl Clocks {
    fn at(folder: &Path) -> Self {
        let libraries = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let library =
            libraries.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
        Self { library: library.expect(MISSING), folder: folder.to_owned() }
    }

    /// Lets the process with this number go by a clock of its own, which is right until it is set.
    pub fn give(&self, number: u64, process: &mut Command) {
        if !self.file(number).exists() {
            self.set(number, 0);
        }
        process.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", self.file(number));
        // The time since the start of the machine is nobody's to set.
        process
            .envs(["FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC", "FAKETIME_NO_CACHE"].map(|name| (name, "1")));
    }

    /// Sets the clock of a process so many seconds off.
    fn set(&self, number: u64, seconds: i64) {
        let new = self.folder.join("new clock");
        fs::write(&new, format!("{seconds:+}")).unwrap();
        fs::rename(new, self.file(number)).unwrap();
    }

    fn file(&self, number: u64) -> PathBuf {
        self.folder.join(format!("clock {number}"))
    }
}

/// Seconds, as a moment has it, from `most` before to `most` after.
fn off(moment: Duration, most: u64) -> i64 {
    i64::try_from(moment.as_micros() as u64 % (2 * most + 1)).unwrap() - most as i64
}

fn with_clocks(scene: Scene) -> Scene {
    let clocks = Some(Clocks::at(scene.folder.path()));
    Scene { clocks, lease: LONG_LEASE, ..scene }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_alone_survives_steps_of_its_clock() {
    let scene = with_clocks(Scene::sqlite());
    let ticking = Ticking::begin(&scene).await;
    let clocks = scene.clocks.as_ref().unwrap();
    let mut pack = Pack::asking(&scene, 1);
    let (mut moments, mut steps, end) = (moments(LONGEST_OF_PACK), 0, trouble_ends());
    while Instant::now() < end {
        pack.wait(moments.next().unwrap());
        clocks.set(0, off(moments.next().unwrap(), OFF_ALONE));
        steps += 1;
    }
    // Past every moment that it has seen.
    let ahead = OFF_ALONE as i64 + 1;
    clocks.set(0, ahead);
    pack.wait(Duration::from_secs(3));
    survived(&scene, pack, &ticking, steps, ahead * SECOND_US).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_survive_steps_of_their_clocks() {
    let scene = with_clocks(Scene::postgres(pilothouse_testkit::postgres().schema_url("engine_clocks")));
    let ticking = Ticking::begin(&scene).await;
    let clocks = scene.clocks.as_ref().unwrap();
    // Some begin with a clock that is wrong.
    for (number, moment) in moments(LONGEST_OF_PACK).take(64).enumerate() {
        clocks.set(number as u64, off(moment, OFF_AMONG_OTHERS));
    }
    let mut pack = Pack::asking(&scene, 2);
    let (mut moments, mut steps, end) = (moments(LONGEST_OF_PACK), 0, trouble_ends());
    while Instant::now() < end {
        pack.wait(moments.next().unwrap());
        match steps % 4 {
            3 if pack.begun() < 64 => pack.replace(&scene, 0),
            which => clocks.set(pack.number(which % 2), off(moments.next().unwrap(), OFF_AMONG_OTHERS)),
        }
        steps += 1;
    }
    survived(&scene, pack, &ticking, steps, 0).await;
}

/// Looks at everything, once the processes have ended, whose time is so much `ahead`.
async fn survived(scene: &Scene, pack: Pack, ticking: &Ticking, steps: usize, ahead: Micros) {
    let from = System.now() + ahead - LATE_US;
    let told = pack.stop();
    let newest = ticking.pause(scene).await;
    let to = System.now() + ahead + LATE_US;
    assert!((from..=to).contains(&newest), "ticks are decided on in time: {from} {newest} {to}");
    let figures = scene.finish(&told).await;
    eprintln!("{steps} steps: {figures:?}");
    assert!(steps > 5 && figures.accepted > steps, "{figures:?}");
    assert_eq!((figures.interrupted, figures.repeated), (0, 0), "a clock takes nobody's lease");
    ticking.assert_sound(scene).await;
}

/// Two schedules that tick every second.
struct Ticking {
    tenant: TenantId,
    begun: [Schedule; 2],
}

impl Ticking {
    async fn begin(scene: &Scene) -> Self {
        let tenant: TenantId = "ticks".parse().unwrap();
        let now = System.now();
        let numbers = Numbers::default();
        let schedule = |name: &str, catch_up| {
            let timing = Timing::Every(Interval::new(1, 0).unwrap());
            let next_at = timing.next_after(now);
            Schedule {
                id: ScheduleId(numbers.uuid(now)),
                tenant: tenant.clone(),
                name: name.to_owned(),
                kind: SPAN.to_owned(),
                queue: SPAN.to_owned(),
                title: name.to_owned(),
                input: spans::input(20, name),
                subject: "ada".to_owned(),
                max_attempts: 3,
                timing,
                policy: Policy { overlap: Overlap::Queue, catch_up, jitter_seconds: 0 },
                paused: None,
                next_at,
                due_at: next_at,
                last: None,
                missed: 0,
                created_at: now,
                updated_at: now,
            }
        };
        let begun = [schedule("all", CatchUp::All), schedule("last", CatchUp::Last)];
        let (store, made) = (open(scene).await, begun.clone());
        let write = store.write(|tx| {
            Box::pin(async move {
                tenants::ensure(tx, &made[0].tenant, "Ticks", 1).await?;
                for schedule in &made {
                    schedules::insert(tx, schedule).await?;
                }
                Ok(())
            })
        });
        write.await.unwrap();
        store.close().await;
        Self { tenant, begun }
    }

    /// Pauses both; returns the earliest of their next ticks.
    async fn pause(&self, scene: &Scene) -> Micros {
        let (store, tenant) = (open(scene).await, self.tenant.clone());
        let paused = store.write(move |tx| {
            Box::pin(async move {
                let found = schedules::list(tx, &tenant, 9).await?;
                for schedule in found.clone() {
                    let paused = Some((1, "ada".to_owned()));
                    schedules::update(tx, &Schedule { paused, due_at: None, ..schedule }).await?;
                }
                Ok(found)
            })
        });
        let next = paused.await.unwrap().iter().filter_map(|schedule| schedule.next_at).min();
        store.close().await;
        next.unwrap()
    }

    /// Every tick was decided on once: under `all` each has its run, under `last` each has one or was counted as missed.
    async fn assert_sound(&self, scene: &Scene) {
        let store = open(scene).await;
        let mut fired = 0;
        for begun in &self.begun {
            let (tenant, id) = (self.tenant.clone(), begun.id);
            let read = store.read(move |tx| {
                Box::pin(async move {
                    let schedule = schedules::get(tx, &tenant, id).await?.unwrap();
                    Ok((schedule, runs::of_schedule(tx, &tenant, id, None, 100_000).await?))
                })
            });
            let (schedule, runs) = read.await.unwrap();
            let ticks = (schedule.next_at.unwrap() - begun.next_at.unwrap()) / SECOND_US;
            let named: BTreeSet<&str> = runs.iter().filter_map(|run| run.idem_key.as_deref()).collect();
            assert_eq!(named.len(), runs.len(), "a tick has one run");
            assert_eq!(ticks, runs.len() as i64 + schedule.missed, "{}: a tick is lost", schedule.name);
            assert!(schedule.missed == 0 || schedule.name == "last", "{schedule:?}");
            assert!(runs.iter().all(|run| (run.status, run.epoch) == (Status::Succeeded, 1)), "{runs:?}");
            fired += runs.len();
        }
        store.close().await;
        let text = scene.told_in("spans");
        let told = spans::read(&text);
        assert_eq!(spans::assert_each_once(&told, &["all", "last"]).len(), fired);
    }
}

async fn open(scene: &Scene) -> Store {
    Store::open(&scene.opened, &Options { postgres_connections: 2, ..Options::default() }).await.unwrap()
}
