//! Open connections: each with its engine, catalog, semantic model and planner, kept until one of them changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pilothouse_ai::planner::Planner;
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::semantic::Model;
use pilothouse_domain::{Clock, Code, ConnectionId, Micros, TenantId};
use pilothouse_engine::Failure;
use pilothouse_store::connections::{self, Connection};
use pilothouse_store::documents::{self, Kind};
use pilothouse_store::{Store, catalogs, personal as reviews};
use pilothouse_warehouse::{Call, Cancel, Engine, Limits, Source, Warehouse, semantic};
use uuid::Uuid;

use crate::Error;
use crate::personal;
use crate::reads::Reads;
use crate::results::Results;
use crate::rights::Rights;
use crate::secrets::{Place, Sealer};
use crate::settings::Sample;

/// How long an open connection is taken for what it was, before its source is looked at again.
const LOOK_EVERY_US: Micros = 30_000_000;
/// The weights of what somebody waits for, and of what is read ahead of being asked for.
const ASKED: u32 = 4;
const CHORE: u32 = 1;
/// Connections kept open; beyond it the table is emptied and they are opened again as they are asked for.
const MAX_OPEN: usize = 64;
/// The sample connection's id, the same in every installation. Its row belongs to the default tenant; every tenant
/// sees it.
pub const SAMPLE: ConnectionId = ConnectionId(Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0001));

/// A connection ready to be asked.
pub struct Open {
    /// Runs its queries.
    pub engine: Arc<dyn Engine>,
    /// What it holds.
    pub catalog: Arc<Catalog>,
    /// When that was read.
    pub catalog_at: Micros,
    /// When the source was last looked at.
    looked_at: AtomicI64,
    /// What it means.
    pub model: Arc<Model>,
    /// The model as YAML, and its version; version 0 is inferred and not stored.
    pub yaml: String,
    /// The model's version.
    pub model_version: i64,
    /// Reads questions in the model's terms.
    pub planner: Planner,
    /// Who may see what of it.
    pub rights: Rights,
}

/// Opens connections and keeps them.
pub struct Sources {
    store: Store,
    pub(crate) warehouse: Warehouse,
    /// Results that are kept.
    pub(crate) results: Results,
    /// What each tenant has read.
    pub(crate) reads: Reads,
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    sample_model: Option<PathBuf>,
    has_sample: bool,
    open: Mutex<HashMap<(TenantId, ConnectionId), Arc<Open>>>,
}

impl Sources {
    pub(crate) fn new(
        store: Store,
        warehouse: Warehouse,
        sealer: Arc<Sealer>,
        clock: Arc<dyn Clock>,
        sample: &Sample,
    ) -> Self {
        let (sample_model, has_sample) = (sample.semantic.clone(), sample.path.is_some());
        let settings = warehouse.settings();
        let results = Results::new(settings.result_cache_mb << 20);
        let reads = Reads::new(store.clone(), settings.tenant_hourly_bytes);
        Self { store, warehouse, results, reads, sealer, clock, sample_model, has_sample, open: Mutex::default() }
    }

    /// Whether the installation has sample data.
    pub(crate) fn has_sample(&self) -> bool {
        self.has_sample
    }

    /// The tenant that the connection's rows belong to: the sample's are the default tenant's.
    pub(crate) fn home(&self, tenant: &TenantId, id: ConnectionId) -> TenantId {
        if id == SAMPLE && self.has_sample { TenantId::default_tenant() } else { tenant.clone() }
    }

