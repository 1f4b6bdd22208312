//! `pilothouse token`: make, list and revoke API tokens.

use anyhow::Result;
use pilothouse_domain::{Role, TokenId};
use serde_json::{Value, json};

use super::{listed, text};
use crate::args::TokenCommand;
use crate::client::Client;
use crate::output::{Outcome, UsageError};

/// Does it.
pub async fn run(client: &Client, command: TokenCommand) -> Result<Outcome> {
    match command {
        TokenCommand::Create { subject, role, expires_in_days } => {
            let role: Role = role.parse().map_err(|error| UsageError(format!("{role:?} is {error}")))?;
            let body = json!({"subject": subject, "role": role, "expires_in_days": expires_in_days});
            let made = client.post("/api/v1/tokens").json(&body).send().await?;
            let (token, id) = (text(&made["token"]), text(&made["id"]));
            Ok(Outcome::ok(
                format!("{token}\n\nKeep it now: it is not shown again. Its id is {id}."),
                json!({
                    "token": token, "id": id, "subject": made["subject"], "role": made["role"], "tenant": made["tenant"],
                }),
            ))
        }
        TokenCommand::List => {
            let found = client.get("/api/v1/tokens").send().await?;
            Ok(listed(&found, &["id", "subject", "role", "valid", "last used"], row, |token| {
                let revoked = !token["revoked_at"].is_null();
                json!({"id": token["id"], "subject": token["subject"], "role": token["role"], "revoked": revoked})
            }))
        }
        TokenCommand::Revoke { id } => {
            let id: TokenId = id.parse().map_err(|_| UsageError(format!("{id:?} is not a token's id")))?;
            client.delete(&format!("/api/v1/tokens/{id}")).send().await?;
            Ok(Outcome::ok("Revoked.", json!({"revoked": id})))
        }
    }
}

fn row(token: &Value) -> Vec<String> {
    let valid = match (token["revoked_at"].as_str(), token["expires_at"].as_str()) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "without end".to_owned(),
    };
    let used = token["last_used_at"].as_str().unwrap_or("never").to_owned();
    vec![text(&token["id"]), text(&token["subject"]), text(&token["role"]), valid, used]
}
