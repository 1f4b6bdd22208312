//! `pilothouse tenant`: make and list tenants.

use anyhow::Result;
use pilothouse_app::tenants;
use pilothouse_domain::TenantId;
use pilothouse_domain::clock::rfc3339;
use serde_json::json;

use crate::args::TenantCommand;
use crate::config::Config;
use crate::installation;
use crate::output::{Outcome, UsageError, table};

/// Does it.
pub async fn run(config: Config, command: TenantCommand) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    let caller = pilothouse_app::Caller::operator(TenantId::default_tenant());
    let outcome = match command {
        TenantCommand::Create { id, name } => {
            let name = name.unwrap_or_else(|| id.clone());
            let id = id.parse().map_err(|_| UsageError(format!("{id:?} is not a valid tenant id")))?;
            let made = tenants::create(&app, &caller, id, &name).await?;
            Outcome::ok(format!("Made the tenant {}.", made.id), json!({"id": made.id, "name": made.name}))
        }
        TenantCommand::List => {
            let found = tenants::list(&app, &caller).await?;
            let rows: Vec<Vec<String>> =
                found.iter().map(|t| vec![t.id.to_string(), t.name.clone(), rfc3339(t.created_at)]).collect();
            let items: Vec<_> = found.iter().map(|t| json!({"id": t.id, "name": t.name})).collect();
            Outcome::ok(table(&["id", "name", "made"], &rows), json!({ "items": items }))
        }
    };
    app.store().close().await;
    Ok(outcome)
}
