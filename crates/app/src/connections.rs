//! Connections: a tenant's warehouses. Credentials go in and never come out.

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::{Code, ConnectionId, Micros, Role, TenantId};
use pilothouse_store::audit as audit_rows;
use pilothouse_store::connections::{self as rows, Connection};
use pilothouse_store::{catalogs, tenants};
use pilothouse_warehouse::bucket::bucket_target;
use pilothouse_warehouse::source::{allowed_path, postgres_target};
pub use pilothouse_warehouse::{Bucket, Credentials, Source};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::secrets::Sealer;
use crate::sources::{SAMPLE, place};
use crate::{App, Caller, Error, audit, gates};

/// Longest name of a connection, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Most connections of a tenant.
const MAX_PER_TENANT: usize = 100;
/// The sample connection's name.
const SAMPLE_NAME: &str = "sample";

/// What is wanted of a new connection.
#[derive(Clone)]
pub struct NewConnection {
    /// Its name, unique in the tenant.
    pub name: String,
    /// Where the data is; a secret in it is sealed before it is stored, and left out of every log.
    pub source: Source,
}

impl NewConnection {
    /// What is shown of it and hashed: credentials as a mark, which tells others from these and nothing of them.
    fn payload(&self, sealer: &Sealer) -> Value {
        let secret = match &self.source {
            Source::Files { .. } => None,
            Source::Postgres { url } => Some(url.clone()),
            Source::ObjectStore(bucket) => serde_json::to_string(bucket).ok(),
        };
        let credentials = secret.map(|secret| sealer.mark(secret.as_bytes()));
        json!({"name": self.name, "location": self.source.location(), "credentials": credentials})
    }
}

/// The tenant's connections, the sample first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Connection>, Error> {
    gates::pass(app, caller, &read_action("connection.list")).await?;
    let (tenant, with_sample) = (caller.principal.tenant.clone(), app.sources.has_sample());
    let home = TenantId::default_tenant();
    let found = app
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut found = rows::list(tx, &tenant).await?;
                found.retain(|connection| !connection.sample);
                if let Some(sample) = rows::get(tx, &home, SAMPLE).await?.filter(|_| with_sample) {
                    found.insert(0, sample);
                }
                Ok(found)
            })
        })
        .await?;
    Ok(found)
}

/// How many tables each of these connections was found to hold; 0 for those that were never read.
pub async fn table_counts(app: &App, connections: &[Connection]) -> Result<Vec<usize>, Error> {
    /// Only counted, so nothing of a table is kept.
    #[derive(Deserialize)]
    struct Tables {
        tables: Vec<IgnoredAny>,
    }
    let wanted: Vec<_> = connections.iter().map(|found| (found.tenant.clone(), found.id)).collect();
    let stored = app.store.read(move |tx| {
        Box::pin(async move {
            let mut stored = Vec::with_capacity(wanted.len());
            for (tenant, id) in &wanted {
                stored.push(catalogs::get(tx, tenant, *id).await?);
            }
            Ok(stored)
        })
    });
    let count = |json: &str| serde_json::from_str::<Tables>(json).map_or(0, |catalog| catalog.tables.len());
    Ok(stored.await?.iter().map(|found| found.as_ref().map_or(0, |(json, _)| count(json))).collect())
}

/// One connection of the tenant.
pub async fn get(app: &App, caller: &Caller, id: ConnectionId) -> Result<Connection, Error> {
    gates::pass(app, caller, &read_action("connection.read")).await?;
    let (home, with_sample) = (app.sources.home(&caller.principal.tenant, id), app.sources.has_sample());
    let found = app.store.read(move |tx| Box::pin(async move { rows::get(tx, &home, id).await })).await?;
    found.filter(|connection| with_sample || !connection.sample).ok_or_else(unknown)
}

/// The connection a question means when it names none: the first of the tenant's own that is ready, else the sample.
pub async fn default_for(app: &App, caller: &Caller) -> Result<ConnectionId, Error> {
    let all = list(app, caller).await?;
    let own = all.iter().find(|connection| !connection.sample && connection.status == "ready");
    let chosen = own.or_else(|| all.iter().find(|connection| connection.sample));
    let none = "The tenant has no connection yet: make one with `pilothouse connect` or on the page Data.";
    chosen.map(|connection| connection.id).ok_or_else(|| Error::new(Code::ConnectionUnknown, none))
}

/// The connection that is named, if the caller may know of it, or else the one that is meant where none is.
pub async fn meant(app: &App, caller: &Caller, named: Option<ConnectionId>) -> Result<ConnectionId, Error> {
    match named {
        Some(id) => Ok(get(app, caller, id).await?.id),
        None => default_for(app, caller).await,
    }
}

/// Makes a connection and reads what it holds. A source that cannot be read is kept as `failed`, with the reason.
pub async fn create(app: &App, caller: &Caller, new: NewConnection) -> Result<Connection, Error> {
    let action = audit::action("connection.create", Tier::Write, Role::Admin, &new.name, &new.payload(&app.sealer));
    gates::pass(app, caller, &action).await?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        let message = format!("A connection's name has 1 to {MAX_NAME_CHARS} characters.");
        return Err(Error::new(Code::BodyInvalid, message));
    }
    if name == SAMPLE_NAME && app.sources.has_sample() {
        return Err(exists());
    }
    let connection = prepare(app, caller, name, &new.source).await?;
    let (row, entry) = (connection.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let written = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                if rows::list(tx, &row.tenant).await?.len() >= MAX_PER_TENANT {
                    return Ok(false);
                }
                rows::insert(tx, &row).await?;
                audit_rows::append(tx, &entry).await.map(|_| true)
            })
        })
        .await;
    match written {
        Err(pilothouse_store::Error::Conflict { .. }) => return Err(exists()),
        Ok(false) => {
            let message = format!("A tenant has at most {MAX_PER_TENANT} connections.");
            return Err(Error::new(Code::BodyInvalid, message));
        }
        other => other?,
    };
    app.sources.profile(&connection).await
}

