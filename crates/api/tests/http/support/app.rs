//! An application over a fresh store, with its worker running.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use pilothouse_api::State;
use pilothouse_app::secrets::Sealer;
use pilothouse_app::settings::{Ai, Approvals, Ask, Auth, Budgets, Engine, Imports, Limits, Sample};
use pilothouse_app::{App, Caller, Mode, Parts, Settings, audit, connections, tenants, tokens};
use pilothouse_domain::{Role, TenantId};
use pilothouse_engine::Workflow;
use pilothouse_store::audit::Record;
use pilothouse_store::{Location, Options, Store};
use pilothouse_warehouse::{Isolation, Warehouse};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::inputs::{CountingIds, ManualClock};
use super::{Call, tables};

/// Which engine holds the control plane's rows.
#[derive(Debug, Clone, Copy)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// What a test can choose.
pub struct Setup {
    pub database: Database,
    /// The rows of an application that was there before; none means that there are none yet.
    pub store: Option<Store>,
    pub settings: Settings,
    pub server: pilothouse_api::Settings,
    pub has_sample: bool,
    pub warehouse: pilothouse_warehouse::Settings,
    /// Workflows beside the program's own.
    pub workflows: Vec<Arc<dyn Workflow>>,
}

/// The application and what belongs to it.
pub struct TestApp {
    pub app: Arc<App>,
    pub router: Router,
    pub clock: Arc<ManualClock>,
    /// A folder that connections may read.
    pub data: PathBuf,
    stop: CancellationToken,
    worker: JoinHandle<()>,
    _folder: TempDir,
}

impl TestApp {
    /// In development mode, on SQLite.
    pub async fn development() -> Self {
        Self::with(|setup| setup.settings.mode = Mode::Development).await
    }

    /// In production mode, on SQLite.
    pub async fn production() -> Self {
        Self::with(|_| ()).await
    }

    /// With what `change` chooses; production mode on SQLite otherwise.
    pub async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        tables::sample(&data.join("sample"));
        let settings = Settings {
            mode: Mode::Production,
            auth: Auth::default(),
            limits: Limits::default(),
            ask: Ask::default(),
            approvals: Approvals::default(),
            approval_rules: Vec::new(),
            budgets: Budgets::default(),
            ai: Ai::default(),
            engine: Engine::default(),
            sample: Sample { path: Some(data.join("sample")), semantic: None },
            imports: Imports::default(),
            imports_folder: data.join("imports"),
        };
        let server = pilothouse_api::Settings::default();
        let (database, has_sample) = (Database::Sqlite, true);
        let workflows = Vec::new();
        let warehouse = pilothouse_warehouse::Settings {
            allowed_roots: vec![data.clone()],
            threads: 1,
            ..pilothouse_warehouse::Settings::default()
        };
        let mut setup = Setup { database, store: None, settings, server, has_sample, warehouse, workflows };
        change(&mut setup);
        if !setup.has_sample {
            setup.settings.sample = Sample::default();
        }
        let location = match setup.database {
            Database::Sqlite => Location::Sqlite { path: folder.path().join("store/pilothouse.db") },
            Database::Postgres => Location::Postgres { url: pilothouse_testkit::postgres().schema_url("api") },
        };
        let options = Options { postgres_connections: 4, ..Options::default() };
        let store = match setup.store {
            Some(store) => store,
            None => Store::open(&location, &options).await.unwrap(),
        };
        let clock = Arc::new(ManualClock::default());
        let app = App::new(Parts {
            settings: setup.settings,
            store,
            warehouse: Warehouse::new(setup.warehouse, Isolation::Threads),
            sealer: Sealer::new(&[7; 32]),
            clock: clock.clone(),
            ids: Arc::new(CountingIds::default()),
            workflows: setup.workflows,
        })
        .unwrap();
        tenants::ensure(&app, &TenantId::default_tenant()).await.unwrap();
        connections::ensure_sample(&app).await.unwrap();
        let stop = CancellationToken::new();
        let worker = tokio::spawn({
            let (engine, stop) = (app.engine.clone(), stop.clone());
            async move { engine.work(stop).await }
        });
        let router = pilothouse_api::router(State::new(app.clone(), setup.server));
        Self { app, router, clock, data, stop, worker, _folder: folder }
    }

    pub fn get(&self, path: &str) -> Call {
        Call::new(&self.router, Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call {
        Call::new(&self.router, Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Call {
        Call::new(&self.router, Method::PUT, path)
    }

    pub fn delete(&self, path: &str) -> Call {
        Call::new(&self.router, Method::DELETE, path)
    }

    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(&self.router, method.parse().unwrap(), path)
    }

    /// A token of `subject` in `tenant`, made as the command line makes it.
    pub async fn token(&self, tenant: &str, subject: &str, role: Role) -> String {
        let tenant: TenantId = tenant.parse().unwrap();
        tenants::ensure(&self.app, &tenant).await.unwrap();
        let new = tokens::NewToken { subject: subject.to_owned(), role, expires_in_days: None };
        tokens::create(&self.app, &Caller::operator(tenant), new).await.unwrap().0
    }

    /// A connection of the token's tenant to one table `secrets`, made over the API; returns its description.
    pub async fn connect_secrets(&self, token: &str, name: &str, word: &str) -> Value {
        tables::secrets(&self.data.join(name), word);
        let body = json!({"name": name, "kind": "files", "path": self.data.join(name)});
        self.post("/api/v1/connections").token(token).json(&body).send().await.expect(201).json()
    }

    /// The audit rows of `scope`, oldest first; the refusals counted so far are written first.
    pub async fn audit(&self, scope: &str) -> Vec<Record> {
        audit::flush_refusals(&self.app).await.unwrap();
        let scope = scope.to_owned();
        let read = self
            .app
            .store()
            .read(move |tx| Box::pin(async move { pilothouse_store::audit::list(tx, &scope, None, 1_000).await }));
        let mut rows = read.await.unwrap();
        rows.reverse();
        rows
    }

    /// Stops the worker, finds every audit chain whole, and closes the store.
    pub async fn finish(self) {
        audit::flush_refusals(&self.app).await.unwrap();
        let reports = pilothouse_store::audit::verify(self.app.store()).await.unwrap();
        for report in &reports {
            assert_eq!(report.broken_at, None, "{report:?}");
        }
        self.stop.cancel();
        self.worker.await.unwrap();
        self.app.store().close().await;
    }
}
