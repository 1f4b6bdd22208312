//! Stores to test on, and the few things that every test needs.

use std::sync::Arc;

use pilothouse_domain::run::Status;
use pilothouse_domain::{ConnectionId, RunId, TenantId, TokenId};
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::{Change, Claim, Enqueue, Lane, NewRun, Outcome, Released, Run, Then, Write};
use pilothouse_store::workers::Worker;
use pilothouse_store::{Error, Location, Options, Store, journal, runs, tenants, workers};
use uuid::Uuid;

pub async fn sqlite() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite { path: folder.path().join("data/pilothouse.db") };
    (Store::open(&location, &Options::default()).await.unwrap(), folder)
}

pub async fn postgres(name: &str) -> Store {
    let url = pilothouse_testkit::postgres().schema_url(name);
    let options = Options { postgres_connections: 4, ..Options::default() };
    Store::open(&Location::Postgres { url }, &options).await.unwrap()
}

/// Runs one write whose body may use `?`, with `tx` in scope, and returns its result.
macro_rules! write {
    ($store:expr, |$tx:ident| $body:expr) => {
        $store
            .write(move |$tx| {
                Box::pin(async move {
                    let result: Result<_, pilothouse_store::Error> = { $body.await };
                    result
                })
            })
            .await
    };
}

/// Runs one read, as `write!` does.
macro_rules! read {
    ($store:expr, |$tx:ident| $body:expr) => {
        $store
            .read(move |$tx| {
                Box::pin(async move {
                    let result: Result<_, pilothouse_store::Error> = { $body.await };
                    result
                })
            })
            .await
            .unwrap()
    };
}
pub(crate) use {read, write};

pub fn tenant(id: &str) -> TenantId {
    id.parse().unwrap()
}

pub fn run_id(n: u128) -> RunId {
    RunId(Uuid::from_u128(n))
}

pub fn connection_id(n: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(n))
}

pub fn token_id(n: u128) -> TokenId {
    TokenId(Uuid::from_u128(n))
}

pub async fn make_tenant(store: &Store, id: &'static str) -> TenantId {
    write!(store, |tx| async move { tenants::ensure(tx, &tenant(id), id, 1).await }).unwrap();
    tenant(id)
}

/// A run of the kind `ask` in the queue `q` that is due at `due_at` and was asked for then.
pub fn new_run(n: u128, due_at: i64) -> NewRun {
    NewRun {
        id: run_id(n),
        kind: "ask".into(),
        version: 1,
        queue: "q".into(),
        key: String::new(),
        priority: 0,
        subject: "ada".into(),
        title: format!("question {n}"),
        input: "{}".into(),
        max_attempts: 2,
        time_limit_ms: None,
        due_at,
        created_at: due_at,
        idem_key: None,
        conversation: None,
        schedule: None,
    }
}

/// A wish for a run that nobody takes at once.
pub fn wish(owner: &str, run: NewRun) -> Enqueue {
    Enqueue { tenant: tenant(owner), run, audit: None, worker: None, counted: false, max_waiting: None }
}

/// A write of the worker that holds `run`, without entries.
pub fn leave(run: &Run, at: i64, then: Then) -> Write {
    Write {
        tenant: run.tenant.clone(),
        run: run.id,
        epoch: run.epoch,
        entries: Vec::new(),
        seq: run.seq,
        attempt: run.attempt,
        last_attempt: run.last_attempt,
        at,
        then,
    }
}

/// A step that ended well.
pub fn step(seq: i64, name: &str) -> Entry {
    Entry {
        seq,
        at: 100 + seq,
        attempt: 1,
        kind: EntryKind::Step,
        name: name.into(),
        path: Some(seq.to_string()),
        summary: String::new(),
        output: Some("[]".into()),
        error: None,
        started_at: Some(90),
    }
}

/// The end of a run.
pub fn end(status: Status) -> Then {
    let why = (status != Status::Succeeded).then(|| ("x".to_owned(), "y".to_owned()));
    Then::End { status, output: Some("[1]".into()), why }
}

/// Applies one change.
pub async fn put(store: &Store, change: impl Into<Put>) -> Outcome {
    let Put(change) = change.into();
    put_all(store, vec![change]).await.remove(0)
}