/// Checks that the target may be reached and seals its credentials.
async fn prepare(app: &App, caller: &Caller, name: &str, source: &Source) -> Result<Connection, Error> {
    let now = app.clock.now();
    let id = ConnectionId(app.ids.uuid(now));
    let tenant = caller.principal.tenant.clone();
    let settings = app.sources.warehouse.settings();
    let row_id = id.to_string();
    let seal = |secret: &[u8]| app.sealer.seal(app.ids.as_ref(), place(tenant.as_str(), &row_id), secret);
    let (kind, location, sealed) = match source {
        Source::Files { path } => {
            let real = allowed_path(path, settings)?;
            ("files", real.to_string_lossy().into_owned(), None)
        }
        Source::Postgres { url } => {
            let location = postgres_target(url, settings).await?.location();
            ("postgres", location, Some(seal(url.as_bytes())?))
        }
        Source::ObjectStore(bucket) => {
            let location = bucket_target(bucket, settings).await?.location();
            let described = serde_json::to_vec(bucket)
                .map_err(|_| Error::new(Code::Internal, "The credentials could not be written down."))?;
            ("object_store", location, Some(seal(&described)?))
        }
    };
    let key_id = sealed.as_ref().map(|_| app.sealer.key_id().to_owned());
    Ok(row(id, tenant, name, kind, location, sealed, key_id, now))
}

#[expect(clippy::too_many_arguments, reason = "one value per column of the row")]
fn row(
    id: ConnectionId,
    tenant: TenantId,
    name: &str,
    kind: &str,
    location: String,
    sealed: Option<Vec<u8>>,
    key_id: Option<String>,
    created_at: Micros,
) -> Connection {
    Connection {
        id,
        tenant,
        name: name.to_owned(),
        kind: kind.to_owned(),
        location,
        sealed,
        key_id,
        status: "profiling".to_owned(),
        error_code: None,
        error_message: None,
        sample: false,
        created_at,
        checked_at: None,
    }
}

/// Reads again what a connection holds.
pub async fn refresh(app: &App, caller: &Caller, id: ConnectionId) -> Result<Connection, Error> {
    let action = audit::action("connection.refresh", Tier::Write, Role::Member, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    let connection = get(app, caller, id).await?;
    audit::write(app, audit::entry(app, caller, &action, Outcome::Allowed, None)).await?;
    app.sources.profile(&connection).await
}

/// Removes a connection with its catalog, its models and its credentials.
pub async fn delete(app: &App, caller: &Caller, id: ConnectionId) -> Result<(), Error> {
    let action = audit::action("connection.delete", Tier::Destructive, Role::Admin, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    if get(app, caller, id).await?.sample {
        return Err(Error::new(Code::ConnectionReadOnly, "The sample data cannot be removed."));
    }
    let (tenant, entry) = (caller.principal.tenant.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let deleted = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let deleted = rows::delete(tx, &tenant, id).await?;
                if deleted {
                    audit_rows::append(tx, &entry).await?;
                }
                Ok(deleted)
            })
        })
        .await?;
    app.sources.forget(&caller.principal.tenant, id);
    if deleted { Ok(()) } else { Err(unknown()) }
}

/// What a connection holds, and when that was read.
pub async fn catalog(app: &App, caller: &Caller, id: ConnectionId) -> Result<(Catalog, Micros), Error> {
    let connection = get(app, caller, id).await?;
    let home = app.sources.home(&caller.principal.tenant, id);
    let stored = app.store.read(move |tx| Box::pin(async move { catalogs::get(tx, &home, id).await })).await?;
    let Some((json, at)) = stored else {
        let message = connection.error_message.unwrap_or_else(|| "The connection has not been read yet.".to_owned());
        return Err(Error::new(Code::ConnectionFailed, message));
    };
    let catalog = serde_json::from_str(&json)
        .map_err(|_| Error::new(Code::ConnectionFailed, "The stored catalog is of another version: refresh it."))?;
    Ok((catalog, at))
}

/// Makes the sample connection exist and read, where the installation has sample data. Called at each start.
pub async fn ensure_sample(app: &App) -> Result<(), Error> {
    let Some(path) = &app.settings.sample.path else { return Ok(()) };
    let real = allowed_path(path, app.sources.warehouse.settings())?;
    let location = real.to_string_lossy().into_owned();
    let (home, now) = (TenantId::default_tenant(), app.clock.now());
    let mut wanted = row(SAMPLE, home.clone(), SAMPLE_NAME, "files", location.clone(), None, None, now);
    wanted.sample = true;
    let row = wanted.clone();
    let found = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                tenants::ensure(tx, &home, home.as_str(), now).await?;
                let found = rows::get(tx, &home, SAMPLE).await?;
                let stale = found.as_ref().is_some_and(|found| found.location != row.location);
                if stale {
                    rows::delete(tx, &home, SAMPLE).await?;
                }
                if found.is_none() || stale {
                    rows::insert(tx, &row).await?;
                }
                Ok(found.filter(|_| !stale))
            })
        })
        .await?;
    match found {
        Some(found) if found.status == "ready" => Ok(()),
        _ => app.sources.profile(&wanted).await.map(|_| ()),
    }
}

fn read_action(kind: &'static str) -> Action {
    audit::action(kind, Tier::Read, Role::Viewer, "", &())
}

fn unknown() -> Error {
    Error::new(Code::ConnectionUnknown, "There is no such connection.")
}

fn exists() -> Error {
    Error::new(Code::ConnectionExists, "The tenant has a connection with this name already.")
}
