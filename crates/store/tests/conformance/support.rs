//! Stores to test on, and the few things that every test needs.

use pilothouse_domain::{ConnectionId, RunId, TenantId, TokenId};
use pilothouse_store::runs::NewRun;
use pilothouse_store::{Error, Location, Options, Store, runs, tenants};
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

/// A run of the kind `ask` that is due at `due_at` and was asked for then.
pub fn new_run(n: u128, due_at: i64) -> NewRun {
    NewRun {
        id: run_id(n),
        kind: "ask".into(),
        version: 1,
        subject: "ada".into(),
        title: format!("question {n}"),
        input: "{}".into(),
        max_attempts: 2,
        due_at,
        created_at: due_at,
        idem_key: None,
        conversation: None,
    }
}

pub async fn enqueue(store: &Store, tenant: &TenantId, run: NewRun) {
    let tenant = tenant.clone();
    let enqueued = write!(store, |tx| async move { runs::enqueue(tx, &tenant, &run).await });
    assert_eq!(enqueued, Ok(runs::Enqueued::New));
}

/// Enqueues and claims a run for the worker `w` until the moment 100, and returns it.
pub async fn claimed(store: &Store, tenant: &TenantId, n: u128) -> runs::Run {
    let tenant = tenant.clone();
    let claimed = write!(store, |tx| async move {
        runs::enqueue(tx, &tenant, &new_run(n, 1)).await?;
        runs::claim_one(tx, &tenant, run_id(n), "w", 1, 100).await
    });
    claimed.unwrap().expect("a queued run can be claimed")
}

pub fn conflict<T>(what: &'static str) -> Result<T, Error> {
    Err(Error::Conflict { what })
}
