//! The composition root: puts the concrete parts together from the configuration.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use pilothouse_app::approvals;
use pilothouse_app::secrets::{KEY_BYTES, Sealer, parse_key};
use pilothouse_app::{App, Parts, Settings, SystemClock, SystemIds};
use pilothouse_domain::approval::policy::Rule;
use pilothouse_domain::{Clock, Ids, TenantId};
use pilothouse_store::{Location, Options, Store, nodes, tenants};
use pilothouse_warehouse::{Isolation, Warehouse};

use crate::config::{Config, DatabaseTarget};

/// The key's file in the data folder.
const KEY_FILE: &str = "encryption.key";
/// The folder of imported files in the data folder.
const IMPORTS: &str = "imports";
/// The variable that holds the key, where it is not kept in a file.
pub const KEY_VARIABLE: &str = "ENCRYPTION_KEY";

/// Where the control-plane database is.
pub fn location(config: &Config) -> Location {
    match config.database_target() {
        DatabaseTarget::File(path) => Location::Sqlite { path },
        DatabaseTarget::Server(url) => Location::Postgres { url },
    }
}

/// Opens the control-plane database.
pub async fn store(config: &Config) -> Result<Store> {
    make_folder(&config.data_dir)?;
    Ok(Store::open(&location(config), &Options::default()).await?)
}

/// Queries run in processes of this very program.
pub fn isolation() -> Result<Isolation> {
    // A newer program in the same place would not be this one, so the file that this process began with is named.
    let own = Path::new("/proc/self/exe");
    let found = if own.exists() { Ok(own.to_owned()) } else { std::env::current_exe() };
    let program = found.context("the program's own file cannot be found")?;
    Ok(Isolation::Processes { program, arguments: vec![crate::args::QUERY_WORKER.to_owned()] })
}

/// The query path, which may read the sample, the imports, and what the configuration allows.
pub fn warehouse(config: &Config) -> Result<Warehouse> {
    let mut settings = config.warehouse.clone();
    let imports = config.data_dir.join(IMPORTS);
    make_folder(&imports)?;
    settings.allowed_roots.push(imports);
    settings.allowed_roots.extend(config.sample.path.clone());
    Ok(Warehouse::new(settings, isolation()?))
}

/// The rules about what waits for people.
fn approval_rules(config: &Config) -> Result<Vec<Rule>> {
    let Some(path) = &config.approvals.rules else { return Ok(Vec::new()) };
    let text =
        fs::read_to_string(path).with_context(|| format!("`approvals.rules`: {} cannot be read", path.display()))?;
    approvals::read_rules(&text).map_err(|wrong| anyhow!("`approvals.rules`: {}: {wrong}", path.display()))
}

/// Everything, put together and registered as a node.
pub async fn open(config: &Config) -> Result<Arc<App>> {
    let mode = config.serving_mode()?;
    let store = store(config).await?;
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let sealer = Sealer::new(&key(&config.data_dir, ids.as_ref())?);
    announce(&store, clock.as_ref(), ids.as_ref(), sealer.key_id()).await?;
    let settings = Settings {
        mode,
        auth: config.auth.clone(),
        limits: config.limits.clone(),
        ask: config.ask.clone(),
        approvals: config.approvals.clone(),
        approval_rules: approval_rules(config)?,
        budgets: config.budgets.clone(),
        ai: config.ai.clone(),
        engine: config.engine.clone(),
        sample: config.sample.clone(),
        imports: config.imports.clone(),
        imports_folder: config.data_dir.join(IMPORTS),
    };
    let warehouse = warehouse(config)?;
    let workflows = Vec::new();
    Ok(App::new(Parts { settings, store, warehouse, sealer, clock, ids, workflows })?)
}

/// Writes what must stand in the database from the first start on: the tenant that whoever installs the program
/// administers it from, and which key this node seals with, so that `doctor` can compare it with the others'.
async fn announce(store: &Store, clock: &dyn Clock, ids: &dyn Ids, key_id: &str) -> Result<()> {
    let now = clock.now();
    let node = nodes::Node {
        id: ids.uuid(now).simple().to_string(),
        started_at: now,
        beat_at: now,
        key_id: key_id.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let home = TenantId::default_tenant();
    let written = store.write(move |tx| {
        Box::pin(async move {
            tenants::ensure(tx, &home, home.as_str(), now).await?;
            nodes::beat(tx, &node).await
        })
    });
    Ok(written.await?)
}

/// The key that credentials are sealed with: from the environment, else from a file that only its owner can read and
/// that is made at the first start.
pub fn key(data_dir: &Path, ids: &dyn Ids) -> Result<[u8; KEY_BYTES]> {
    if let Ok(text) = std::env::var(KEY_VARIABLE) {
        return parse_key(&text)
            .with_context(|| format!("{KEY_VARIABLE} must hold 32 bytes, as 64 hexadecimal digits or in base64"));
    }
    let path = data_dir.join(KEY_FILE);
    if let Ok(text) = fs::read_to_string(&path) {
        return parse_key(&text).with_context(|| format!("{KEY_FILE} in the data folder does not hold a key"));
    }
    make_folder(data_dir)?;
    let mut key = [0; KEY_BYTES];
    ids.secret(&mut key);
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .context("the key file cannot be made")?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).context("the key file cannot be written")?;
    Ok(key)
}

/// Whether others can read the key's file.
pub fn key_file_is_open(data_dir: &Path) -> bool {
    fs::metadata(data_dir.join(KEY_FILE)).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

fn make_folder(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("the folder {} cannot be made", path.display()))
}
