//! What a workflow says while it works: lines and progress.

use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_engine::Failure;
use pilothouse_store::Store;
use pilothouse_store::journal::{self, EntryKind, Lines};
use serde_json::json;
use tracing::Level;

use crate::support::{Bench, PAUSE, World, done, flow, request};

pub async fn progress_never_goes_back(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            let percents: &[u8] = if journal.attempt() == 1 { &[10, 40, 40, 30] } else { &[5, 40, 60, 50, 250, 100] };
            for percent in percents {
                journal.progress(*percent, "on").await;
            }
            let fails = journal.attempt() == 1;
            let work = async { if fails { Err(Failure::retryable(Code::Unavailable, "no")) } else { done(()) } };
            let () = journal.step("work", work).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(2)).await.id;
    bench.until(&working.engine, id, |run| run.attempt == 2).await;
    bench.clock.forward(PAUSE);
    bench.ended(&working.engine, id).await;
    let events = bench.events(&working.engine, id, 0).await;
    let told = events.iter().filter(|event| event.kind == "progress");
    let percents: Vec<i64> = told.map(|event| crate::support::told(event)["percent"].as_i64().unwrap()).collect();
    assert_eq!(percents, [10, 40, 60, 100]);
    working.end().await;
}

pub async fn lines_stand_in_their_order(store: &Store) {
    let (bench, world) = (Bench::on(store).await, World::new());
    let seen = world.clone();
    let workflow = flow(1, move |journal, _| {
        let world = seen.clone();
        Box::pin(async move {
            journal.log(Level::INFO, "one\0 and a half").await;
            journal.log(Level::WARN, &"ü".repeat(5_000)).await;
            let () = journal.step("work", async { done(()) }).await?;
            journal.log(Level::ERROR, "three").await;
            // Nothing is written here, and yet the line comes to whoever watches.
            world.pass().await;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    world.at_gate(1).await;
    let watching = async {
        loop {
            let (run, entries) = working.engine.journal(&bench.tenant, id).await.unwrap().unwrap();
            if entries.len() == 5 {
                return (run, entries);
            }
            tokio::task::yield_now().await;
        }
    };
    let (run, entries) = tokio::time::timeout(crate::support::PATIENCE, watching).await.unwrap();
    assert_eq!(run.status, Status::Running);
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.name.as_str())).collect();
    let wanted = [
        (EntryKind::State, "running"),
        (EntryKind::Log, "info"),
        (EntryKind::Log, "warn"),
        (EntryKind::Step, "work"),
        (EntryKind::Log, "error"),
    ];
    assert_eq!(kinds, wanted);
    assert_eq!((entries[1].summary.as_str(), entries[2].summary.len()), ("one and a half", 8_192));
    world.gate.add_permits(1);
    bench.ended(&working.engine, id).await;
    working.end().await;
}

pub async fn lines_belong_to_the_step_that_is_at_work(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            journal.log(Level::INFO, "before").await;
            let first = async {
                journal.log(Level::INFO, "in the first").await;
                if journal.attempt() == 1 { Err(Failure::retryable(Code::Unavailable, "no")) } else { done(()) }
            };
            let () = journal.step("first", first).await?;
            journal.log(Level::INFO, "between").await;
            let branches = journal.fan_out(["a", "b"], 2, |branch, name| async move {
                let work = async {
                    branch.log(Level::INFO, name).await;
                    done(())
                };
                let () = branch.step("branch", work).await?;
                Ok(())
            });
            branches.await.into_iter().collect::<Result<Vec<()>, Failure>>()?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(2)).await.id;
    bench.until(&working.engine, id, |run| run.attempt == 2).await;
    bench.clock.forward(PAUSE);
    bench.ended(&working.engine, id).await;
    let lines = async |lines: Lines| -> Vec<(String, Option<String>)> {
        let (tenant, lines) = (bench.tenant.clone(), Lines { limit: 100, ..lines });
        let read = store.read(move |tx| Box::pin(async move { journal::logs(tx, &tenant, id, lines).await }));
        read.await.unwrap().into_iter().map(|entry| (entry.summary, entry.path)).collect()
    };
    let line = |text: &str, path: Option<&str>| (text.to_owned(), path.map(str::to_owned));
    let mut all = lines(Lines::default()).await;
    all[5..].sort();
    let wanted = [
        line("before", None),
        line("in the first", Some("1")),
        line("before", None),
        line("in the first", Some("1")),
        line("between", None),
        line("a", Some("2/0/1")),
        line("b", Some("2/1/1")),
    ];
    assert_eq!(all, wanted);
    let mut second = lines(Lines { step: Some(2), ..Lines::default() }).await;
    second.sort();
    assert_eq!(second, wanted[5..]);
    assert_eq!(lines(Lines { step: Some(1), ..Lines::default() }).await.len(), 2);
    assert_eq!(lines(Lines { step: Some(3), ..Lines::default() }).await, []);
    working.end().await;
}

pub async fn a_run_logs_so_much_and_no_more(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            let (first, count) = (journal.attempt() == 1, if journal.attempt() == 1 { 9_998 } else { 5 });
            let work = async {
                for n in 0..count {
                    journal.log(Level::INFO, &n.to_string()).await;
                }
                if first { Err(Failure::retryable(Code::Unavailable, "no")) } else { done(()) }
            };
            let () = journal.step("work", work).await?;
            Ok(json!(null))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(2)).await.id;
    bench.until(&working.engine, id, |run| run.attempt == 2).await;
    bench.clock.forward(PAUSE);
    bench.ended(&working.engine, id).await;
    let (tenant, lines) = (bench.tenant.clone(), Lines { limit: 20_000, ..Lines::default() });
    let read = store.read(move |tx| Box::pin(async move { journal::logs(tx, &tenant, id, lines).await }));
    let found = read.await.unwrap();
    // The attempts share one measure, and the last line says that it is full.
    assert_eq!((found.len(), found[9_999].summary.as_str()), (10_001, "1"));
    assert_eq!(found[10_000].name, "warn");
    assert!(found[10_000].summary.contains("10000 lines"), "{}", found[10_000].summary);
    working.end().await;
}

pub async fn what_no_database_keeps_is_left_out(store: &Store) {
    let bench = Bench::on(store).await;
    let workflow = flow(1, move |journal, _| {
        Box::pin(async move {
            let words = || pilothouse_engine::Done { output: "o\0k".to_owned(), summary: "w\0ell".into() };
            let output: String = journal.step("zero", async { Ok(words()) }).await?;
            journal.progress(50, "half\0way").await;
            Err(Failure::last(Code::QueryFailed, format!("n\0o {}", output.len())))
        })
    });
    let working = bench.working(workflow, 1);
    let id = bench.start(&working.engine, request(1)).await.id;
    let run = bench.ended(&working.engine, id).await;
    assert_eq!((run.status, run.error_message.as_deref()), (Status::Failed, Some("no 3")));
    let steps = bench.steps(&working.engine, id).await;
    assert_eq!((steps[0].summary.as_str(), steps[0].output.as_deref()), ("well", Some(r#""o\u0000k""#)));
    working.end().await;
}
