//! Whether the program can do its work, part by part, and whether what it keeps is safe. Unknown is not healthy.

use std::collections::BTreeSet;
use std::time::Duration;

use pilothouse_domain::Role;
use pilothouse_domain::action::Tier;
use pilothouse_store::nodes;
pub use pilothouse_warehouse::WorkerLoad;

use crate::{App, Caller, Error, audit, gates, tenants};

/// Longest wait for a part's answer, so that readiness itself answers within a second.
const PATIENCE: Duration = Duration::from_millis(800);

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, for instance `database`.
    pub name: &'static str,
    /// Why it does not work; none when it does.
    pub problem: Option<String>,
}

/// Looks at every part that requests need.
pub async fn checks(app: &App) -> Vec<Check> {
    let database = match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("it did not answer in time".to_owned()),
    };
    vec![Check { name: "database", problem: database }]
}

/// How the workers that run queries in this process's name stand.
pub fn query_workers(app: &App) -> WorkerLoad {
    app.sources.warehouse.worker_load()
}

/// Makes the first of them ready, so that the first question need not wait for it.
pub fn warm_query_workers(app: &App) {
    app.sources.warehouse.warm();
}

/// What decides whether the installation's records are safe, for `doctor` to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety {
    /// What the database says of acknowledged writes, connection by connection: pairs such as `writer.synchronous`
    /// and `2`.
    pub durability: Vec<(String, String)>,
    /// The ids of the keys that the processes of this database seal credentials with; more than one is a fault.
    pub key_ids: BTreeSet<String>,
}

/// Looks at it, for whoever administers the installation.
pub async fn safety(app: &App, caller: &Caller) -> Result<Safety, Error> {
    gates::pass(app, caller, &audit::action("installation.read", Tier::Read, Role::Admin, "", &())).await?;
    tenants::administers(caller)?;
    let durability = app.store.durability().await?;
    let nodes = app.store.read(|tx| Box::pin(async move { nodes::list(tx).await })).await?;
    Ok(Safety { durability, key_ids: nodes.into_iter().map(|node| node.key_id).collect() })
}
