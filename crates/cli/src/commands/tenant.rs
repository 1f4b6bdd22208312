//! `pilothouse tenant`: make and list tenants.

use anyhow::Result;
use pilothouse_domain::TenantId;
use serde_json::json;

use super::{listed, text};
use crate::args::TenantCommand;
use crate::client::Client;
use crate::output::{Outcome, UsageError};

/// Does it.
pub async fn run(client: &Client, command: TenantCommand) -> Result<Outcome> {
    match command {
        TenantCommand::Create { id, name } => {
            if id.parse::<TenantId>().is_err() {
                return Err(UsageError(format!("{id:?} is not a valid tenant id")).into());
            }
            let body = json!({"id": id, "name": name.as_ref().unwrap_or(&id)});
            let made = client.post("/api/v1/tenants").json(&body).send().await?;
            let json = json!({"id": made["id"], "name": made["name"]});
            Ok(Outcome::ok(format!("Made the tenant {}.", text(&made["id"])), json))
        }
        TenantCommand::List => {
            let found = client.get("/api/v1/tenants").send().await?;
            Ok(listed(
                &found,
                &["id", "name", "made"],
                |tenant| vec![text(&tenant["id"]), text(&tenant["name"]), text(&tenant["created_at"])],
                |tenant| json!({"id": tenant["id"], "name": tenant["name"]}),
            ))
        }
    }
}