    /// Forgets an open connection, so that it is opened anew.
    pub(crate) fn forget(&self, tenant: &TenantId, id: ConnectionId) {
        let home = self.home(tenant, id);
        self.results.forget(id);
        self.with(|open| open.remove(&(home, id)));
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<(TenantId, ConnectionId), Arc<Open>>) -> T) -> T {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The connection `id` of `tenant`, open.
    pub(crate) async fn open(&self, tenant: &TenantId, id: ConnectionId) -> Result<Arc<Open>, Error> {
        let key = (self.home(tenant, id), id);
        if let Some(open) = self.with(|open| open.get(&key).cloned()) {
            if !self.has_changed(&open).await {
                return Ok(open);
            }
            self.read_anew(tenant, id).await?;
        }
        let opened = Arc::new(self.load(&key.0, id).await?);
        self.with(|open| {
            if open.len() >= MAX_OPEN {
                open.clear();
            }
            open.insert(key, opened.clone());
        });
        Ok(opened)
    }

    /// Whether the source holds other files than it did. One that does not answer is as it was: who asks it will hear.
    async fn has_changed(&self, open: &Open) -> bool {
        let (now, last) = (self.clock.now(), open.looked_at.load(Ordering::Relaxed));
        let is_due = now - last >= LOOK_EVERY_US;
        // Of several who ask at once, one looks.
        if !is_due || open.looked_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        open.engine.ping().await.is_err_and(|error| error.code == Code::ConnectionChanged)
    }

    async fn load(&self, home: &TenantId, id: ConnectionId) -> Result<Open, Error> {
        let tenant = home.clone();
        let found = self
            .store
            .read(move |tx| {
                Box::pin(async move {
                    let Some(connection) = connections::get(tx, &tenant, id).await? else { return Ok(None) };
                    let catalog = catalogs::get(tx, &tenant, id).await?;
                    let model = documents::latest(tx, &tenant, id, Kind::Semantic).await?;
                    let policy = documents::latest(tx, &tenant, id, Kind::Access).await?;
                    let reviews = reviews::list(tx, &tenant, id).await?;
                    Ok(Some((connection, catalog, model, policy, reviews)))
                })
            })
            .await?;
        let (connection, catalog, model, policy, reviews) =
            found.ok_or_else(|| Error::new(Code::ConnectionUnknown, "There is no such connection."))?;
        let Some((json, catalog_at)) = catalog else {
            let message = connection.error_message.clone().unwrap_or_else(|| "It has not been read yet.".to_owned());
            return Err(Error::new(Code::ConnectionFailed, message));
        };
        let catalog: Catalog = serde_json::from_str(&json)
            .map_err(|_| Error::new(Code::ConnectionFailed, "The stored catalog is of another version: refresh it."))?;
        let (yaml, model_version) = match model {
            Some(stored) => (stored.yaml, stored.version),
            None => (self.first_model(&connection, &catalog)?, 0),
        };
        let model = Arc::new(
            semantic::yaml::read(&yaml, &catalog)
                .map_err(|error| Error::new(Code::SemanticInvalid, format!("The semantic model: {error}")))?,
        );
        let engine = self.engine(&connection, &self.chore(home, &Cancel::new())).await?;
        let planner = Planner::new(model.clone());
        let catalog = Arc::new(catalog);
        let policy = policy.map_or_else(String::new, |policy| policy.yaml);
        let mut base = personal::access(&catalog, &reviews);
        semantic::protect(&mut base, &model);
        let rights = Rights::read(catalog.clone(), base, &policy, self.warehouse.guard_limits())?;
        let looked_at = AtomicI64::new(self.clock.now());
        Ok(Open { engine, catalog, catalog_at, looked_at, model, yaml, model_version, planner, rights })
    }

    /// The model of a connection that nobody has edited: the sample's own, or what can be inferred.
    fn first_model(&self, connection: &Connection, catalog: &Catalog) -> Result<String, Error> {
        if let Some(path) = self.sample_model.as_ref().filter(|_| connection.sample) {
            return std::fs::read_to_string(path)
                .map_err(|_| Error::new(Code::ConnectionFailed, "The sample's semantic model cannot be read."));
        }
        semantic::yaml::write(&semantic::infer(catalog))
            .map_err(|_| Error::new(Code::Internal, "The inferred semantic model could not be written down."))
    }

    /// A call in the name of a tenant whose people wait for it.
    pub(crate) fn call<'a>(&self, tenant: &TenantId, limits: Limits, cancel: &'a Cancel) -> Call<'a> {
        Call { owner: tenant.as_str().into(), weight: ASKED, limits, cancel }
    }

    /// A call that reads a whole connection, for which people wait less.
    fn chore<'a>(&self, tenant: &TenantId, cancel: &'a Cancel) -> Call<'a> {
        Call { owner: tenant.as_str().into(), weight: CHORE, limits: self.warehouse.profile_limits(), cancel }
    }

    /// An engine on the connection's source.
    pub(crate) async fn engine(&self, connection: &Connection, call: &Call<'_>) -> Result<Arc<dyn Engine>, Error> {
        let source = match connection.kind.as_str() {
            "postgres" => Source::Postgres { url: self.unseal(connection)? },
            "object_store" => {
                let unreadable =
                    |_| Error::new(Code::CredentialsUnreadable, "They are of another version: connect anew.");
                Source::ObjectStore(serde_json::from_str(&self.unseal(connection)?).map_err(unreadable)?)
            }
            _ => Source::Files { path: PathBuf::from(&connection.location) },
        };
        Ok(self.warehouse.open(&source, call).await?)
    }

    fn unseal(&self, connection: &Connection) -> Result<String, Error> {
        let missing = || Error::new(Code::CredentialsUnreadable, "The connection has no stored credentials.");
        let sealed = connection.sealed.as_ref().ok_or_else(missing)?;
        let key_id = connection.key_id.as_ref().ok_or_else(missing)?;
        let id = connection.id.to_string();
        let opened = self.sealer.open(place(connection.tenant.as_str(), &id), key_id, sealed)?;
        String::from_utf8(opened).map_err(|_| missing())
    }

    /// After a failure that says that the files are others than were read: so that the next attempt finds them as they are.
    pub(crate) async fn keep_up<T>(
        &self,
        tenant: &TenantId,
        id: ConnectionId,
        outcome: &Result<T, Failure>,
    ) -> Result<(), Error> {
        if outcome.as_ref().is_err_and(|failure| failure.is(Code::ConnectionChanged)) {
            self.read_anew(tenant, id).await?;
        }
        Ok(())
    }

    /// Reads again what the connection `id` of `tenant` holds.
    pub(crate) async fn read_anew(&self, tenant: &TenantId, id: ConnectionId) -> Result<Connection, Error> {
        let home = self.home(tenant, id);
        let found = self.store.read(move |tx| Box::pin(async move { connections::get(tx, &home, id).await })).await?;
        let connection = found.ok_or_else(|| Error::new(Code::ConnectionUnknown, "There is no such connection."))?;
        self.profile(&connection).await
    }

    /// Reads what the connection holds and stores it, or stores why it could not be read.
    pub(crate) async fn profile(&self, connection: &Connection) -> Result<Connection, Error> {
        let cancel = Cancel::new();
        let call = self.chore(&connection.tenant, &cancel);
        let read = async { Ok::<_, Error>(self.engine(connection, &call).await?.profile(&call).await?) }.await;
        let (tenant, id, now) = (connection.tenant.clone(), connection.id, self.clock.now());
        let decided = self.store.read({
            let tenant = tenant.clone();
            move |tx| Box::pin(async move { reviews::list(tx, &tenant, id).await })
        });
        let decided = decided.await?;
        let found = read.and_then(|mut catalog| {
            personal::without_values(&mut catalog, &decided);
            let unstored = |_| Error::new(Code::Internal, "The catalog could not be stored.");
            serde_json::to_string(&catalog).map_err(unstored)
        });
        let stored = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    match found {
                        Ok(json) => {
                            catalogs::put(tx, &tenant, id, &json, now).await?;
                            connections::set_status(tx, &tenant, id, "ready", None, now).await?;
                        }
                        Err(error) => {
                            let problem = Some((error.code.as_str(), error.message.as_str()));
                            connections::set_status(tx, &tenant, id, "failed", problem, now).await?;
                        }
                    }
                    connections::get(tx, &tenant, id).await
                })
            })
            .await?;
        self.forget(&connection.tenant, id);
        stored.ok_or_else(|| Error::new(Code::ConnectionUnknown, "The connection was removed meanwhile."))
    }
}

/// Where a connection's sealed credentials stand.
pub fn place<'a>(tenant: &'a str, id: &'a str) -> Place<'a> {
    Place { tenant, table: "connections", row: id, column: "sealed" }
}
