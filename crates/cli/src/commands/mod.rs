//! One file per command.

pub mod ask;
pub mod audit;
pub mod connect;
pub mod doctor;
pub mod eval;
pub mod serve;
pub mod sql;
pub mod tenant;
pub mod token;

use std::io::Read;

use anyhow::{Context, Result};
use pilothouse_app::connections;
use pilothouse_app::{App, Caller};
use pilothouse_domain::{ConnectionId, TenantId};

use crate::output::UsageError;

/// Longest text read from standard input, in bytes.
const MAX_STDIN_BYTES: u64 = 1 << 20;

/// The operator at the command line, in the named tenant.
pub fn operator(tenant: &str) -> Result<Caller> {
    let tenant: TenantId = tenant.parse().map_err(|_| UsageError(format!("{tenant:?} is not a valid tenant id")))?;
    Ok(Caller::operator(tenant))
}

/// The text itself, or standard input where it is `-`.
pub fn text_or_stdin(text: String) -> Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut read = String::new();
    std::io::stdin().take(MAX_STDIN_BYTES).read_to_string(&mut read).context("standard input cannot be read")?;
    Ok(read.trim().to_owned())
}

/// The connection with this name.
pub async fn named(app: &App, caller: &Caller, name: Option<&str>) -> Result<Option<ConnectionId>> {
    let Some(name) = name else { return Ok(None) };
    let all = connections::list(app, caller).await?;
    let found = all.iter().find(|connection| connection.name == name);
    let names: Vec<&str> = all.iter().map(|connection| connection.name.as_str()).collect();
    let unknown = || UsageError(format!("there is no connection {name:?}; there are: {}", names.join(", ")));
    Ok(Some(found.ok_or_else(unknown)?.id))
}
