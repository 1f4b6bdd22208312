//! Steps and events of runs.

use pilothouse_domain::run::StepStatus;
use pilothouse_store::{Error, Store, events, runs, steps};

use crate::support::{claimed, conflict, read, run_id, tenant, write};

async fn start(store: &Store, epoch: i64, seq: i64, name: &'static str, attempt: i64) -> Result<bool, Error> {
    write!(store, |tx| async move {
        steps::start(tx, &tenant("a"), run_id(1), epoch, seq, name, attempt, "h", 10 + attempt).await
    })
}

async fn finish(store: &Store, epoch: i64, seq: i64, status: StepStatus) -> Result<bool, Error> {
    write!(store, |tx| async move {
        let (output, error) = if status == StepStatus::Failed { (None, Some("e")) } else { (Some("[]"), None) };
        steps::finish(tx, &tenant("a"), run_id(1), epoch, seq, status, output, error, 20).await
    })
}

pub async fn a_finished_step_is_never_begun_again(store: &Store) {
    claimed(store, &tenant("a"), 1).await;
    assert_eq!(finish(store, 1, 1, StepStatus::Succeeded).await, conflict("step"), "not begun");
    assert_eq!(start(store, 1, 1, "planner", 1).await, Ok(true));
    assert_eq!(finish(store, 1, 1, StepStatus::Failed).await, Ok(true));
    assert_eq!(finish(store, 1, 1, StepStatus::Succeeded).await, conflict("step"), "it has failed already");
    assert_eq!(start(store, 1, 1, "critic", 2).await, conflict("step"), "another step stands there");
    assert_eq!(start(store, 1, 1, "planner", 2).await, Ok(true), "a failed one is tried again");
    let step = read!(store, |tx| async move { steps::get(tx, &tenant("a"), run_id(1), 1).await }).unwrap();
    assert_eq!((step.status, step.attempt, step.started_at), (StepStatus::Running, 2, 12));
    assert_eq!((step.error, step.finished_at, step.input_hash.as_str()), (None, None, "h"));
    assert_eq!(finish(store, 1, 1, StepStatus::Succeeded).await, Ok(true));
    assert_eq!(start(store, 1, 1, "planner", 3).await, conflict("step"));

    assert_eq!(start(store, 1, 2, "executor", 1).await, Ok(true));
    let list = read!(store, |tx| async move { steps::list(tx, &tenant("a"), run_id(1)).await });
    assert_eq!(
        list.iter().map(|step| (step.seq, step.name.as_str())).collect::<Vec<_>>(),
        [(1, "planner"), (2, "executor")]
    );
    assert_eq!(list[0].output.as_deref(), Some("[]"));
    assert!(read!(store, |tx| async move { steps::list(tx, &tenant("b"), run_id(1)).await }).is_empty());
}

async fn record(store: &Store, epoch: i64, name: &str, attempt: i64, status: StepStatus) -> Result<bool, Error> {
    let (output, error) = if status == StepStatus::Failed { (None, Some("e")) } else { (Some("[]"), None) };
    let step = steps::Ended {
        seq: 1,
        name: name.into(),
        status,
        input_hash: "h".into(),
        output: output.map(str::to_owned),
        error: error.map(str::to_owned),
        started_at: 10 + attempt,
        finished_at: 20 + attempt,
    };
    write!(store, |tx| async move { steps::record(tx, &tenant("a"), run_id(1), epoch, attempt, &step).await })
}

pub async fn a_step_is_recorded_once_and_only_by_its_worker(store: &Store) {
    claimed(store, &tenant("a"), 1).await;
    assert_eq!(record(store, 2, "planner", 1, StepStatus::Succeeded).await, Ok(false), "another epoch");
    assert_eq!(record(store, 1, "planner", 1, StepStatus::Failed).await, Ok(true));
    assert_eq!(record(store, 1, "critic", 2, StepStatus::Succeeded).await, conflict("step"), "another step is there");
    assert_eq!(record(store, 1, "planner", 2, StepStatus::Succeeded).await, Ok(true), "a failed one is tried again");
    assert_eq!(record(store, 1, "planner", 3, StepStatus::Succeeded).await, conflict("step"), "it has succeeded");
    let step = read!(store, |tx| async move { steps::get(tx, &tenant("a"), run_id(1), 1).await }).unwrap();
    assert_eq!((step.status, step.attempt, step.started_at), (StepStatus::Succeeded, 2, 12));
    assert_eq!((step.finished_at, step.output.as_deref(), step.error), (Some(22), Some("[]"), None));
    write!(store, |tx| runs::release_expired(tx, 100, 9)).unwrap();
    assert_eq!(record(store, 1, "planner", 4, StepStatus::Succeeded).await, Ok(false), "nobody holds the run");
}

pub async fn a_fenced_worker_cannot_write_steps(store: &Store) {
    claimed(store, &tenant("a"), 1).await;
    assert_eq!(start(store, 1, 1, "planner", 1).await, Ok(true));
    write!(store, |tx| runs::release_expired(tx, 100, 9)).unwrap();
    assert_eq!(finish(store, 1, 1, StepStatus::Succeeded).await, Ok(false), "nobody holds the run");
    write!(store, |tx| runs::claim(tx, "other", 101, 200, &["ask"], 1)).unwrap();
    assert_eq!(start(store, 1, 1, "planner", 1).await, Ok(false));
    assert_eq!(finish(store, 1, 1, StepStatus::Succeeded).await, Ok(false), "another holds the run");
    assert_eq!(start(store, 2, 1, "planner", 2).await, Ok(true));
}

pub async fn events_are_numbered_per_run(store: &Store) {
    claimed(store, &tenant("a"), 1).await;
    claimed(store, &tenant("a"), 2).await;
    let append = |n, at| {
        let store = store.clone();
        async move {
            write!(store, |tx| async move {
                events::append(tx, &tenant("a"), run_id(n), "step.finished", r#"{"x":1}"#, at).await
            })
        }
    };
    for (n, seq) in [(1, 1), (1, 2), (2, 1), (1, 3)] {
        assert_eq!(append(n, 40 + seq).await, Ok(seq));
    }
    assert_eq!(append(3, 9).await, Err(Error::Missing { what: "run" }));
    let page = read!(store, |tx| async move { events::list(tx, &tenant("a"), run_id(1), 1, 1).await });
    assert_eq!(page.len(), 1);
    assert_eq!((page[0].seq, page[0].kind.as_str(), page[0].at), (2, "step.finished", 42));
    assert!(read!(store, |tx| async move { events::list(tx, &tenant("b"), run_id(1), 0, 9).await }).is_empty());
}

pub async fn events_from_many_sides_have_no_gaps(store: &Store) {
    claimed(store, &tenant("a"), 1).await;
    let sides = (0..24).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            write!(store, |tx| async move { events::append(tx, &tenant("a"), run_id(1), "tick", "{}", n).await })
        })
    });
    let mut numbers: Vec<i64> =
        futures::future::join_all(sides).await.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
}
