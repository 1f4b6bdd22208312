//! `pilothouse connect` and `pilothouse import`: bring data in.

use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_app::connections::{self, NewConnection, Target};
use pilothouse_app::imports;
use pilothouse_store::connections::Connection;
use serde_json::{Value, json};

use super::{operator, text_or_stdin};
use crate::config::Config;
use crate::installation;
use crate::output::{NEGATIVE, Outcome};

/// Makes a connection and says what it holds.
pub async fn run(config: Config, tenant: &str, name: String, target: String) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    let target = text_or_stdin(target)?;
    let target = if target.starts_with("postgres://") || target.starts_with("postgresql://") {
        Target::Postgres { url: target }
    } else {
        Target::Files { path: PathBuf::from(target) }
    };
    let made = connections::create(&app, &operator(tenant)?, NewConnection { name, target }).await?;
    app.store().close().await;
    Ok(described(&made))
}

/// Copies a file into the installation and says what it became.
pub async fn import(config: Config, tenant: &str, file: &Path, quiet: bool) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    let caller = operator(tenant)?;
    let bar = if quiet { ProgressBar::hidden() } else { bar(file) };
    let shown = bar.clone();
    let folder = installation::imports(&config, caller.principal.tenant.as_str());
    let imported = imports::import(&app, &caller, file, &folder, move |bytes| shown.set_position(bytes)).await;
    bar.finish_and_clear();
    app.store().close().await;
    Ok(described(&imported?))
}

fn bar(file: &Path) -> ProgressBar {
    let bytes = std::fs::metadata(file).map_or(0, |meta| meta.len());
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes} ({eta})");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn described(connection: &Connection) -> Outcome {
    let json: Value = json!({
        "id": connection.id, "name": connection.name, "kind": connection.kind, "status": connection.status,
        "error": connection.error_message, "code": connection.error_code,
    });
    match (&connection.error_message, connection.status.as_str()) {
        (None, "ready") => Outcome::ok(format!("{} is ready to be asked.", connection.name), json),
        (problem, status) => {
            let reason = problem.clone().unwrap_or_default();
            Outcome::ok(format!("{} is {status}: {reason}", connection.name), json).with_code(NEGATIVE)
        }
    }
}