/// A change that is about to be applied.
pub struct Put(Change);

impl From<Enqueue> for Put {
    fn from(wish: Enqueue) -> Self {
        Self(Change::Enqueue(Arc::new(wish)))
    }
}

impl From<Write> for Put {
    fn from(write: Write) -> Self {
        Self(Change::Write(Arc::new(write)))
    }
}

pub async fn put_all(store: &Store, changes: Vec<Change>) -> Vec<Outcome> {
    write!(store, |tx| async move { runs::apply(tx, changes).await }).unwrap()
}

pub async fn enqueue(store: &Store, owner: &str, run: NewRun) {
    assert_eq!(put(store, wish(owner, run)).await, Outcome::New);
}

pub fn lane(text: &str) -> Lane {
    text.parse().unwrap()
}

/// What a worker gets.
#[derive(Debug)]
pub struct Got {
    pub runs: Vec<Run>,
    pub empty: Vec<Lane>,
    pub blocked: Vec<Lane>,
    pub retry_at: Option<i64>,
}

/// What it gets for its claim.
pub async fn got(store: &Store, claim: Claim) -> Got {
    let runs::Claimed { runs, empty, blocked, retry_at } =
        write!(store, |tx| async move { runs::claim(tx, &claim).await }).unwrap();
    let runs = read!(store, |tx| runs::taken(tx, runs));
    Got { runs, empty, blocked, retry_at }
}

/// What the worker gets of these lanes at the moment `now`.
pub async fn claim(store: &Store, worker: &str, lanes: &[&str], most: u32, now: i64) -> Got {
    let lanes = lanes.iter().map(|text| lane(text)).collect();
    let claim = Claim { worker: worker.into(), lanes, most, running: None, now };
    got(store, claim).await
}

/// Enqueues a run of tenant `a` at the moment 1 and has the worker `w` claim it at the moment 2.
pub async fn claimed(store: &Store, n: u128) -> Run {
    enqueue(store, "a", new_run(n, 1)).await;
    let got = claim(store, "w", &["q/a/"], 1, 2).await;
    assert_eq!(numbers(&got.runs), [n], "the only one that is ready");
    got.runs.into_iter().next().unwrap()
}

pub async fn get(store: &Store, n: u128) -> Run {
    read!(store, |tx| async move { runs::get(tx, &tenant("a"), run_id(n)).await }).unwrap()
}

/// The journal of a run of tenant `a`.
pub async fn entries(store: &Store, n: u128) -> Vec<Entry> {
    let found = read!(store, |tx| async move { journal::list(tx, &tenant("a"), run_id(n), 0, 1_000).await });
    let seqs: Vec<i64> = found.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=found.len() as i64).collect::<Vec<_>>(), "entries are numbered without gaps");
    found
}

/// The names of a journal's entries.
pub async fn names(store: &Store, n: u128) -> Vec<String> {
    entries(store, n).await.into_iter().map(|entry| entry.name).collect()
}

pub fn numbers(runs: &[Run]) -> Vec<u128> {
    runs.iter().map(|run| run.id.0.as_u128()).collect()
}

/// A worker of this name that has not beaten yet.
pub fn worker(id: &str) -> Worker {
    Worker {
        id: id.into(),
        queues: String::new(),
        workflows: "ask@1".into(),
        concurrency: 4,
        started_at: 1,
        beat_at: 1,
        beats: 0,
        gone: false,
    }
}

pub async fn join(store: &Store, id: &str) {
    let worker = worker(id);
    write!(store, |tx| async move { workers::join(tx, &worker).await }).unwrap();
}

/// Gives a worker up, whatever its count, and takes back its runs.
pub async fn take_back(store: &Store, id: &'static str, now: i64, limit: u32) -> Released {
    write!(store, |tx| async move {
        assert_eq!(workers::give_up(tx, id, None).await, Ok(true));
        runs::release(tx, id, now, limit).await
    })
    .unwrap()
}

pub fn conflict<T>(what: &'static str) -> Result<T, Error> {
    Err(Error::Conflict { what })
}
